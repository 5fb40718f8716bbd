/**
 * Tool servers that ask a person in the middle of a call.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { toolText } from "../../src/domain/tool.ts";
import type { McpCallOptions } from "../../src/ports/mcp_client.ts";
import { scriptedConnector, ScriptedServer } from "../support/mcp_hub_connector.ts";
import { startProvider } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { ask, createAgent, eventsOf, type Json, saidTo, until, untilStatus } from "../support/story.ts";

const QUESTION = {
  message: "Which folder? (sk-very-secret-key)",
  schema: { type: "object", properties: { folder: { type: "string" } }, required: ["folder"] },
};

const asking = async (files: ScriptedServer, { signal, tool_call_id }: McpCallOptions) =>
  toolText(JSON.stringify(await files.options!.handlers.elicit(QUESTION, { signal, tool_call_id })));

/** A server whose agent calls a tool that asks, and answers with what it was told. */
async function interview(settings: Json = {}, calling = asking) {
  await using stack = new AsyncDisposableStack();
  const script = [{ tool_calls: [{ name: "files__echo", arguments: {} }] }, { tokens: ["Thanks"] }];
  const provider = stack.use(await startProvider({ script }));
  const files = new ScriptedServer();
  files.calling = (_, options) => calling(files, options);
  const server = stack.use(
    await startServer({
      provider: provider.url,
      settings: { auth: { user_scopes: ["tools"] }, ...settings },
      ports: { connector: scriptedConnector({ files }) },
    }),
  );
  await createAgent(server, "clerk", {
    allowed_tools: ["files__*"],
    mcp_servers: [{ name: "files", url: "https://files.example" }],
  });
  await until("the tool is there", async () => (await ask(server, "GET /tools")).data.length > 0);
  const { id: conversation_id } = await ask(server, "POST /conversations", { body: {} });
  await ask(server, `POST /conversations/${conversation_id}/messages`, { body: { content: "Tidy up" } });
  const run = await ask(server, `POST /conversations/${conversation_id}/runs`, { body: { agent_id: "clerk" } });
  const asked = async (): Promise<Json> => (await ask(server, "GET /approvals")).data[0];
  const decide = async (body: Json, options: Json = {}) => {
    const { tool_call_id } = await until("the question is there", asked);
    return await ask(server, `POST /runs/${run.id}/tool_calls/${tool_call_id}/decision`, { body, ...options });
  };
  const told = () => saidTo(provider.requests[1]!).at(-1)!;
  const owned = stack.move();
  return { server, files, run, asked, decide, told, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

Deno.test("the question reaches the run's watchers, and the answer the server", async () => {
  await using talk = await interview();
  const question = await until("the question is there", talk.asked);
  assert.equal(question.kind, "elicitation");
  assert.deepEqual(question.question, { ...QUESTION, message: "Which folder? ([masked])" });
  assert.equal((await ask(talk.server, `GET /runs/${talk.run.id}`)).status, "running");
  const wrong = await talk.decide({ decision: "approve", arguments: { folder: 1 } }, { status: 400 });
  assert.match(wrong.message, /Cannot answer the question .*folder/);
  await talk.decide({ decision: "approve" }, { status: 400 });
  await talk.decide({ decision: "approve", arguments: { folder: "/home" } });
  await untilStatus(talk.server, talk.run.id, "completed");
  assert.match(talk.told(), /\{\\*"action\\*":\\*"accept\\*",\\*"content\\*":\{\\*"folder\\*":\\*"\/home\\*"\}\}/);
  const events = await eventsOf(talk.server, talk.run.id);
  const types = events.map(({ type }) => type).filter((type) => type.startsWith("tool."));
  assert.deepEqual(types, [
    "tool.call.started",
    "tool.call.approval_required",
    "tool.call.approved",
    "tool.call.result",
  ]);
  assert.equal(
    events.find(({ type }) => type === "tool.call.approval_required")!.data.question.message,
    question.question.message,
  );
  const { data: [, step] } = await ask(talk.server, `GET /runs/${talk.run.id}/steps`);
  assert.deepEqual(step.tool_calls[0].arguments, {}, "the answer is not taken for the call's arguments");
  assert.equal(talk.files.calls.length, 1);
});

Deno.test("a person may decline, and deciding twice is refused", async () => {
  await using talk = await interview();
  const { tool_call_id } = await until("the question is there", talk.asked);
  await talk.decide({ decision: "deny" });
  await untilStatus(talk.server, talk.run.id, "completed");
  assert.match(talk.told(), /decline/);
  const path = `POST /runs/${talk.run.id}/tool_calls/${tool_call_id}/decision`;
  await ask(talk.server, path, { body: { decision: "approve", arguments: { folder: "x" } }, status: 409 });
});

Deno.test("the time of the call stands still while a person thinks", async () => {
  await using talk = await interview({ runs: { tool_timeout_seconds: 1 } });
  await until("the question is there", talk.asked);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await talk.decide({ decision: "approve", arguments: { folder: "/home" } });
  await untilStatus(talk.server, talk.run.id, "completed");
  assert.match(talk.told(), /accept/);
});

Deno.test("nobody answers in time: the server is told to go on without", async () => {
  await using talk = await interview({ runs: { approval_timeout_seconds: 1, lease_seconds: 2 } });
  await untilStatus(talk.server, talk.run.id, "completed");
  assert.match(talk.told(), /cancel/);
});

Deno.test("cancelling the run withdraws the question", async () => {
  await using talk = await interview();
  await until("the question is there", talk.asked);
  await ask(talk.server, `POST /runs/${talk.run.id}/cancel`, { body: {} });
  await untilStatus(talk.server, talk.run.id, "cancelled");
  assert.equal(await talk.asked(), undefined);
  assert.equal((await ask(talk.server, "GET /approvals?status=withdrawn")).data.length, 1);
});

Deno.test("a direct call whose caller can't be asked says so to its server: nobody has declined", async () => {
  await using talk = await interview();
  const { result } = await ask(talk.server, "POST /tools/files__echo/call", { body: {} });
  assert.deepEqual(JSON.parse(result.content[0].text), { action: "cancel" });
});

Deno.test("a question that could be for several calls is nobody's, and the runs of these calls tell why", async () => {
  await using talk = await interview({}, async (files, { signal, tool_call_id }) => {
    const among = [tool_call_id, "tool_of_another"];
    return toolText(JSON.stringify(await files.options!.handlers.elicit(QUESTION, { signal, among })));
  });
  const { run } = talk;
  await untilStatus(talk.server, run.id, "completed");
  assert.match(talk.told(), /cancel/);
  const denied = (await eventsOf(talk.server, run.id)).find(({ type }) => type === "tool.call.denied")!.data;
  assert.equal(denied.decided_by, "nobody");
  assert.match(
    denied.reason,
    /^Nobody was asked what tool server "files" wants to know: the server doesn't say in which call it asks/,
  );
});

Deno.test("a server's connection knows whose each call is, made by a run or directly", async () => {
  const owners: (string | undefined)[] = [];
  await using talk = await interview({}, (_, { owner }) => {
    owners.push(owner);
    return Promise.resolve(toolText("Done"));
  });
  const { server, run } = talk;
  await untilStatus(server, run.id, "completed");
  await ask(server, "POST /tools/files__echo/call", { body: {} });
  await ask(server, "POST /tools/files__echo/call", { body: { user_id: "bob" } });
  assert.equal(owners.length, 3);
  assert.ok(owners[0]);
  assert.equal(owners[0], owners[1]);
  assert.notEqual(owners[1], owners[2]);
});

Deno.test("strangers see no question, and can't answer one", async () => {
  await using talk = await interview();
  const { tool_call_id } = await until("the question is there", talk.asked);
  assert.deepEqual((await ask(talk.server, "GET /approvals?user_id=bob")).data, []);
  const path = `POST /runs/${talk.run.id}/tool_calls/${tool_call_id}/decision`;
  await ask(talk.server, path, { body: { decision: "deny", user_id: "bob" }, status: 404 });
});
