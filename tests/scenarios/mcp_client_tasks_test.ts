/**
 * Tools that are called as tasks: the reference server's over every way, and servers that do with tasks what none should.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { type ToolResult, toolText } from "../../src/domain/tool.ts";
import type { Elicitation, McpCallOptions, McpConnection, Progress } from "../../src/ports/mcp_client.ts";
import { freePort } from "../support/free_port.ts";
import { connectorForTests, toConnectOptions, toServer } from "../support/mcp_client_connector.ts";
import {
  type Answer,
  type HttpUpstream,
  type Message,
  openEvents,
  startHttpUpstream,
} from "../support/mcp_client_http_server.ts";
import { callOptions, failureOf } from "../support/mcp_client_odd.ts";
import { connectReal, EVERYTHING, startReal } from "../support/mcp_client_real.ts";
import { MovingClock, settle } from "../support/moving_clock.ts";
import { until } from "../support/story.ts";

const { signal } = new AbortController();
const RESEARCH = "simulate-research-query";
const asTask = (options: Partial<McpCallOptions> = {}) => ({ ...callOptions(), as_task: true, ...options });

/** The tool of the reference server that is only a task. */
async function useResearch(
  connection: McpConnection,
  asked: { question: Elicitation; tool_call_id?: string }[],
): Promise<void> {
  const tools = await connection.listTools(signal);
  assert.equal(tools.find(({ name }) => name === RESEARCH)?.as_task, true);
  assert.equal(tools.find(({ name }) => name === "echo")?.as_task, undefined);
  const progress: Progress[] = [];
  const research = (topic: string, ambiguous: boolean, options: Partial<McpCallOptions> = {}) =>
    connection.callTool(RESEARCH, { topic, ambiguous }, asTask(options));
  const [clear, ...unclear] = await Promise.all([
    research("boats", false, { onProgress: (one) => void progress.push(one) }),
    ...["ada", "bob"].map((tool_call_id) => research(`boats of ${tool_call_id}`, true, { tool_call_id })),
    connection.callTool("echo", { message: "meanwhile" }, callOptions()),
  ]);
  assert.match(JSON.stringify(clear.content), /Research Report: boats/);
  assert.match(progress.map(({ message }) => message).join(), /Analyzing content/);
  assert.ok(progress.every((one, i) => i === 0 || one.progress > progress[i - 1]!.progress));
  for (const [i, name] of ["ada", "bob"].entries()) {
    assert.match(JSON.stringify(unclear[i]!.content), new RegExp(`boats of ${name} \\(historical\\)`));
    const own = asked.filter(({ tool_call_id }) => tool_call_id === name);
    assert.equal(own.length, 1);
    assert.match(own[0]!.question.message, new RegExp(`boats of ${name}`));
  }
}

function answering() {
  const asked: { question: Elicitation; tool_call_id?: string }[] = [];
  const elicit = (question: Elicitation, { tool_call_id }: { tool_call_id?: string }) => {
    asked.push({ question, ...tool_call_id !== undefined && { tool_call_id } });
    return Promise.resolve({ action: "accept" as const, content: { interpretation: "historical" } });
  };
  return { asked, handlers: { elicit } };
}

Deno.test("a task of the reference server is followed on its standard streams, and each question reaches its call", async () => {
  const { asked, handlers } = answering();
  const server = toServer({ command: "deno", args: ["run", "--no-config", "--no-lock", "-A", EVERYTHING, "stdio"] });
  const connection = await connectorForTests().connect(server, toConnectOptions({ handlers }));
  await using _ = { [Symbol.asyncDispose]: () => connection.close() };
  await useResearch(connection, asked);
});

for (const [kind, path] of [["streamable_http", "mcp"], ["http_sse", "sse"]] as const) {
  Deno.test(`a task of the reference server is followed over ${kind}, and each question reaches its call`, async () => {
    const { asked, handlers } = answering();
    const port = freePort();
    await using _server = startReal([EVERYTHING, kind === "http_sse" ? "sse" : "streamableHttp"], { PORT: `${port}` });
    await using connection = await connectReal(`http://127.0.0.1:${port}/${path}`, { handlers });
    assert.equal(connection.type, kind);
    await useResearch(connection, asked);
  });
}

type Scripted = (message: Message, heard: { params: NonNullable<Message["params"]>; look: number }) => unknown;

/** A server with tasks, one state of `states` a look; `others` answers what else is asked. */
function startTasks(
  era: string,
  states: object[],
  others: Scripted = () => undefined,
  onGet = (): Response | undefined => undefined,
): HttpUpstream {
  const isNew = era >= "2026";
  const capabilities = isNew
    ? { tools: {}, extensions: { "io.modelcontextprotocol/tasks": {} } }
    : { tools: {}, tasks: { cancel: {}, requests: { tools: { call: {} } } } };
  let look = 0;
  const answer: Answer = async ({ message, method: verb }) => {
    if (verb === "GET") return onGet();
    if (!message?.method) return undefined;
    const { method, params = {} } = message;
    const own = await others(message, { params, look });
    if (own !== undefined) return own as object;
    const times = { taskId: "t1", createdAt: "2026-01-01T00:00:00Z", lastUpdatedAt: "2026-01-01T00:00:00Z" };
    const state = (given: object) => ({
      ...times,
      ...isNew ? { ttlMs: null, pollIntervalMs: 1 } : { ttl: null, pollInterval: 1 },
      ...given,
    });
    if (method === "server/discover" && isNew) return { supportedVersions: [era], capabilities };
    if (method === "initialize" && !isNew) {
      return { protocolVersion: era, capabilities, serverInfo: { name: "tasks", version: "1" } };
    }
    if (method === "tools/call") {
      const first = state({ status: "working" });
      return isNew ? { resultType: "task", ...first } : { task: first };
    }
    if (method === "tasks/get") return state(states[Math.min(look++, states.length - 1)]!);
    if (method === "tasks/cancel" || method === "tasks/update") return state({ status: "cancelled" });
    return undefined;
  };
  return startHttpUpstream(answer, { era });
}

async function connectTasks({ url }: HttpUpstream, options: Parameters<typeof toConnectOptions>[0] = {}) {
  const connection = await connectorForTests().connect(toServer({ url }), toConnectOptions(options));
  return Object.assign(connection, { [Symbol.asyncDispose]: () => connection.close() });
}

const OLD = "2025-11-25";
const NEW = "2026-07-28";
const working = { status: "working", statusMessage: "Digging" };
const done = { status: "completed", result: { content: [{ type: "text", text: "gold" }] } };
const resultOf: Scripted = ({ method }) => method === "tasks/result" ? done.result : undefined;
const refusal = (id: unknown, message: string) =>
  Response.json({ jsonrpc: "2.0", id, error: { code: -32602, message } });

for (const era of [OLD, NEW]) {
  Deno.test(`${era}: a task is followed until it is done, and what it says is progress`, async () => {
    await using upstream = startTasks(era, [working, working, done], resultOf);
    await using connection = await connectTasks(upstream);
    const told: (string | undefined)[] = [];
    const options = asTask({ onProgress: ({ message }) => void told.push(message) });
    assert.deepEqual(await connection.callTool("dig", {}, options), toolText("gold"));
    assert.ok(told.includes("Digging"));
    const call = upstream.heard.find(({ message }) => message?.method === "tools/call")!.message!;
    assert.equal(call.params!.task !== undefined, era === OLD);
    assert.ok(!upstream.methods().includes("tasks/cancel"));
  });

  Deno.test(`${era}: a task whose first state makes no sense was made all the same: it is cancelled`, async () => {
    const malformed = { taskId: "t1", status: "dreaming" };
    const others: Scripted = ({ method }) => {
      if (method !== "tools/call") return undefined;
      return era === OLD ? { task: malformed } : { resultType: "task", ...malformed };
    };
    await using upstream = startTasks(era, [working], others);
    await using connection = await connectTasks(upstream);
    const failure = await failureOf(connection.callTool("dig", {}, asTask()));
    assert.deepEqual([failure.kind, failure.sent], ["protocol", true]);
    assert.match(failure.message, /status that isn't known here/);
    await until("it is cancelled", () => upstream.methods().includes("tasks/cancel"));
  });

  Deno.test(`${era}: a call that is given up cancels its task`, async () => {
    await using upstream = startTasks(era, [working]);
    await using connection = await connectTasks(upstream);
    const stop = new AbortController();
    const call = connection.callTool("dig", {}, {
      ...asTask({ signal: stop.signal }),
      onProgress: ({ message }) => message === "Digging" && stop.abort(new Error("Enough")),
    });
    await assert.rejects(call, /Enough/);
    await until("it is cancelled", () => upstream.methods().includes("tasks/cancel"));
  });

  Deno.test(`${era}: a task that never ends is cut off at the limit of the call, and cancelled`, async () => {
    await using upstream = startTasks(era, [working]);
    await using connection = await connectTasks(upstream, { max_timeout_ms: 900 });
    const failure = await failureOf(connection.callTool("dig", {}, asTask()));
    assert.equal(failure.kind, "timeout");
    assert.match(failure.message, /it took longer than 0.9 s/);
    await until("it is cancelled", () => upstream.methods().includes("tasks/cancel"));
  });

  Deno.test(`${era}: a server that goes silent about a task is given up`, async () => {
    const others: Scripted = ({ method }) =>
      method === "tasks/get" ? new Promise((resolve) => setTimeout(resolve, 5_000)) : undefined;
    await using upstream = startTasks(era, [working], others);
    await using connection = await connectTasks(upstream, { timeout_ms: 2000, max_timeout_ms: 60_000 });
    const failure = await failureOf(connection.callTool("dig", {}, asTask()));
    assert.equal(failure.kind, "timeout");
    assert.match(failure.message, /silent for 2 s/);
  });

  Deno.test(`${era}: a server that loses the task, gives it up or answers rubbish is told apart`, async () => {
    const cases: [object[], Scripted, string, RegExp][] = [
      [
        [working],
        ({ id, method }) => method === "tasks/get" ? refusal(id, "Task not found") : undefined,
        "refused",
        /it lost the task: Task not found/,
      ],
      [
        [{ status: "cancelled", statusMessage: "No time" }],
        () => undefined,
        "refused",
        /it cancelled the task: No time/,
      ],
      [[{ status: "done" }], () => undefined, "protocol", /status that isn't known here/],
      [[{ ...working, taskId: "t2" }], () => undefined, "protocol", /another task/],
      [[{ ...working, taskId: 7 }], () => undefined, "protocol", /taskId is no text/],
      [
        [{ ...done, result: "gold" }],
        ({ method }) => method === "tasks/result" ? { hello: 1 } : undefined,
        "protocol",
        /Its (answer|content) is no (object|list)/,
      ],
      [
        [{ status: "failed", statusMessage: "It broke", error: { code: -32603, message: "It broke" } }],
        ({ id, method }) => method === "tasks/result" ? refusal(id, "It broke") : undefined,
        "refused",
        /It broke/,
      ],
    ];
    for (const [states, others, kind, words] of cases) {
      await using upstream = startTasks(era, states, others);
      await using connection = await connectTasks(upstream);
      const failure = await failureOf(connection.callTool("dig", {}, asTask()));
      assert.deepEqual([failure.kind, failure.sent], [kind, true], failure.message);
      assert.match(failure.message, words);
      assert.match(failure.message, /^Cannot call the tool "dig" of tool server "upstream": /);
    }
  });

  Deno.test(`${era}: a server that can't be reached for a while keeps its task`, async () => {
    let missed = 0;
    const others: Scripted = (message) => {
      if (message.method === "tasks/get" && missed++ < 2) return new Response("restarting", { status: 503 });
      return resultOf(message, { params: {}, look: 0 });
    };
    await using upstream = startTasks(era, [working, done], others);
    await using connection = await connectTasks(upstream);
    assert.deepEqual(await connection.callTool("dig", {}, asTask()), toolText("gold"));
    assert.equal(upstream.methods().filter((method) => method === "tools/call").length, 1);
  });

  Deno.test(`${era}: a session that is lost after the task began is no reason to call again`, async () => {
    const others: Scripted = ({ method }) =>
      method === "tasks/get" ? new Response("Session not found", { status: 404 }) : undefined;
    await using upstream = startTasks(era, [working], others);
    await using connection = await connectTasks(upstream);
    const failure = await failureOf(connection.callTool("dig", {}, asTask()));
    assert.equal(failure.sent, true);
    assert.match(failure.message, /session|404/i);
  });
}

Deno.test("a task of the newer era asks each thing once, answered together, while it is looked after", async () => {
  const question = (message: string) => ({
    method: "elicitation/create",
    params: { mode: "form", message, requestedSchema: { type: "object", properties: { name: { type: "string" } } } },
  });
  const asks = { status: "input_required", inputRequests: { a: question("First?"), b: question("Second?") } };
  let given: unknown;
  const others: Scripted = ({ method, params }) => {
    if (method === "tasks/update") given = params!.inputResponses;
    if (method === "tasks/get" && given) {
      return { taskId: "t1", ttlMs: null, ...done };
    }
  };
  await using upstream = startTasks(NEW, [asks], others);
  const answers = Promise.withResolvers<void>();
  const asked: [string, string | undefined][] = [];
  await using connection = await connectTasks(upstream, {
    handlers: {
      elicit: async ({ message }, { tool_call_id }) => {
        asked.push([message, tool_call_id]);
        await answers.promise;
        return { action: "accept", content: { name: message } };
      },
    },
  });
  const call = connection.callTool("dig", {}, asTask({ tool_call_id: "mine" }));
  await until("it is looked after", () => upstream.methods().filter((method) => method === "tasks/get").length > 2);
  answers.resolve();
  assert.deepEqual(await call, toolText("gold"));
  assert.deepEqual(asked, [["First?", "mine"], ["Second?", "mine"]]);
  const accept = (name: string) => ({ action: "accept", content: { name } });
  assert.deepEqual(given, { a: accept("First?"), b: accept("Second?") });
  const looks = upstream.heard.filter(({ message }) => message?.method.startsWith("tasks/"));
  assert.ok(looks.every(({ headers }) => headers.get("mcp-name") === "t1"), "the task stands in the headers");
});

Deno.test("a task of the newer era that asks and asks is given up", async () => {
  let n = 0;
  const others: Scripted = ({ method }) => {
    if (method !== "tasks/get") return undefined;
    const params = { message: "Again?", requestedSchema: { type: "object", properties: {} } };
    const inputRequests = { [`q${n++}`]: { method: "elicitation/create", params } };
    return { taskId: "t1", ttlMs: null, pollIntervalMs: 1, status: "input_required", inputRequests };
  };
  await using upstream = startTasks(NEW, [working], others);
  await using connection = await connectTasks(upstream);
  const failure = await failureOf(connection.callTool("dig", {}, asTask()));
  assert.match(failure.message, /still asks for input after 10 rounds/);
  await until("it is cancelled", () => upstream.methods().includes("tasks/cancel"));
});

Deno.test("a task that begins after its call was given up is cancelled all the same", async () => {
  const held = Promise.withResolvers<void>();
  const others: Scripted = async ({ method }) => {
    if (method !== "tools/call") return undefined;
    await held.promise;
    return { task: { taskId: "late", status: "working", ttl: null } };
  };
  await using upstream = startTasks(OLD, [working], others);
  await using connection = await connectTasks(upstream);
  const stop = new AbortController();
  const call = connection.callTool("dig", {}, asTask({ signal: stop.signal }));
  await until("it is called", () => upstream.methods().includes("tools/call"));
  stop.abort(new Error("Enough"));
  await assert.rejects(call, /Enough/);
  held.resolve();
  const cancelled = await until("it is cancelled", () => {
    return upstream.heard.find(({ message }) => message?.method === "tasks/cancel")?.message ?? null;
  });
  assert.equal(cancelled.params!.taskId, "late");
});

Deno.test("a server of the older era that promises tasks of no call is called plainly, and one that makes none is heard", async () => {
  for (const capabilities of [{ tools: {} }, { tools: {}, tasks: { requests: { tools: { call: {} } } } }]) {
    const others: Scripted = ({ method }) => {
      if (method === "initialize") {
        return { protocolVersion: OLD, capabilities, serverInfo: { name: "t", version: "1" } };
      }
      return method === "tools/call" ? done.result : undefined;
    };
    await using upstream = startTasks(OLD, [working], others);
    await using connection = await connectTasks(upstream);
    assert.deepEqual(await connection.callTool("dig", {}, asTask()), toolText("gold"));
    const call = upstream.heard.find(({ message }) => message?.method === "tools/call")!.message!;
    assert.equal(call.params!.task !== undefined, "tasks" in capabilities);
  }
});

Deno.test("two calls that a server gives the same task can't be told apart: the second is refused, the first goes on", async () => {
  const end = Promise.withResolvers<void>();
  let isOver = false;
  void end.promise.then(() => isOver = true);
  const others: Scripted = (message) => {
    if (message.method === "tasks/get" && isOver) return { taskId: "t1", ttl: null, status: "completed" };
    return resultOf(message, { params: {}, look: 0 });
  };
  await using upstream = startTasks(OLD, [working], others);
  await using connection = await connectTasks(upstream);
  const first = connection.callTool("dig", {}, asTask());
  await until("it is looked after", () => upstream.methods().includes("tasks/get"));
  const failure = await failureOf(connection.callTool("dig", {}, asTask()));
  assert.match(failure.message, /two calls the same task/);
  end.resolve();
  assert.deepEqual(await first, toolText("gold"));
  assert.ok(!upstream.methods().includes("tasks/cancel"));
});

/** A server of the older era that also speaks by itself, on the stream that is open for that. */
function startTalking(others: Scripted) {
  const events = openEvents();
  const upstream = startTasks(OLD, [working], others, () => events.response);
  return { ...upstream, say: (message: object) => events.write({ jsonrpc: "2.0", ...message }) };
}

Deno.test("progress goes on after the first answer, and a change of state that is told is looked at at once", async () => {
  const clock = new MovingClock();
  let token: unknown;
  let isOver = false;
  await using upstream = startTalking(({ id, method, params }) => {
    if (method === "tools/call") {
      token = (params!._meta as { progressToken: unknown }).progressToken;
      return { task: { taskId: "t1", status: "working", ttl: null, pollInterval: 3_600_000 } };
    }
    return isOver && method === "tasks/get"
      ? { taskId: "t1", status: "completed", ttl: null }
      : resultOf({ id: id!, method }, { params: {}, look: 0 });
  });
  const connection = await connectorForTests({ clock }).connect(toServer({ url: upstream.url }), toConnectOptions());
  await using _ = { [Symbol.asyncDispose]: () => connection.close() };
  await until("it listens", () => upstream.heard.some(({ method }) => method === "GET"));
  const told: Progress[] = [];
  let result: ToolResult | undefined;
  void connection.callTool("dig", {}, asTask({ onProgress: (one) => void told.push(one) })).then((given) =>
    result = given
  );
  await until("it is called", () => token !== undefined);
  await settle();
  upstream.say({ method: "notifications/progress", params: { progressToken: token, progress: 3, total: 4 } });
  await until("it is told", () => told.some(({ total }) => total === 4));
  isOver = true;
  upstream.say({ method: "notifications/tasks/status", params: { taskId: "t1", status: "completed" } });
  // Far from the next look.
  for (let i = 0; i < 50 && !result; i++) await clock.pass(100);
  assert.deepEqual(result, toolText("gold"));
});

Deno.test("a question that overtakes the answer that names its task reaches the call, and one of no task nobody", async () => {
  const { asked, handlers } = answering();
  const question = (id: string, taskId: string) => ({
    id,
    method: "elicitation/create",
    params: {
      message: `For ${taskId}?`,
      requestedSchema: { type: "object", properties: {} },
      _meta: { "io.modelcontextprotocol/related-task": { taskId } },
    },
  });
  const answered = (id: string) => upstream.heard.some(({ message }) => message?.id === id && !("method" in message));
  await using upstream = startTalking((message) => {
    const { method } = message;
    if (method === "tools/call") {
      upstream.say(question("q1", "t1"));
      return until("the question is there", () => new Promise((resolve) => setTimeout(() => resolve(true), 50))).then(
        () => undefined,
      );
    }
    const isOver = answered("q1") && answered("q2");
    if (isOver && method === "tasks/get") return { taskId: "t1", status: "completed", ttl: null };
    return resultOf(message, { params: {}, look: 0 });
  });
  await using connection = await connectTasks(upstream, { handlers });
  await until("it listens", () => upstream.heard.some(({ method }) => method === "GET"));
  const call = connection.callTool("dig", {}, asTask({ tool_call_id: "mine" }));
  await until("it is answered", () => answered("q1"));
  upstream.say(question("q2", "gone"));
  assert.deepEqual(await call, toolText("gold"));
  assert.deepEqual(asked.map(({ question, tool_call_id }) => [question.message, tool_call_id]), [
    ["For t1?", "mine"],
    ["For gone?", undefined],
  ]);
});
