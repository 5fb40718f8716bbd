/**
 * Runs that are said aloud: they end when they were heard, with what was heard.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { Delivery } from "../../src/core/orchestrator/execution.ts";
import { AppError } from "../../src/domain/error.ts";
import type { Model, ModelOutput } from "../../src/ports/model.ts";
import { CALLER, openRunParts } from "../support/run_parts.ts";

/** A listener in the hands of a test. */
class Listener implements Delivery {
  readonly stop = new AbortController();
  readonly leave = new AbortController();
  readonly interrupted = this.stop.signal;
  readonly over = this.leave.signal;
  /** What it was to say, and how it tells that it was heard. */
  texts: string[] = [];
  #hearing = Promise.withResolvers<string>();
  #asked = Promise.withResolvers<void>();

  heard(text: string, { signal }: { signal: AbortSignal }): Promise<string> {
    this.texts.push(text);
    this.#hearing = Promise.withResolvers();
    signal.addEventListener("abort", () => this.hear("so far …"));
    this.#asked.resolve();
    return this.#hearing.promise;
  }

  /** Waits until something is to be heard. */
  async asked(): Promise<void> {
    await this.#asked.promise;
    this.#asked = Promise.withResolvers();
  }

  hear(text: string): void {
    this.#hearing.resolve(text);
  }
}

const start: ModelOutput = { type: "start", provider: "scripted", model: "one" };
const usage: ModelOutput = { type: "usage", tokens: { input_tokens: 5, output_tokens: 7 }, cost: 0.5 };
const text = (text: string): ModelOutput => ({ type: "text", text });
const call: ModelOutput = { type: "tool_call", call: { tool_call_id: "call_0", tool: "look", arguments: {} } };

/** Lets the store commit what it was given. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 30));

/** A model that says one list of outputs after the other. */
function model(...answers: ModelOutput[][]): Model["stream"] {
  let asked = 0;
  return async function* () {
    yield start;
    yield* answers[Math.min(asked++, answers.length - 1)]!;
    yield usage;
  };
}

/** A model that stops in the middle of its answer until it is told to. */
const hanging: Model["stream"] = async function* (_request, { signal }) {
  yield start;
  yield text("I could go on ");
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  yield usage;
  throw new AppError("CancelledError", "Stopped");
};

Deno.test("a run that is said aloud ends when it was heard, and its text is in the log before", async () => {
  await using parts = await openRunParts({ model: model([text("Hello there.")]) });
  const listener = new Listener();
  const run = await parts.start("Hi", { delivery: listener });
  await listener.asked();
  while (!(await parts.events(run.id)).some(({ type }) => type === "model.delta")) await settle();
  assert.equal((await parts.runs.get(CALLER, run.id)).status, "running");
  assert.deepEqual(await parts.said(run.conversation_id), []);
  listener.hear("Hello there.");
  assert.equal((await parts.ended(run.id)).status, "completed");
  const events = await parts.events(run.id);
  assert.equal(events.at(-1)!.data.finish_reason, "stop");
  const [message] = await parts.said(run.conversation_id);
  assert.equal(message!.content, "Hello there.");
  assert.deepEqual(message!.metadata, {});
});

Deno.test("what was not heard is not stored: the run completes as interrupted", async () => {
  await using parts = await openRunParts({ model: model([text("One. Two. Three.")]) });
  const listener = new Listener();
  const run = await parts.start("Count", { delivery: listener });
  await listener.asked();
  listener.stop.abort();
  listener.hear("One. …");
  assert.equal((await parts.ended(run.id)).status, "completed");
  const [message] = await parts.said(run.conversation_id);
  assert.equal(message!.content, "One. …");
  assert.deepEqual(message!.metadata, { incomplete: true, interrupted: true });
  const events = await parts.events(run.id);
  const told = events.find(({ type }) => type === "message.completed")!.data.message as { content: string };
  assert.equal(told.content, "One. …");
  assert.equal(events.at(-1)!.data.finish_reason, "interrupted");
});

Deno.test("an interruption stops the model, keeps its call on the books, and the next turn is a normal one", async () => {
  const streams: Model["stream"][] = [hanging, model([text("Yes?")])];
  await using parts = await openRunParts({ model: (request, options) => streams.shift()!(request, options) });
  const listener = new Listener();
  const run = await parts.start("Talk", { delivery: listener });
  const next = await parts.start("Stop", { conversation_id: run.conversation_id });
  assert.equal((await parts.runs.get(CALLER, next.id)).status, "queued");
  while (!(await parts.events(run.id)).some(({ type }) => type === "model.delta")) await settle();
  listener.stop.abort();
  await listener.asked();
  assert.deepEqual(listener.texts, ["I could go on "]);
  listener.hear("I could …");
  const ended = await parts.ended(run.id);
  assert.equal(ended.status, "completed");
  assert.equal(ended.usage.output_tokens, 7);
  const [row] = await parts.store.read({ from: "model_calls", where: { run_id: run.id }, limit: 1 });
  assert.equal(row!.outcome, "cancelled");
  while ((await parts.runs.get(CALLER, next.id)).status !== "completed") await settle();
  assert.deepEqual((await parts.said(run.conversation_id)).map(({ content }) => content), ["I could …", "Yes?"]);
});

Deno.test("what nobody heard leaves no message", async () => {
  await using parts = await openRunParts({ model: model([text("Never mind.")]) });
  const listener = new Listener();
  const run = await parts.start("Hi", { delivery: listener });
  await listener.asked();
  listener.stop.abort();
  listener.hear("");
  assert.equal((await parts.ended(run.id)).status, "completed");
  assert.deepEqual(await parts.said(run.conversation_id), []);
  assert.equal((await parts.events(run.id)).at(-1)!.data.message, null);
});

Deno.test("a tool is called after what was said before it, and not at all when that was interrupted", async () => {
  const calls: string[] = [];
  const tools = { look: { act: () => ({ result: calls.push("look"), is_error: false }) } };
  for (const interrupt of [false, true]) {
    calls.length = 0;
    await using parts = await openRunParts({ model: model([text("Let me look."), call], [text("Two.")]), tools });
    const listener = new Listener();
    const run = await parts.start("How many?", { delivery: listener });
    await listener.asked();
    await settle();
    assert.deepEqual(calls, []);
    if (interrupt) listener.stop.abort();
    listener.hear(interrupt ? "Let me …" : "Let me look.");
    if (!interrupt) {
      await listener.asked();
      listener.hear("Two.");
    }
    assert.equal((await parts.ended(run.id)).status, "completed");
    const said = await parts.said(run.conversation_id);
    assert.deepEqual(said.map(({ content }) => content), interrupt ? ["Let me …"] : ["Let me look.", "Two."]);
    assert.deepEqual(calls, interrupt ? [] : ["look"]);
    assert.equal(said[0]!.tool_calls === null, interrupt);
  }
});

Deno.test("a listener that leaves while a tool works has the model asked no more", async () => {
  const tools = { look: { act: () => Promise.resolve({ result: listener.stop.abort(), is_error: false }) } };
  const listener = new Listener();
  await using parts = await openRunParts({ model: model([call], [text("Never said.")]), tools });
  const run = await parts.start("How many?", { delivery: listener });
  assert.equal((await parts.ended(run.id)).status, "completed");
  assert.equal((await parts.events(run.id)).at(-1)!.data.finish_reason, "interrupted");
  const calls = await parts.store.read({ from: "model_calls", where: { run_id: run.id }, limit: 10 });
  assert.equal(calls.length, 1);
});

Deno.test("a run that is cancelled while it is said keeps what was heard", async () => {
  await using parts = await openRunParts({ model: model([text("A long story.")]) });
  const listener = new Listener();
  const run = await parts.start("Tell", { delivery: listener });
  await listener.asked();
  await parts.runs.cancel(CALLER, run.id, "enough");
  assert.equal((await parts.ended(run.id)).status, "cancelled");
  assert.deepEqual((await parts.said(run.conversation_id)).map(({ content }) => content), ["so far …"]);
});

Deno.test("a run that waited its turn, or for a person, is still said aloud", async () => {
  const tools = { look: { act: () => ({ result: 2, is_error: false }) } };
  await using parts = await openRunParts({
    model: model([text("May I?"), call], [text("Two.")], [text("Again.")]),
    tools,
    agent: { policies: { ask: ["look"] } },
  });
  const [first, second] = [new Listener(), new Listener()];
  const run = await parts.start("How many?", { delivery: first });
  const queued = await parts.start("And now?", { conversation_id: run.conversation_id, delivery: second });
  await first.asked();
  first.hear("May I?");
  await parts.engine.settled(run.id);
  const [asked] = await parts.store.read({ from: "approvals", where: { run_id: run.id }, limit: 1 });
  await parts.runs.decide(CALLER, run.id, asked!.id, { decision: "approve" });
  await first.asked();
  first.hear("Two.");
  await parts.engine.settled(run.id);
  await second.asked();
  second.hear("Again.");
  await parts.engine.settled(queued.id);
  assert.deepEqual(first.texts, ["May I?", "Two."]);
  assert.deepEqual(second.texts, ["Again."]);
});

Deno.test("a listener that breaks, or has left, leaves the text as it was written", async () => {
  for (const left of [false, true]) {
    await using parts = await openRunParts({ model: model([text("All of it.")]) });
    const listener = new Listener();
    if (left) listener.leave.abort();
    else listener.heard = () => Promise.reject(new Error("The line broke"));
    const run = await parts.start("Hi", { delivery: listener });
    assert.equal((await parts.ended(run.id)).status, "completed");
    assert.deepEqual((await parts.said(run.conversation_id)).map(({ content }) => content), ["All of it."]);
  }
});
