/**
 * Answers that are begun before it is known that they are wanted.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { EarlyModel } from "../../src/core/voice/early_model.ts";
import { AppError } from "../../src/domain/error.ts";
import { systemClock } from "../../src/kit/clock.ts";
import type { Model, ModelOutput, ModelRequest, UnusedCall } from "../../src/ports/model.ts";

const start: ModelOutput = { type: "start", provider: "scripted", model: "one" };
const usage: ModelOutput = { type: "usage", tokens: { input_tokens: 5, output_tokens: 7 }, cost: 0.5 };
const text = (text: string): ModelOutput => ({ type: "text", text });
const asking = (content: string): ModelRequest => ({
  choice: {},
  messages: [{ role: "user", content, parts: [] }],
  tools: [],
  passages: [],
  response_format: null,
});
const never = () => new AbortController().signal;
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

/** A model whose answers go on when the test says so, and what became of its calls. */
function scripted() {
  const asked: string[] = [];
  const unused: UnusedCall[] = [];
  let active = 0;
  const gate = Promise.withResolvers<void>();
  const stream: Model["stream"] = async function* ({ messages }, { signal }) {
    asked.push(messages[0]!.content);
    active++;
    try {
      yield start;
      yield text("one ");
      const stopped = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      await Promise.race([gate.promise, stopped]);
      if (messages[0]!.content === "broken") throw new AppError("UpstreamError", "It broke");
      yield usage;
      signal.throwIfAborted();
      yield text("two");
    } finally {
      active--;
    }
  };
  const model = { stream, check: () => Promise.resolve({ ok: true, detail: "" }) };
  const onUnused = (call: UnusedCall) => Promise.resolve(void unused.push(call));
  const early = new EarlyModel({ model, clock: systemClock, onUnused });
  const prepare = (content: string, signal = never()) =>
    early.prepare(() => Promise.resolve(asking(content)), { signal });
  const textOf = async (content: string, signal = never()) => {
    let said = "";
    for await (const output of early.stream(asking(content), { signal })) {
      if (output.type === "text") said += output.text;
    }
    return said;
  };
  return { early, asked, unused, gate, prepare, textOf, active: () => active };
}

Deno.test("what was prepared is gone on with when exactly that is asked, and asked once", async () => {
  const { early, asked, unused, gate, prepare, textOf } = scripted();
  await prepare("hello");
  gate.resolve();
  assert.equal(await textOf("hello"), "one two");
  assert.deepEqual(asked, ["hello"]);
  assert.equal(await textOf("hello"), "one two");
  assert.deepEqual(asked, ["hello", "hello"], "an answer is given once");
  await early[Symbol.asyncDispose]();
  assert.deepEqual(unused, []);
});

Deno.test("who is asked something else stops what was prepared, and it is told of with what it cost", async () => {
  const { early, asked, unused, gate, prepare, textOf, active } = scripted();
  await prepare("hello");
  await settle();
  gate.resolve();
  assert.equal(await textOf("hello there"), "one two");
  assert.deepEqual(asked, ["hello", "hello there"]);
  await early[Symbol.asyncDispose]();
  assert.equal(unused.length, 1);
  const { provider, model, tokens, cost, error } = unused[0]!;
  assert.deepEqual({ provider, model, tokens, cost, error }, {
    provider: "scripted",
    model: "one",
    tokens: { input_tokens: 5, output_tokens: 7 },
    cost: 0.5,
    error: null,
  });
  assert.equal(active(), 0);
});

Deno.test("the next preparation takes the place of the one before", async () => {
  const { early, asked, unused, prepare, active } = scripted();
  await prepare("one");
  await settle();
  await prepare("two");
  await settle();
  assert.equal(active(), 1);
  await early[Symbol.asyncDispose]();
  assert.deepEqual(asked, ["one", "two"]);
  assert.equal(unused.length, 2);
  assert.equal(active(), 0);
});

Deno.test("a caller who goes on stops what was prepared", async () => {
  const { early, unused, prepare, active } = scripted();
  const goesOn = new AbortController();
  await prepare("hello", goesOn.signal);
  await settle();
  goesOn.abort();
  await settle();
  assert.equal(active(), 0);
  assert.equal(unused.length, 1);
  await prepare("hello", goesOn.signal);
  assert.equal(active(), 0, "who went on before is not prepared for");
  await early[Symbol.asyncDispose]();
});

Deno.test("a preparation that failed is asked again, and told of as failed", async () => {
  const { early, asked, unused, gate, prepare, textOf } = scripted();
  gate.resolve();
  await prepare("broken");
  await settle();
  await assert.rejects(textOf("broken"), { name: "UpstreamError" });
  assert.deepEqual(asked, ["broken", "broken"]);
  await early[Symbol.asyncDispose]();
  assert.equal(unused[0]!.error?.name, "UpstreamError");
});

Deno.test("who follows and is told to stop stops the model, which still says what it used", async () => {
  const { early, unused, prepare, active } = scripted();
  await prepare("hello");
  const stop = new AbortController();
  const seen: string[] = [];
  await assert.rejects(async () => {
    for await (const { type } of early.stream(asking("hello"), { signal: stop.signal })) {
      seen.push(type);
      if (type === "text") stop.abort(new AppError("CancelledError", "Enough"));
    }
  }, { name: "CancelledError" });
  assert.deepEqual(seen, ["start", "text", "usage"]);
  assert.equal(active(), 0);
  await early[Symbol.asyncDispose]();
  assert.deepEqual(unused, [], "the run that followed has it on its books");
});

Deno.test("who leaves in the middle leaves no model at work", async () => {
  const { early, prepare, active } = scripted();
  await prepare("hello");
  for await (const { type } of early.stream(asking("hello"), { signal: never() })) if (type === "text") break;
  await settle();
  assert.equal(active(), 0);
  await early[Symbol.asyncDispose]();
});

Deno.test("a model that is far ahead of who leaves is left, too", async () => {
  let active = 0;
  const stream: Model["stream"] = async function* (_, { signal }) {
    active++;
    try {
      while (!signal.aborted) yield text("more ");
    } finally {
      active--;
    }
  };
  const model = { stream, check: () => Promise.resolve({ ok: true, detail: "" }) };
  const early = new EarlyModel({ model, clock: systemClock, onUnused: () => Promise.resolve() });
  await early.prepare(() => Promise.resolve(asking("hello")), { signal: never() });
  await settle();
  for await (const _ of early.stream(asking("hello"), { signal: never() })) break;
  await settle();
  assert.equal(active, 0);
  await early[Symbol.asyncDispose]();
});

Deno.test("what is asked before its preparation began is asked once", async () => {
  const { early, asked, unused, gate, textOf } = scripted();
  gate.resolve();
  const slow = Promise.withResolvers<ModelRequest>();
  const preparing = early.prepare(() => slow.promise, { signal: never() });
  assert.equal(await textOf("hello"), "one two");
  slow.resolve(asking("hello"));
  await preparing;
  assert.deepEqual(asked, ["hello"]);
  const closing = Promise.withResolvers<ModelRequest>();
  const late = early.prepare(() => closing.promise, { signal: never() });
  await early[Symbol.asyncDispose]();
  closing.resolve(asking("hello"));
  await late;
  assert.deepEqual(asked, ["hello"], "nothing is prepared once it is closed");
  assert.deepEqual(unused, []);
});
