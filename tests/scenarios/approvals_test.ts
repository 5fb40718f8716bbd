/**
 * Tool calls that wait for a person.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { startProvider } from "../support/provider.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { ask, askAdmin, createAgent, eventsOf, type Json, saidTo, until, untilStatus } from "../support/story.ts";
import { type MadeCall, scriptedToolbox } from "../support/toolbox.ts";

const PARAMETERS = {
  type: "object",
  properties: { to: { type: "string" } },
  required: ["to"],
  additionalProperties: false,
};
const wantsToSend = { tool_calls: [{ name: "send", arguments: { to: "ada" } }] };

function tools() {
  return scriptedToolbox({
    send: { parameters: PARAMETERS, act: ({ to }) => ({ result: `sent to ${to}`, is_error: false }) },
    look: { act: () => ({ result: "seen", is_error: false }) },
  });
}

const POLICY = { allowed_tools: ["*"], policies: { ask: ["send"] } };

/** A server whose agent `clerk` has asked to send something. */
async function asked(options: { settings?: Json; policy?: Json; script?: Json[] } = {}) {
  await using stack = new AsyncDisposableStack();
  const provider = stack.use(await startProvider({ script: options.script ?? [wantsToSend, { tokens: ["Done"] }] }));
  const toolbox = tools();
  const server = stack.use(
    await startServer({ provider: provider.url, ports: { toolbox }, settings: options.settings ?? {} }),
  );
  await createAgent(server, "clerk", options.policy ?? POLICY);
  const answer = await ask(server, "POST /agents/clerk/chat", { body: { message: "Send it" } });
  const owned = stack.move();
  return { provider, toolbox, server, answer, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function waiting(server: TestServer, run_id: string): Promise<Json[]> {
  const { data } = await ask(server, `GET /runs/${run_id}/steps`);
  return data.flatMap((step: Json) => step.tool_calls).filter(({ status }: Json) => status === "approval_required");
}

async function decide(
  server: TestServer,
  run_id: string,
  body: Json,
  options: { status?: number; admin?: boolean } = {},
) {
  const [call] = await waiting(server, run_id);
  const { admin = false, ...rest } = options;
  return await (admin ? askAdmin : ask)(server, `POST /runs/${run_id}/tool_calls/${call.id}/decision`, {
    body,
    ...rest,
  });
}

const argumentsOf = (calls: MadeCall[]) => calls.map(({ arguments: args }) => args);
const typesOf = (events: { type: string }[]) => events.map(({ type }) => type).filter((type) => /tool|run/.test(type));

Deno.test("a call waits until it is approved, and then is made once", async () => {
  await using story = await asked();
  const { server, answer, toolbox } = story;
  assert.deepEqual([answer.status, answer.message], ["waiting", null]);
  const run = await ask(server, `GET /runs/${answer.run_id}`);
  assert.deepEqual([run.status, run.waiting_for], ["waiting", "approval"]);
  const events = await eventsSoFar(server, answer.run_id);
  const required = events.find(({ type }) => type === "tool.call.approval_required")!;
  assert.deepEqual([required.data.tool, required.data.arguments], ["send", { to: "ada" }]);
  assert.ok(Date.parse(required.data.expires_at) > Date.now());
  assert.equal(toolbox.calls.length, 0);
  await decide(server, answer.run_id, { decision: "approve" });
  await untilStatus(server, answer.run_id, "completed");
  assert.deepEqual(argumentsOf(toolbox.calls), [{ to: "ada" }]);
  const all = await eventsOf(server, answer.run_id);
  assert.deepEqual(all.map(({ id }) => id), all.map((_, i) => i + 1));
  assert.deepEqual(typesOf(all), [
    "run.started",
    "tool.call.approval_required",
    "run.waiting",
    "tool.call.approved",
    "tool.call.started",
    "tool.call.result",
    "run.completed",
  ]);
  assert.equal(all.find(({ type }) => type === "tool.call.approved")!.data.decided_by, "user");
  const collected = await ask(server, `GET /runs/${answer.run_id}/events`);
  assert.deepEqual([collected.status, collected.message?.content], ["completed", "Done"]);
});

/** Events up to where the run waits. */
async function eventsSoFar(server: TestServer, run_id: string) {
  const abort = new AbortController();
  const response = await server.request("GET", `/runs/${run_id}/events`, {
    headers: { accept: "text/event-stream" },
    signal: abort.signal,
  });
  const { streamFrames } = await import("../support/events.ts");
  const frames = [];
  for await (const frame of streamFrames(response)) {
    frames.push(frame);
    if (frame.type === "run.waiting") break;
  }
  abort.abort();
  return frames;
}

Deno.test("edited arguments are checked again, and are what is called", async () => {
  await using story = await asked();
  const { server, answer, toolbox, provider } = story;
  const wrong = { decision: "approve", arguments: { to: 7 } };
  const error = await decide(server, answer.run_id, wrong, { status: 400 });
  assert.match(error.message, /to/);
  assert.equal((await waiting(server, answer.run_id)).length, 1, "it still waits");
  await decide(server, answer.run_id, { decision: "approve", arguments: { to: "grace" } });
  await untilStatus(server, answer.run_id, "completed");
  assert.deepEqual(argumentsOf(toolbox.calls), [{ to: "grace" }]);
  assert.match(saidTo(provider.requests[1]!).at(-1)!, /sent to grace/);
});

Deno.test("a denied call is not made, and the model is told why", async () => {
  await using story = await asked();
  const { server, answer, toolbox, provider } = story;
  await decide(server, answer.run_id, { decision: "deny", reason: "not today", arguments: { to: 7 } });
  await untilStatus(server, answer.run_id, "completed");
  assert.equal(toolbox.calls.length, 0);
  assert.match(saidTo(provider.requests[1]!).at(-1)!, /^tool: .*denied: not today/);
  const { data } = await ask(server, `GET /runs/${answer.run_id}/steps`);
  const [call] = data[1].tool_calls;
  assert.deepEqual([call.status, call.error.error, call.arguments], ["denied", "ForbiddenError", { to: "ada" }]);
});

Deno.test("a decision answers with what becomes of the call, and why it was asked is no reason to deny it", async () => {
  for (const [decision, status] of [["deny", "denied"], ["approve", "pending"]]) {
    await using story = await asked({ policy: { ...POLICY, policies: { ask: ["send"] } } });
    const { server, answer, provider } = story;
    const decided = await decide(server, answer.run_id, { decision });
    assert.ok([status, "running", "completed"].includes(decided.status), decided.status);
    await untilStatus(server, answer.run_id, "completed");
    if (decision === "deny") assert.match(saidTo(provider.requests[1]!).at(-1)!, /denied: a person said no/);
  }
});

Deno.test("deciding twice is refused, whoever was first", async () => {
  await using story = await asked();
  const { server, answer, toolbox } = story;
  const [call] = await waiting(server, answer.run_id);
  const path = `/runs/${answer.run_id}/tool_calls/${call.id}/decision`;
  const decisions = ["approve", "deny", "approve", "deny"];
  const responses = await Promise.all(
    decisions.map((decision) => server.request("POST", path, { body: { decision } })),
  );
  const statuses = responses.map(({ status }) => status).sort();
  await Promise.all(responses.map((response) => response.body?.cancel()));
  assert.deepEqual(statuses, [200, 409, 409, 409]);
  const error = await ask(server, `POST ${path}`, { body: { decision: "approve" }, status: 409 });
  assert.match(error.details.status, /approved|denied/);
  await untilStatus(server, answer.run_id, "completed");
  assert.equal(toolbox.calls.length, error.details.status === "approved" ? 1 : 0);
});

Deno.test("nobody decides in time: the call is denied and the run goes on", async () => {
  await using story = await asked({ settings: { runs: { approval_timeout_seconds: 1, lease_seconds: 2 } } });
  const { server, answer, toolbox, provider } = story;
  await untilStatus(server, answer.run_id, "completed");
  const { data: steps } = await ask(server, `GET /runs/${answer.run_id}/steps`);
  const [call] = steps.flatMap((step: Json) => step.tool_calls);
  assert.equal(toolbox.calls.length, 0);
  assert.match(saidTo(provider.requests[1]!).at(-1)!, /nobody decided in time/);
  const path = `POST /runs/${answer.run_id}/tool_calls/${call.id}/decision`;
  const late = await ask(server, path, { body: { decision: "approve" }, status: 409 });
  assert.equal(late.details.status, "expired");
});

Deno.test("where the policy says so, only an admin decides", async () => {
  await using story = await asked({ policy: { ...POLICY, policies: { ask: ["send"], decide: "admin" } } });
  const { server, answer, toolbox } = story;
  await decide(server, answer.run_id, { decision: "approve" }, { status: 403 });
  await decide(server, answer.run_id, { decision: "approve" }, { admin: true });
  await untilStatus(server, answer.run_id, "completed");
  assert.equal(toolbox.calls.length, 1);
});

Deno.test("of several calls in one step, those that need nobody are made at once, the others one by one", async () => {
  const three = ["ada", "grace"].map((to) => ({ name: "send", arguments: { to } }));
  const script = [{ tool_calls: [...three, { name: "look", arguments: {} }] }, { tokens: ["Done"] }];
  await using story = await asked({ script });
  const { server, answer, toolbox, provider } = story;
  assert.deepEqual(toolbox.calls.map(({ tool }) => tool), ["look"]);
  await decide(server, answer.run_id, { decision: "approve" });
  await until("the approved call is made", () => toolbox.calls.length === 2);
  const run = await untilStatus(server, answer.run_id, "waiting");
  assert.equal(run.waiting_for, "approval");
  assert.equal(provider.count, 1);
  await decide(server, answer.run_id, { decision: "deny" });
  await untilStatus(server, answer.run_id, "completed");
  assert.deepEqual(toolbox.calls.map(({ tool }) => tool), ["look", "send"]);
  // Results stand in the order in which the model asked.
  const results = saidTo(provider.requests[1]!).slice(-3);
  assert.match(results[0]!, /sent to ada/);
  assert.match(results[1]!, /denied/);
  assert.match(results[2]!, /seen/);
});

Deno.test("a message to a waiting conversation waits too, and says so; cancelling the run withdraws the question", async () => {
  await using story = await asked();
  const { server, answer, provider } = story;
  const [call] = await waiting(server, answer.run_id);
  const { conversation_id } = answer;
  await ask(server, `POST /conversations/${conversation_id}/messages`, { body: { content: "Well?" } });
  const next = await ask(server, `POST /conversations/${conversation_id}/runs`, { body: { agent_id: "clerk" } });
  assert.equal(next.status, "queued");
  await ask(server, `POST /runs/${answer.run_id}/cancel`, { body: {}, status: 202 });
  await untilStatus(server, next.id, "completed");
  const events = await eventsOf(server, next.id);
  assert.match(events[0]!.data.reason, new RegExp(`Run "${answer.run_id}" waits for a person: approval`));
  const path = `POST /runs/${answer.run_id}/tool_calls/${call.id}/decision`;
  const error = await ask(server, path, { body: { decision: "approve" }, status: 409 });
  assert.equal(error.details.status, "withdrawn");
  // The call that never got its result has one for the model.
  assert.match(saidTo(provider.requests[1]!).join("\n"), /tool: .*cancelled before it had a result/);
});

Deno.test("a run waits over a restart, and a decision made after it is carried out", async () => {
  const data_dir = await Deno.makeTempDir({ prefix: "muxi-approval-" });
  try {
    await using provider = await startProvider({ script: [wantsToSend, { tokens: ["Done"] }] });
    const toolbox = tools();
    const options = { provider: provider.url, ports: { toolbox }, data_dir };
    let run_id = "";
    {
      await using server = await startServer(options);
      await createAgent(server, "clerk", POLICY);
      ({ run_id } = await ask(server, "POST /agents/clerk/chat", { body: { message: "Send it" } }));
    }
    await using server = await startServer(options);
    assert.equal((await ask(server, `GET /runs/${run_id}`)).status, "waiting");
    await decide(server, run_id, { decision: "approve" });
    await untilStatus(server, run_id, "completed");
    assert.deepEqual(argumentsOf(toolbox.calls), [{ to: "ada" }]);
    const events = await eventsOf(server, run_id);
    assert.deepEqual(events.map(({ id }) => id), events.map((_, i) => i + 1));
    assert.ok(!events.some(({ type }) => type === "step.restarted"));
  } finally {
    await Deno.remove(data_dir, { recursive: true });
  }
});
