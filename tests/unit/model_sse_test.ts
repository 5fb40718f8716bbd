/**
 * The SSE parser and the frames it feeds, cut at every place.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { ChatFrames, readArguments } from "../../src/adapters/models/chat_frames.ts";
import { EventTooLong, SseParser } from "../../src/kit/sse.ts";
import type { Target } from "../../src/adapters/models/source.ts";
import type { ModelOutput } from "../../src/ports/model.ts";
import { toFrame } from "../support/provider_reply.ts";

const encoder = new TextEncoder();

const STREAM = ": keep-alive\r\n\r\nevent: x\r\nid: 7\r\ndata: one\r\n\r\ndata:two\n\n" +
  "data: first\ndata:  second\ndata\n\n:\n\nretry: 10\n\ndataset: no\n\ndata: größe 🦜 𝄞\n\ndata:\n\ndata: last";
const EVENTS = ["one", "two", "first\n second\n", "größe 🦜 𝄞", "", "last"];

function parse(chunks: Uint8Array[]): string[] {
  const events: string[] = [];
  const parser = new SseParser((data) => events.push(data));
  for (const chunk of chunks) parser.push(chunk);
  parser.end();
  return events;
}

Deno.test("events are the same wherever the bytes are cut in two", () => {
  const bytes = encoder.encode(STREAM);
  for (let i = 0; i <= bytes.length; i++) {
    assert.deepEqual(parse([bytes.subarray(0, i), bytes.subarray(i)]), EVENTS, `cut at ${i}`);
  }
});

Deno.test("events are the same when every byte comes alone, or in chunks of any size", () => {
  const bytes = encoder.encode(STREAM);
  for (let size = 1; size < bytes.length; size++) {
    const chunks = [];
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
    assert.deepEqual(parse(chunks), EVENTS, `chunks of ${size}`);
  }
});

Deno.test("an event without end is refused, on one line or on many", () => {
  const parser = new SseParser(() => {}, { limit: 1000 });
  parser.push(encoder.encode("data: " + "x".repeat(900)));
  assert.throws(() => parser.push(encoder.encode("x".repeat(200))), EventTooLong);
  const many = new SseParser(() => {}, { limit: 1000 });
  assert.throws(() => {
    for (let i = 0; i < 1000; i++) many.push(encoder.encode("data: xxxxxxxxx\n"));
  }, EventTooLong);
});

const TARGET: Target = {
  provider: "openai",
  model: "m",
  kind: "chat",
  base_url: "http://127.0.0.1:1/v1",
  api_key: null,
  api_version: null,
  headers: {},
};

function assemble(deltas: unknown[], finish: string | null = "stop"): ModelOutput[] {
  const frames = new ChatFrames(TARGET);
  for (const delta of deltas) frames.accept(toFrame("m", delta).slice(6, -2));
  if (finish) frames.accept(toFrame("m", {}, finish).slice(6, -2));
  return frames.end();
}

function calls(outputs: ModelOutput[]) {
  return outputs.flatMap((output) => output.type === "tool_call" ? [output.call] : []);
}

Deno.test("a whole answer is the same wherever its bytes are cut", () => {
  const text = toFrame("m", { role: "assistant", content: "" }) + toFrame("m", { reasoning_content: "hm" }) +
    toFrame("m", { content: "Grüße " }) + toFrame("m", { content: "🦜" }) +
    toFrame("m", { tool_calls: [{ index: 0, id: "a", function: { name: "f", arguments: '{"x":"ä' } }] }) +
    toFrame("m", { tool_calls: [{ index: 0, function: { arguments: '"}' } }] }) +
    toFrame("m", {}, "tool_calls") +
    'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":2},' +
    '"completion_tokens_details":{"reasoning_tokens":1}}}\n\ndata: [DONE]\n\n';
  const bytes = encoder.encode(text);
  for (let i = 0; i <= bytes.length; i++) {
    const frames = new ChatFrames(TARGET);
    const parser = new SseParser((data) => frames.accept(data));
    parser.push(bytes.subarray(0, i));
    const outputs = frames.take();
    parser.push(bytes.subarray(i));
    parser.end();
    outputs.push(...frames.end());
    const join = (type: string) =>
      outputs.map((each) => each.type === type ? (each as { text: string }).text : "").join("");
    assert.equal(join("text"), "Grüße 🦜", `cut at ${i}`);
    assert.equal(join("reasoning"), "hm");
    assert.deepEqual(calls(outputs), [{ tool_call_id: "a", tool: "f", arguments: { x: "ä" } }]);
    assert.deepEqual(outputs.slice(-2), [
      {
        type: "usage",
        tokens: { input_tokens: 3, output_tokens: 4, cached_input_tokens: 2, reasoning_tokens: 1 },
        cost: null,
      },
      { type: "finish", reason: "tool_calls" },
    ]);
  }
});

Deno.test("tool calls are told apart by index, or by id where a server gives all the same index or none", () => {
  const first = { id: "a", function: { name: "f", arguments: "{}" } };
  const second = { id: "b", function: { name: "g", arguments: '{"n":1}' } };
  const wanted = [
    { tool_call_id: "a", tool: "f", arguments: {} },
    { tool_call_id: "b", tool: "g", arguments: { n: 1 } },
  ];
  for (
    const fragments of [
      [{ ...first, index: 0 }, { ...second, index: 1 }],
      [{ ...first, index: 0 }, { ...second, index: 0 }],
      [first, second],
    ]
  ) {
    const outputs = assemble(fragments.map((fragment) => ({ tool_calls: [fragment] })));
    assert.deepEqual(calls(outputs), wanted);
    assert.deepEqual(outputs.at(-1), { type: "finish", reason: "tool_calls" });
  }
  const [made] = calls(assemble([{ tool_calls: [{ index: 0, function: { name: "f", arguments: "" } }] }]));
  assert.match(made!.tool_call_id, /^call_/);
  assert.deepEqual(made!.arguments, {});
});

Deno.test("arguments that are no JSON object are kept as the model wrote them", () => {
  assert.deepEqual(readArguments('{"a":1}'), { a: 1 });
  assert.deepEqual(readArguments(" "), {});
  assert.deepEqual(readArguments("null"), {});
  assert.deepEqual(readArguments('{"a":'), { __invalid: '{"a":' });
  assert.deepEqual(readArguments("[1]"), { __invalid: "[1]" });
});

Deno.test("an answer without an end is an error that may be tried again", () => {
  assert.throws(() => assemble([{ content: "half" }], null), { name: "UpstreamError", retryable: true });
});
