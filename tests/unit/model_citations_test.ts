/**
 * Citations as OpenAI-compatible servers say them.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { ChatFrames } from "../../src/adapters/models/chat_frames.ts";
import { Citations } from "../../src/adapters/models/citations.ts";
import type { Target } from "../../src/adapters/models/source.ts";
import { SdkCitations } from "../../src/adapters/models/sdk_citations.ts";
import type { Citation } from "../../src/domain/message.ts";
import type { ModelOutput } from "../../src/ports/model.ts";

const TARGET: Target = {
  provider: "openai",
  model: "m",
  kind: "chat",
  base_url: "http://127.0.0.1:1/v1",
  api_key: null,
  api_version: null,
  headers: {},
};

function read(...frames: Record<string, unknown>[]): ModelOutput[] {
  const reader = new ChatFrames(TARGET);
  for (const frame of frames) reader.accept(JSON.stringify(frame));
  reader.accept("[DONE]");
  return reader.end();
}

function cited(outputs: ModelOutput[]): Citation[] {
  return outputs.flatMap((output) => output.type === "citation" ? [output.citation] : []);
}

const say = (delta: unknown) => ({ choices: [{ delta }] });
const A = "https://example.com/a";
const B = "https://example.com/b";

Deno.test("annotations are citations, nested as OpenAI has them or flat, and each comes once", () => {
  const place = { start_index: 3, end_index: 9 };
  const nested = { type: "url_citation", url_citation: { url: A, title: "A", content: " About a. ", ...place } };
  const flat = { type: "url_citation", url: B, title: "B", start_index: 0, end_index: 0 };
  const outputs = read(say({ content: "a", annotations: [nested] }), say({ annotations: [nested, flat] }), say({}));
  assert.deepEqual(cited(outputs), [
    { title: "A", url: A, quote: "About a.", ...place },
    { title: "B", url: B },
  ]);
  assert.deepEqual(outputs.map(({ type }) => type), ["text", "citation", "citation", "finish"]);
});

Deno.test("a document that did not stream has its annotations, too, and the same page may be cited in two places", () => {
  const at = (start_index: number, end_index: number) => ({
    type: "url_citation",
    url_citation: { url: A, start_index, end_index },
  });
  const message = { content: "whole", annotations: [at(0, 2), at(3, 5), { type: "url_citation", url: A }] };
  assert.deepEqual(cited(read({ choices: [{ message, finish_reason: "stop" }] })), [
    { title: A, url: A, start_index: 0, end_index: 2 },
    { title: A, url: A, start_index: 3, end_index: 5 },
  ]);
});

Deno.test("sources of the whole answer come once, in their order, however often they are sent", () => {
  const citations = [A, B];
  const search_results = [{ title: "A", url: A, date: null }, { title: "B", url: B }];
  for (
    const frames of [
      [{ ...say({ content: "x[1]" }), citations }, { ...say({ content: "y[2]" }), citations }, { citations }],
      [say({ content: "xy" }), { choices: [], citations }],
    ]
  ) {
    assert.deepEqual(cited(read(...frames)), [{ title: A, url: A }, { title: B, url: B }]);
  }
  const both = read({ ...say({ content: "x" }), citations, search_results }, say({ content: "y" }));
  assert.deepEqual(cited(both), [{ title: "A", url: A }, { title: "B", url: B }]);
  assert.deepEqual(both.map(({ type }) => type), ["text", "citation", "citation", "finish"]);
});

Deno.test("what is no source of ours is passed over, whatever its shape", () => {
  const junk = [null, 5, "x", [], {}, { type: "file", file: { hash: "h" } }, { type: "url_citation", url: 5 }, {
    type: "url_citation",
    url_citation: { url: "javascript:alert(1)" },
  }];
  assert.deepEqual(cited(read(say({ content: "x", annotations: junk }))), []);
  for (const sources of [junk, "x", 5, { 0: A }, [null, 5, {}, ["x"], "ftp://example.com"]]) {
    assert.deepEqual(cited(read({ ...say({ annotations: sources }), citations: sources })), []);
  }
});

Deno.test("citations are bounded in number and length", () => {
  const citations = new Citations();
  const given = Array.from({ length: 1000 }, (_, i) => citations.accept({ url: `${A}/${i}` }));
  assert.equal(given.filter((each) => each !== null).length, 128);
  assert.equal(new Citations().accept({ url: `${A}/${"x".repeat(2000)}` }), null);
  const long = new Citations().accept({ url: A, title: "t".repeat(9999), content: "q".repeat(9999) });
  assert.deepEqual([long!.title.length, long!.quote!.length], [300, 1000]);
});

Deno.test("a place that no text can have is not told", () => {
  for (const [start_index, end_index] of [[5, 5], [5, 4], [-1, 3], [0.5, 3], ["1", "3"], [1, undefined], [NaN, 3]]) {
    assert.deepEqual(new Citations().accept({ url: A, start_index, end_index }), { title: A, url: A });
  }
});

Deno.test("a block's places count from the beginning of all text, and a source cited there is not cited again", () => {
  const source = { type: "source" as const, sourceType: "url" as const, id: "1", url: A, title: "A" };
  const document = {
    type: "source" as const,
    sourceType: "document" as const,
    id: "2",
    mediaType: "text/plain",
    title: "a.txt",
  };
  const citations = new SdkCitations();
  citations.note(source);
  citations.note(document);
  citations.begin("0");
  citations.pass("before");
  assert.deepEqual(citations.end({ type: "text-end", id: "0" }), []);
  citations.begin("1");
  citations.pass("cited text");
  const within = [{ source, citedText: "quote", startIndex: 0, endIndex: 5 }, { source }];
  assert.deepEqual(cited(citations.end({ type: "text-end", id: "1", citations: within })), [
    { title: "A", url: A, quote: "quote", start_index: 6, end_index: 11 },
    { title: "A", url: A, start_index: 6, end_index: 16 },
  ]);
  assert.deepEqual(cited(citations.rest()), [{ title: "a.txt" }]);
});
