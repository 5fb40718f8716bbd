import { strict as assert } from "node:assert";
import { createClient } from "../../src/client.ts";
import { AppError } from "../../src/domain/error.ts";
import { agentCreate, agentDelete, agentGet, agentList, agentUpdate } from "../../src/operations/agents.ts";
import { agentChatSend, chatSend, chatStream } from "../../src/operations/chat.ts";
import {
  conversationCreate,
  conversationDelete,
  conversationGet,
  messageCreate,
  messageList,
} from "../../src/operations/conversations.ts";
import type { Item, Operation } from "../../src/operations/operation.ts";
import { runCreate, runEvents, runGet, runList, runSteps } from "../../src/operations/runs.ts";
import { systemStatus } from "../../src/operations/system.ts";
import { readError } from "../support/errors.ts";
import { parseFrames } from "../support/events.ts";
import { startProvider } from "../support/provider.ts";
import { toRequest } from "../support/samples.ts";
import { ADMIN_KEY, startServer, type TestServer, USER_KEY } from "../support/server.ts";

type Input = Record<string, unknown>;

/** A way to the operations. */
interface Door {
  name: string;
  call(op: Operation, input: Input, key?: string): Promise<unknown>;
  stream(op: Operation, input: Input, key?: string): Promise<{ type: string; data: unknown }[]>;
}

const plain = ({ type, data }: Item) => ({ type, data: JSON.parse(data) });
const CALL_STREAM: Pick<Operation, "kind">["kind"] = "stream";

function doorsOf(server: TestServer): Door[] {
  const { gateway } = server.app;
  const visitOf = async (key: string) => ({
    principal: await gateway.identify({ token: key, address: "127.0.0.1", request_id: "req_inside" }),
    signal: new AbortController().signal,
    address: "127.0.0.1",
    request_id: "req_inside",
  });
  const fetched = async (op: Operation, input: Input, key: string, accept: string) => {
    const { method, path, headers, body } = toRequest(op, input);
    const response = await server.request(method, `^${path}`, {
      key,
      headers: { ...headers, accept },
      ...body !== undefined && { body },
    });
    const text = await response.text();
    if (response.ok) return { status: response.status, text };
    const { error, message, details } = readError(response.status, text);
    throw new AppError(error, message, { details });
  };
  const client = (key: string) => createClient({ url: server.url, key });
  return [
    {
      name: "the gateway in process",
      call: async (op, input, key = USER_KEY) => await gateway.call(op as never, () => input, await visitOf(key)),
      stream: async (op, input, key = USER_KEY) => {
        const items = await gateway.stream(op as never, () => input, await visitOf(key));
        return items ? (await Array.fromAsync(items)).map(plain) : [];
      },
    },
    {
      name: "HTTP and SSE",
      call: async (op, input, key = USER_KEY) => {
        const { status, text } = await fetched(op, input, key, "application/json");
        return status === 204 ? null : JSON.parse(text);
      },
      stream: async (op, input, key = USER_KEY) => {
        const given = op.kind === CALL_STREAM && "flag" in op && op.flag ? { ...input, [op.flag]: true } : input;
        const { text } = await fetched(op, given, key, "text/event-stream");
        return parseFrames(text).map(({ type, data }) => ({ type, data }));
      },
    },
    {
      name: "the client",
      call: (op, input, key = USER_KEY) => client(key).call(op as never, input as never),
      stream: async (op, input, key = USER_KEY) => {
        const items = await client(key).stream(op as never, input as never);
        return items ? (await Array.fromAsync(items)).map(plain) : [];
      },
    },
  ];
}

/** What must be the same: everything but ids and times. Deltas are joined, as they come in other pieces. */
function normal(value: unknown): unknown {
  const text = JSON.stringify(value ?? null)
    .replaceAll(/(conv|run|msg|step|tool|file)_[0-9a-z]{20,}/g, "$1")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME").replaceAll(/"uptime_seconds":\d+/g, "");
  return JSON.parse(text);
}

function joined(frames: { type: string; data: unknown }[]): unknown {
  const rest = frames.filter(({ type }) => type !== "model.delta");
  const text = frames.flatMap(({ type, data }) => type === "model.delta" ? [(data as { text: string }).text] : []);
  return { rest, text: text.join("") };
}

async function failing(work: Promise<unknown>): Promise<unknown> {
  const error = await work.then(() => assert.fail("nothing was refused"), (thrown) => thrown);
  assert.ok(error instanceof AppError, String(error));
  return { error: error.name, message: error.message, details: error.details ?? {} };
}

/** The story: an agent, a conversation, answers, and everything that can't be. */
async function tell({ call, stream }: Door): Promise<unknown[]> {
  const told: unknown[] = [];
  const say = (value: unknown) => void told.push(normal(value));
  say(await call(agentCreate, { id: "poet", name: "Poet", system_prompt: "Rhyme" }, ADMIN_KEY));
  say(await call(agentUpdate, { agent_id: "poet", description: "Rhymes" }, ADMIN_KEY));
  say(await call(agentGet, { agent_id: "poet" }));
  say(await call(agentGet, { agent_id: "poet" }, ADMIN_KEY));
  say(await call(agentList, { limit: 2 }));
  const { id: conversation_id } = await call(conversationCreate, { user_id: "ann", title: "Verse" }) as { id: string };
  const here = { conversation_id, user_id: "ann" };
  const answer = await call(agentChatSend, { ...here, agent_id: "poet", message: "Hello" }) as { run_id: string };
  say(answer);
  say(joined(await stream(chatStream, { ...here, message: "Again" })));
  say(joined(await stream(chatSend, { ...here, message: "And again" })));
  say(await call(messageCreate, { ...here, content: "Once more", metadata: { mood: "tired" } }));
  say(joined(await stream(runCreate, here)));
  say(await call(runGet, { run_id: answer.run_id }));
  say(await call(runSteps, { run_id: answer.run_id }));
  say(await call(runEvents, { run_id: answer.run_id }));
  const events = await stream(runEvents, { run_id: answer.run_id });
  say(joined(events));
  say(await stream(runEvents, { run_id: answer.run_id, starting_after: events.length - 1 }));
  say(await stream(runEvents, { run_id: answer.run_id, starting_after: events.length }));
  say(await stream(runEvents, { run_id: answer.run_id, types: ["run.started", "run.completed"] }));
  say(await call(runList, { ...here, limit: 2 }));
  say(await call(messageList, { ...here, limit: 3, order: "desc" }));
  say(await call(conversationGet, { conversation_id: "ann" }));
  const wrong: [Operation, Input, string?][] = [
    [chatSend, { message: "" }],
    [chatSend, { message: "Hi", nonsense: 1 }],
    [chatSend, { message: "Hi", conversation_id: "conv_0nowhere0" }],
    [agentChatSend, { message: "Hi", agent_id: "nobody" }],
    [agentGet, { agent_id: "nobody" }],
    [agentCreate, { id: "poet", name: "Another" }, ADMIN_KEY],
    [agentCreate, { id: "poet", name: "Another" }],
    [systemStatus, {}],
    [runGet, { run_id: "run_0nowhere0" }],
    [messageList, { ...here, limit: 1000 }],
    [agentList, {}, "sk_muxi_user_wrong_0123456789"],
  ];
  for (const [op, input, key] of wrong) say(await failing(call(op, input, key)));
  say(await failing(stream(runEvents, { run_id: answer.run_id, starting_after: 9999 })));
  say(await failing(stream(chatStream, { message: "Hi", attachments: [{ file_id: "file_0nowhere0" }] })));
  say(await call(conversationDelete, here));
  say(await failing(call(conversationGet, here)));
  say(await call(agentDelete, { agent_id: "poet" }, ADMIN_KEY));
  return told;
}

Deno.test("the same story through every door gives the same answers and the same errors", async () => {
  const stories: unknown[][] = [];
  for (const index of [0, 1, 2]) {
    await using provider = await startProvider({ script: { tokens: ["Roses ", "are ", "red"], delay: 1 } });
    await using server = await startServer({ provider: provider.url });
    stories.push(await tell(doorsOf(server)[index]!));
  }
  for (const story of stories.slice(1)) {
    for (const [index, part] of story.entries()) assert.deepEqual(part, stories[0]![index], `part ${index}`);
    assert.equal(story.length, stories[0]!.length);
  }
});
