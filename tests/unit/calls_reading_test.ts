/**
 * What answers in a call read, once its client has changed that.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { Reading } from "../../src/core/calls/reading.ts";
import { Terms } from "../../src/core/calls/terms.ts";
import type { CallMessage } from "../../src/domain/rtc_event.ts";
import type { MessageRow } from "../../src/domain/table.ts";
import { FULL_ROWS } from "../contracts/sample_rows.ts";

const row = (id: string, change: Partial<MessageRow> = {}): MessageRow => ({
  ...FULL_ROWS.messages,
  id,
  content: id,
  tool_calls: null,
  tool_call_id: null,
  metadata: {},
  ...change,
});
const spoken = (id: string, turn_id: string) => row(id, { role: "user", metadata: { turn_id } });
const brought = (id: string, name: string) =>
  row(id, { role: "user", metadata: { turn_id: "turn_2", rtc_message_id: name } });
const asks = (id: string, ...ids: string[]) =>
  row(id, { tool_calls: ids.map((tool_call_id) => ({ tool_call_id, tool: "clock", arguments: {} })) });
const idsOf = (rows: readonly MessageRow[]) => rows.map(({ id }) => id);

const ROWS = [spoken("q1", "turn_1"), row("a1"), brought("b1", "mine"), spoken("q2", "turn_2"), row("a2")];

Deno.test("nothing is changed until somebody says so", () => {
  assert.deepEqual(new Reading().apply(ROWS), ROWS);
});

Deno.test("what is forgotten is named by its turn, by its id, or by its client, and takes nothing else along", () => {
  const reading = new Reading();
  reading.forget("turn_2");
  assert.deepEqual(idsOf(reading.apply(ROWS)), ["q1", "a1", "b1", "a2"], "what was brought has a name of its own");
  reading.forget("a1");
  reading.forget("mine");
  reading.forget("nobody");
  assert.deepEqual(idsOf(reading.apply(ROWS)), ["q1", "a2"]);
  assert.equal(ROWS.length, 5);
});

Deno.test("words and calls of a message are forgotten by themselves, and the message with the last of them", () => {
  const reading = new Reading();
  const said = asks("a1", "tool_1", "tool_2");
  reading.forget("tool_1");
  const [less] = reading.apply([said]);
  assert.deepEqual([less!.content, less!.tool_calls!.map(({ tool_call_id }) => tool_call_id)], ["a1", ["tool_2"]]);
  reading.forget("a1");
  assert.equal(reading.apply([said])[0]!.content, "");
  reading.forget("tool_2");
  assert.deepEqual(reading.apply([said]), []);
  assert.deepEqual(reading.apply([{ ...asks("a2", "tool_1"), content: "" }]), []);
});

Deno.test("what a client brought is forgotten as a whole, by its own name alone", () => {
  const again = { ...asks("a2", "tool_1"), content: "", metadata: { rtc_message_id: "again" } };
  const reading = new Reading();
  reading.forget("tool_1");
  assert.deepEqual(idsOf(reading.apply([{ ...asks("a1", "tool_1"), content: "" }, again])), ["a2"]);
  reading.forget("again");
  assert.deepEqual(reading.apply([again]), []);
});

Deno.test("a message stands where it was put: first, behind another, behind a call, behind what is forgotten", () => {
  for (
    const [after, expected] of [
      [null, ["new", "q1", "a1", "q2"]],
      ["turn_1", ["q1", "new", "a1", "q2"]],
      ["tool_1", ["q1", "a1", "new", "q2"]],
      ["gone for long", ["q1", "a1", "q2", "new"]],
    ] as const
  ) {
    const reading = new Reading();
    reading.place(["mine"], after);
    const rows = [spoken("q1", "turn_1"), asks("a1", "tool_1"), spoken("q2", "turn_2"), brought("new", "mine")];
    assert.deepEqual(idsOf(reading.apply(rows)), expected, `${after}`);
  }
  const reading = new Reading();
  reading.forget("a1");
  reading.place(["mine"], "a1");
  assert.deepEqual(idsOf(reading.apply(ROWS)), ["q1", "b1", "q2", "a2"]);
});

Deno.test("of two behind the same message the later one comes first, and one may stand behind the other", () => {
  const rows = [spoken("q1", "turn_1"), row("a1"), brought("one", "1"), brought("two", "2"), brought("three", "3")];
  const reading = new Reading();
  reading.place(["1"], "turn_1");
  reading.place(["2"], "turn_1");
  reading.place(["3"], "1");
  assert.deepEqual(idsOf(reading.apply(rows)), ["q1", "two", "one", "three", "a1"]);
});

Deno.test("a message that is put behind itself stays where it is", () => {
  const reading = new Reading();
  reading.place(["turn_1"], "turn_1");
  assert.deepEqual(idsOf(reading.apply(ROWS)), idsOf(ROWS));
});

Deno.test("changes are bounded, and what is known counts once", () => {
  const reading = new Reading();
  for (let i = 0; i < 1000; i++) i % 2 ? reading.forget(`${i}`) : reading.place([`${i}`], null);
  reading.forget("1");
  reading.place(["0"], "1");
  assert.throws(() => reading.forget("one more"), { name: "TooManyRequestsError" });
  assert.throws(() => reading.place(["one more"], null), { name: "TooManyRequestsError" });
});

const message = (content: string, id?: string): CallMessage => ({
  role: "user",
  content,
  attachments: [],
  ...id !== undefined && { id },
});

Deno.test("what waits for an answer and is forgotten doesn't go with it", () => {
  const terms = new Terms();
  terms.bring([message("one", "1"), message("two", "2")]);
  terms.forget("1");
  assert.deepEqual(terms.next.messages.map(({ content }) => content), ["two"]);
  assert.deepEqual(terms.take().messages.map(({ id }) => id), ["2"]);
});

Deno.test("messages that are brought together stand together, whether they have names or not", () => {
  const terms = new Terms();
  terms.bring([message("one"), message("two")], { after: "turn_1" });
  const [one, two] = terms.take().messages;
  assert.notEqual(one!.id, two!.id);
  const rows = [spoken("q1", "turn_1"), row("a1"), brought("first", one!.id), brought("second", two!.id)];
  assert.deepEqual(idsOf(terms.reading.apply(rows)), ["q1", "first", "second", "a1"]);
});

/** What is read of `rows` once what waits has been stored behind them. */
function readOf(terms: Terms, rows: readonly MessageRow[]): string[] {
  const stored = terms.take().messages.map(({ id }) => brought(id, id));
  return idsOf(terms.reading.apply([...rows, ...stored]));
}

Deno.test("who stands behind a waiting message has its place once that is forgotten", () => {
  const rows = [spoken("q1", "turn_1"), row("a1")];
  for (
    const [after, forgotten, expected] of [
      [undefined, ["x"], ["q1", "a1", "y2", "y1", "y3", "z"]],
      ["turn_1", ["x"], ["q1", "y2", "y1", "y3", "a1", "z"]],
      [null, ["x"], ["y2", "y1", "y3", "q1", "a1", "z"]],
      [undefined, ["x", "y2"], ["q1", "a1", "y1", "y3", "z"]],
      ["turn_1", ["x", "y2", "y1"], ["q1", "y3", "a1", "z"]],
      [undefined, ["x", "y2", "y1", "y3"], ["q1", "a1", "z"]],
    ] as const
  ) {
    const terms = new Terms();
    terms.bring([message("x", "x")], { after });
    terms.bring([message("z", "z")]);
    terms.bring([message("y1", "y1"), message("y3", "y3")], { after: "x" });
    terms.bring([message("y2", "y2")], { after: "x" });
    for (const name of forgotten) terms.forget(name);
    assert.deepEqual(readOf(terms, rows), expected, `${after}, ${forgotten}`);
  }
});

Deno.test("what inherits a place stands among the others there as its predecessor did", () => {
  const terms = new Terms();
  terms.bring([message("x", "x")], { after: "turn_1" });
  terms.bring([message("w", "w")], { after: "turn_1" });
  terms.bring([message("y", "y")], { after: "x" });
  terms.forget("x");
  assert.deepEqual(readOf(terms, [spoken("q1", "turn_1"), row("a1")]), ["q1", "w", "y", "a1"]);
});

Deno.test("messages are brought all or none", () => {
  const terms = new Terms();
  for (let i = 0; i < 999; i++) terms.forget(`${i}`);
  const two = [message("one"), message("two")];
  assert.throws(() => terms.bring(two, { after: null }), { name: "TooManyRequestsError" });
  assert.deepEqual(terms.next.messages, []);
  terms.bring(two.slice(1), { after: null });
  assert.throws(() => terms.bring(Array(250).fill(two[0])), { name: "TooManyRequestsError" });
  assert.equal(terms.next.messages.length, 1);
});

Deno.test("dropping what waits is no change of what is read", () => {
  const terms = new Terms();
  for (let i = 0; i < 999; i++) terms.forget(`${i}`);
  for (let i = 0; i < 3; i++) {
    terms.bring([message("one", "1")], { after: "turn_1" });
    terms.forget("1");
  }
  assert.deepEqual(terms.next.messages, []);
});
