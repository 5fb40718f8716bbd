/**
 * Models that call tools.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { startProvider, type Step } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { ask, createAgent, eventsOf, framesOf, type Json, saidTo, until } from "../support/story.ts";
import { type ScriptedTool, scriptedToolbox } from "../support/toolbox.ts";

const fine = (result: unknown) => () => ({ result, is_error: false });
const call = (name: string, args: Json = {}): Step => ({ tool_calls: [{ name, arguments: args }] });

/** A server whose agent `worker` may use all of `tools`, with a provider that says `script`. */
async function workshop(tools: Record<string, ScriptedTool>, script: Json, { agent = {}, settings = {} }: Json = {}) {
  await using stack = new AsyncDisposableStack();
  const provider = stack.use(await startProvider({ script }));
  const toolbox = scriptedToolbox(tools);
  const server = stack.use(await startServer({ provider: provider.url, ports: { toolbox }, settings }));
  await createAgent(server, "worker", { allowed_tools: ["*"], ...agent });
  const owned = stack.move();
  const work = (body: Json = {}) => ask(server, "POST /agents/worker/chat", { body: { message: "Work", ...body } });
  return { provider, toolbox, server, work, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

Deno.test("several steps: what a tool says is what the model reads next", async () => {
  const tools = { add: { act: ({ a, b }: Json) => ({ result: a + b, is_error: false }) } };
  const script = [call("add", { a: 1, b: 2 }), call("add", { a: 3, b: 4 }), { tokens: ["Seven"] }];
  await using shop = await workshop(tools, script);
  const answer = await shop.work();
  assert.equal(answer.message.content, "Seven");
  assert.deepEqual(shop.toolbox.calls.map(({ arguments: args }) => args), [{ a: 1, b: 2 }, { a: 3, b: 4 }]);
  const offered = shop.provider.requests[0]!.body.tools.map((tool: Json) => tool.function.name);
  assert.deepEqual(offered, ["add"]);
  const last = shop.provider.requests[2]!.body.messages.slice(-4);
  assert.deepEqual(last.map(({ role }: Json) => role), ["assistant", "tool", "assistant", "tool"]);
  assert.deepEqual([last[1].content, last[3].content], ["3", "7"]);
  assert.equal(last[1].tool_call_id, last[0].tool_calls[0].id);
  const { data } = await ask(shop.server, `GET /runs/${answer.run_id}/steps`);
  assert.deepEqual(data.map(({ kind, status }: Json) => `${kind} ${status}`), [
    "model completed",
    "tool completed",
    "model completed",
    "tool completed",
    "model completed",
  ]);
  assert.deepEqual(data.map(({ position }: Json) => position), [0, 1, 2, 3, 4]);
  const used = data.filter(({ usage }: Json) => usage).map(({ usage }: Json) => usage.total_tokens);
  assert.equal(answer.usage.total_tokens, used.reduce((a: number, b: number) => a + b));
});

Deno.test("calls of one step are made at the same time", async () => {
  let inside = 0;
  const both = Promise.withResolvers<void>();
  const meet = async () => {
    if (++inside === 2) both.resolve();
    await both.promise;
    return { result: inside, is_error: false };
  };
  const script = [{ tool_calls: [1, 2].map(() => ({ name: "meet", arguments: {} })) }, { tokens: ["Met"] }];
  await using shop = await workshop({ meet: { act: meet } }, script);
  const answer = await shop.work();
  assert.equal(answer.message.content, "Met");
  const types = (await eventsOf(shop.server, answer.run_id)).map(({ type }) => type);
  assert.deepEqual(types.filter((type) => type.startsWith("tool.")), [
    "tool.call.started",
    "tool.call.started",
    "tool.call.result",
    "tool.call.result",
  ]);
});

const strict = {
  parameters: { type: "object", properties: { n: { type: "number" } }, required: ["n"] },
  act: fine("never"),
};
const failures: {
  name: string;
  tool: ScriptedTool;
  step: Step;
  agent?: Json;
  says: RegExp;
  status: string;
  called: number;
}[] = [
  {
    name: "a tool that isn't there",
    tool: strict,
    step: call("nothing"),
    says: /no such tool/,
    status: "failed",
    called: 0,
  },
  {
    name: "arguments that break the schema",
    tool: strict,
    step: call("work", { n: "one" }),
    says: /n/,
    status: "failed",
    called: 0,
  },
  {
    name: "arguments that are no JSON",
    tool: { act: fine("never") },
    step: { tool_calls: [{ name: "work", arguments: '{"n": 1' }] },
    says: /JSON/,
    status: "failed",
    called: 0,
  },
  {
    name: "a tool the policy forbids",
    tool: strict,
    step: call("work", { n: 1 }),
    agent: { policies: { deny: ["w*"] } },
    says: /policy does not allow/,
    status: "denied",
    called: 0,
  },
  {
    name: "a tool that says it failed",
    tool: { act: () => ({ result: "no paper", is_error: true }) },
    step: call("work"),
    says: /no paper/,
    status: "failed",
    called: 1,
  },
  {
    name: "a tool that throws",
    tool: { act: () => Promise.reject(new Error("lost sk-very-secret-key")) },
    step: call("work"),
    says: /lost \[masked\]/,
    status: "failed",
    called: 1,
  },
];

for (const { name, tool, step, agent, says, status, called } of failures) {
  Deno.test(`the model is told of ${name}, and goes on`, async () => {
    await using shop = await workshop({ work: tool }, [step, { tokens: ["Sorry"] }], { agent });
    const answer = await shop.work();
    assert.deepEqual([answer.status, answer.message.content], ["completed", "Sorry"]);
    assert.equal(shop.toolbox.calls.length, called);
    const told = saidTo(shop.provider.requests[1]!).at(-1)!;
    assert.match(told, says);
    assert.ok(told.startsWith('tool: {"error":'));
    const { data } = await ask(shop.server, `GET /runs/${answer.run_id}/steps`);
    assert.equal(data[1].tool_calls[0].status, status);
    const results = (await eventsOf(shop.server, answer.run_id)).filter(({ type }) => type === "tool.call.result");
    assert.equal(results.length, 1);
    assert.match(results[0]!.data.error.message, says);
  });
}

Deno.test("a tool that takes too long is cancelled, and the model told", async () => {
  const act = (_: Json, signal: AbortSignal) =>
    new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const settings = { runs: { tool_timeout_seconds: 1 } };
  await using shop = await workshop({ work: { act } }, [call("work"), { tokens: ["Sorry"] }], { settings });
  assert.equal((await shop.work()).message.content, "Sorry");
  assert.equal(shop.toolbox.calls[0]!.cancelled, true);
  assert.match(saidTo(shop.provider.requests[1]!).at(-1)!, /any longer: 1 s passed/);
});

Deno.test("secrets in a result reach neither the model nor the log, and a huge result is cut", async () => {
  const text = "key\nsk-abcdefghij0123456789\tBearer abcdefghijk\n" + "x".repeat(300_000);
  await using shop = await workshop({ work: { act: fine({ text }) } }, [call("work"), { tokens: ["Thanks"] }]);
  const answer = await shop.work();
  const events = JSON.stringify(await eventsOf(shop.server, answer.run_id));
  const told = saidTo(shop.provider.requests[1]!).at(-1)!;
  const steps = JSON.stringify(await ask(shop.server, `GET /runs/${answer.run_id}/steps`));
  for (const seen of [events, told, steps]) {
    assert.ok(!/sk-abc|Bearer abc/.test(seen));
    assert.match(seen, /\[masked\]/);
    assert.match(seen, /truncated/);
    assert.ok(seen.length < 600_000);
  }
});

Deno.test("what a cancelled run asked for and never got is repaired for the next run", async () => {
  const stuck = (_: Json, signal: AbortSignal) =>
    new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const two = { tool_calls: [{ name: "quick", arguments: {} }, { name: "stuck", arguments: {} }] };
  const tools = { stuck: { act: stuck }, quick: { act: fine("quick result") } };
  await using shop = await workshop(tools, [two, { tokens: ["Again"] }]);
  const { server, toolbox, provider } = shop;
  const first = shop.work();
  await until("both tools are called", () => toolbox.calls.length === 2);
  const { data: [run] } = await ask(server, "GET /runs");
  await until("the quick one is done", async () => {
    const { data } = await ask(server, `GET /runs/${run.id}/steps`);
    return data[1].tool_calls.some(({ status }: Json) => status === "completed");
  });
  await ask(server, `POST /runs/${run.id}/cancel`, { body: {} });
  assert.equal((await first).status, "cancelled");
  assert.equal(toolbox.calls.find(({ tool }) => tool === "stuck")!.cancelled, true);
  await shop.work({ conversation_id: run.conversation_id, message: "Go on" });
  const { messages } = provider.requests[1]!.body;
  assert.deepEqual(messages.map(({ role }: Json) => role), ["user", "assistant", "tool", "tool", "user"]);
  const asked = messages[1].tool_calls.map(({ id }: Json) => id);
  assert.deepEqual([messages[2].tool_call_id, messages[3].tool_call_id], asked);
  assert.match(messages[2].content, /quick result/);
  assert.match(messages[3].content, /cancelled/);
});

Deno.test("a model that never stops asking for tools ends with an answer", async () => {
  const script = (request: { body: Json }): Step => request.body.tools ? call("work") : { tokens: ["Enough"] };
  await using shop = await workshop({ work: { act: fine(1) } }, script, { agent: { max_steps: 3 } });
  const answer = await shop.work();
  assert.deepEqual([answer.status, answer.message.content], ["completed", "Enough"]);
  assert.equal(shop.provider.count, 3);
  assert.equal(shop.toolbox.calls.length, 2);
});

Deno.test("a model that asks for tools it no longer has is stopped", async () => {
  const script = (_: unknown, i: number): Step => ({ ...call("work"), tokens: i === 2 ? ["Enough"] : [] });
  await using shop = await workshop({ work: { act: fine(1) } }, script, { agent: { max_steps: 3 } });
  const answer = await shop.work();
  assert.deepEqual([answer.status, answer.message.content], ["completed", "Enough"]);
  assert.equal(shop.provider.count, 3);
  shop.provider.script(call("work"));
  const frames = await framesOf(shop.server, "POST /agents/worker/chat/stream", { body: { message: "Work" } });
  assert.equal(frames.at(-1)!.type, "run.failed");
  assert.match(frames.at(-1)!.data.error.message, /asked for tools 3 times/);
  assert.equal(shop.provider.count, 6);
});
