/**
 * Saying something and hearing the answer.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { textsOf } from "../support/events.ts";
import { startProvider } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { ask, askAdmin, createAgent, eventsOf, framesOf, saidTo, untilStatus } from "../support/story.ts";
import { scriptedToolbox } from "../support/toolbox.ts";

Deno.test("the collected answer, the streamed one and the stored message are the same", async () => {
  await using provider = await startProvider({ script: { tokens: ["It ", "is ", "noon."] } });
  await using server = await startServer({ provider: provider.url });
  const answer = await ask(server, "POST /chat", { body: { message: "What time is it?" }, status: 200 });
  assert.deepEqual(Object.keys(answer).sort(), [
    "conversation_id",
    "error",
    "finish_reason",
    "message",
    "run_id",
    "status",
    "usage",
  ]);
  assert.deepEqual([answer.status, answer.message.role, answer.error], ["completed", "assistant", null]);
  assert.equal(answer.message.content, "It is noon.");
  const frames = await framesOf(server, "POST /chat/stream", { body: { message: "What time is it?" } });
  assert.deepEqual(frames.map(({ id }) => id), frames.map((_, i) => i + 1));
  const types = frames.map(({ type }) => type).filter((type) => type !== "model.delta");
  assert.deepEqual(types, ["run.started", "step.started", "message.completed", "step.completed", "run.completed"]);
  assert.deepEqual([...textsOf(frames).values()], ["It is noon."]);
  const { message, usage } = frames.at(-1)!.data;
  assert.equal(message.content, "It is noon.");
  assert.deepEqual(usage, answer.usage);
  const { conversation_id } = frames[0]!.data;
  const { data } = await ask(server, `GET /conversations/${conversation_id}/messages`);
  assert.deepEqual(data.map(({ role, content }: { role: string; content: string }) => [role, content]), [
    ["user", "What time is it?"],
    ["assistant", "It is noon."],
  ]);
  assert.equal(data[1].id, message.id);
});

Deno.test("a run can be followed from any event, and a finished one has nothing after its last", async () => {
  await using provider = await startProvider({ script: { tokens: 5 } });
  await using server = await startServer({ provider: provider.url });
  const { run_id } = await ask(server, "POST /chat", { body: { message: "Hello" } });
  const all = await eventsOf(server, run_id);
  for (let seen = 0; seen < all.length; seen++) {
    const rest = await framesOf(server, `GET /runs/${run_id}/events?starting_after=${seen}`);
    assert.deepEqual(rest, all.slice(seen));
    const again = await framesOf(server, `GET /runs/${run_id}/events`, { headers: { "last-event-id": `${seen}` } });
    assert.deepEqual(again, all.slice(seen));
  }
  const end = `GET /runs/${run_id}/events?starting_after=${all.length}`;
  await ask(server, end, { headers: { accept: "text/event-stream" }, status: 204 });
  const beyond = `GET /runs/${run_id}/events?starting_after=${all.length + 1}`;
  const error = await ask(server, beyond, { headers: { accept: "text/event-stream" }, status: 409 });
  assert.deepEqual([error.error, error.details.last], ["ConflictError", all.length]);
  await ask(server, `GET /runs/${run_id}/events?starting_after=x`, { status: 400 });
  const collected = await ask(server, `GET /runs/${run_id}/events`);
  assert.equal(collected.message.content, all.at(-1)!.data.message.content);
  const some = await framesOf(server, `GET /runs/${run_id}/events?types=run.started&types=run.completed`);
  assert.deepEqual(some.map(({ id, type }) => [id, type]), [[1, "run.started"], [all.length, "run.completed"]]);
});

Deno.test("text comes at once, then at most one piece in 25 ms, and all of it", async () => {
  const tokens = Array.from({ length: 120 }, (_, i) => `w${i} `);
  await using provider = await startProvider({ script: { tokens, delay: 3 } });
  await using server = await startServer({ provider: provider.url });
  const frames = await framesOf(server, "POST /chat/stream", { body: { message: "Count" } });
  const [request] = provider.requests;
  const deltas = frames.filter(({ type }) => type === "model.delta");
  const ms = request!.done_at! - request!.at;
  // The first, one in each interval, and what was left when the message ended.
  assert.ok(deltas.length <= 2 + ms / 25, `${deltas.length} deltas in ${ms} ms`);
  assert.ok(deltas.length >= 3, `${deltas.length} deltas in ${ms} ms`);
  // How exactly "at once" is meant is shown with a standing clock, in the journal's own test.
  assert.ok(deltas[0]!.data.text.length < tokens.join("").length / 4, "the first text does not wait for much more");
  assert.deepEqual(Object.keys(deltas[0]!.data).sort(), ["step_id", "text"]);
  assert.deepEqual([...textsOf(frames).values()], [tokens.join("")]);
  assert.equal(frames.at(-1)!.data.message.content, tokens.join(""));
});

Deno.test("reasoning comes in pieces of its own and is no part of the message", async () => {
  await using provider = await startProvider({ script: { reasoning: ["Let me ", "see"], tokens: ["Four"] } });
  await using server = await startServer({ provider: provider.url });
  const frames = await framesOf(server, "POST /chat/stream", { body: { message: "2 + 2?" } });
  assert.deepEqual([...textsOf(frames, "model.reasoning.delta").values()], ["Let me see"]);
  assert.deepEqual([...textsOf(frames).values()], ["Four"]);
  assert.equal(frames.at(-1)!.data.message.content, "Four");
  const { conversation_id } = frames[0]!.data;
  await ask(server, "POST /chat", { body: { message: "And 3 + 3?", conversation_id } });
  assert.deepEqual(saidTo(provider.requests[1]!).slice(1), ["user: 2 + 2?", "assistant: Four", "user: And 3 + 3?"]);
});

Deno.test("a run keeps the agent's revision it began with", async () => {
  await using provider = await startProvider({
    script: [{ tool_calls: [{ name: "look", arguments: {} }] }, { tokens: ["Old"] }, { tokens: ["New"] }],
  });
  let change = () => Promise.resolve();
  const toolbox = scriptedToolbox({ look: { act: () => change().then(() => ({ result: 1, is_error: false })) } });
  await using server = await startServer({ provider: provider.url, ports: { toolbox } });
  const made = await createAgent(server, "clerk", { system_prompt: "Be old", allowed_tools: ["look"] });
  change = () => askAdmin(server, "PATCH /agents/clerk", { body: { system_prompt: "Be new" } });
  const first = await ask(server, "POST /agents/clerk/chat", { body: { message: "Go" } });
  const second = await ask(server, "POST /agents/clerk/chat", { body: { message: "Go" } });
  const prompts = provider.requests.map((request) => saidTo(request)[0]);
  assert.deepEqual(prompts, ["system: Be old", "system: Be old", "system: Be new"]);
  const revisions = [];
  for (const { run_id } of [first, second]) revisions.push((await ask(server, `GET /runs/${run_id}`)).agent_revision);
  assert.deepEqual(revisions, [made.revision, made.revision + 1]);
});

Deno.test("a run that waits in the queue keeps the revision of when it was asked for", async () => {
  const changed = Promise.withResolvers<void>();
  await using provider = await startProvider({
    script: async () => {
      await changed.promise;
      return { tokens: 1 };
    },
  });
  await using server = await startServer({ provider: provider.url });
  await createAgent(server, "clerk", { system_prompt: "Be old" });
  const { id } = await ask(server, "POST /conversations", { body: { agent_id: "clerk" } });
  const say = async (content: string) => {
    await ask(server, `POST /conversations/${id}/messages`, { body: { content } });
    return await ask(server, `POST /conversations/${id}/runs`, { body: {} });
  };
  await say("First");
  const queued = await say("Second");
  assert.equal(queued.status, "queued");
  await askAdmin(server, "PATCH /agents/clerk", { body: { system_prompt: "Be new" } });
  changed.resolve();
  await untilStatus(server, queued.id, "completed");
  assert.deepEqual(provider.requests.map((request) => saidTo(request)[0]), ["system: Be old", "system: Be old"]);
});

Deno.test("a chat goes on with the agent of its conversation", async () => {
  await using provider = await startProvider({ script: { tokens: 1 } });
  await using server = await startServer({ provider: provider.url });
  await createAgent(server, "pirate", { system_prompt: "Speak like a pirate" });
  const { id: conversation_id } = await ask(server, "POST /conversations", { body: { agent_id: "pirate" } });
  const { run_id } = await ask(server, "POST /chat", { body: { message: "Hello", conversation_id } });
  assert.equal((await ask(server, `GET /runs/${run_id}`)).agent_id, "pirate");
  const begun = await ask(server, "POST /agents/pirate/chat", { body: { message: "Hello" } });
  const again = { message: "Again", conversation_id: begun.conversation_id };
  const gone = await ask(server, "POST /chat", { body: again });
  assert.equal((await ask(server, `GET /runs/${gone.run_id}`)).agent_id, "pirate");
  const other = await ask(server, "POST /agents/assistant/chat", { body: again });
  assert.equal((await ask(server, `GET /runs/${other.run_id}`)).agent_id, "assistant");
});
