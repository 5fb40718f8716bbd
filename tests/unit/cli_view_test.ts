/**
 * What people see of answers, lists and events.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { EventView, toJsonLine } from "../../src/transports/cli/derived/events.ts";
import { toAge, toShort } from "../../src/transports/cli/derived/format.ts";
import { toRecord } from "../../src/transports/cli/derived/record.ts";
import { chooseColumns, leftOut, toTable } from "../../src/transports/cli/derived/table.ts";
import { widthOf } from "../../src/transports/cli/chat/text_width.ts";
import { padTo, wrapTo } from "../../src/transports/cli/layout.ts";
import { createStyle } from "../../src/transports/cli/style.ts";

const style = createStyle(false);
const now = Date.parse("2026-11-21T12:00:00.000Z");
const before = (seconds: number) => new Date(now - seconds * 1000).toISOString();
const table = (rows: Record<string, unknown>[], columns: number, known: string[] = []) =>
  toTable(rows, { style, columns, now, known });

/** Orders to a terminal, in every spelling there is. */
const ATTACKS = [
  "\x1b[2J",
  "\x1b]0;title\x07",
  "\x1b]52;c;AAAA\x07",
  "\x9b2J",
  "\x9d0;t\x9c",
  "a\rb",
  "\x08\x08",
  "\u202eevil",
];
// deno-lint-ignore no-control-regex
const OBEYED = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]/;

Deno.test("a table is as wide as it needs to be, and never wider than the terminal", () => {
  const rows = [
    { id: "run_1", status: "completed", note: "short", agent_id: "assistant_with_a_long_name", at: before(5), n: 7 },
    {
      id: "run_22",
      status: "failed",
      note: "a much longer text that has to be cut somewhere",
      at: before(7200),
      n: 12,
    },
  ];
  assert.deepEqual(
    table(rows, Infinity),
    [
      "ID      STATUS     AT         N  NOTE                                             AGENT ID",
      "run_1   completed  5 s ago    7  short                                            assistant_with_a_long_name",
      "run_22  failed     2 h ago   12  a much longer text that has to be cut somewhere",
    ].map((line) =>
      line.replace("AT         N", "AT        N").replace("ago    7", "ago   7").replace("ago   12", "ago  12")
    ),
  );
  for (let columns = 20; columns < 120; columns++) {
    for (const line of table(rows, columns)) assert.ok(widthOf(line) <= columns, `${columns}: ${line}`);
  }
  assert.ok(table(rows, 40)[1]!.startsWith("run_1   completed"));
  assert.equal(
    table([{ id: "a-very-long-id-that-is-never-cut", name: "x" }], 10)[1],
    "a-very-long-id-that-is-never-cut",
  );
});

Deno.test("where there is room for one time, it is when a row was made", () => {
  const rows = [
    { id: "a", ended_at: before(5), created_at: before(7200), agent_id: "assistant" },
    { id: "b", created_at: before(60), agent_id: "assistant" },
  ];
  assert.deepEqual(table(rows, 26), [
    "ID  CREATED    AGENT ID",
    "a   2 h ago    assistant",
    "b   1 min ago  assistant",
  ]);
});

Deno.test("columns that say nothing are left out, wide characters count as two", () => {
  const rows = [{ id: "a", title: "日本語", parent: "p", empty: null, none: {} }, {
    id: "b",
    title: "abc",
    parent: "p",
  }];
  assert.deepEqual(table(rows, 80, ["parent"]), ["ID  TITLE", "a   日本語", "b   abc"]);
  assert.equal(padTo("日本", 6), "日本  ");
  assert.deepEqual(wrapTo("日本語の長い文", 6), ["日本語", "の長い", "文"]);
  assert.deepEqual(wrapTo("one two three", 7), ["one two", "three"]);
});

Deno.test("one thing is told in names and values, what is inside it below", () => {
  const lines = toRecord({
    id: "conv_1",
    created_at: before(90),
    nothing: null,
    model: { provider: "offline", tools: [] },
    messages: [{ role: "user", content: "hi" }],
    text: "first\nsecond",
  }, { style, columns: 60, now });
  assert.match(lines[1]!, /^created at: {2}2026-11-2\d \d\d:\d\d:\d\d \(1 min ago\)$/);
  assert.deepEqual([lines[0], ...lines.slice(2)], [
    "id:          conv_1",
    "model:",
    "  provider:  offline",
    "messages:",
    "  ROLE  CONTENT",
    "  user  hi",
    "text:        first",
    "             second",
  ]);
});

Deno.test("an id is never broken, a text is broken between its words", () => {
  const lines = toRecord({ run_id: "run_0123456789", text: "some words of a text" }, { style, columns: 20, now });
  assert.deepEqual(lines, ["run id:", "  run_0123456789", "text:    some words", "         of a text"]);
});

Deno.test("times are told by their distance, figures in short", () => {
  const ages = [0, 5, 90, 7300, 90_000, 200_000].map((seconds) => toAge(before(seconds), now));
  assert.deepEqual(ages, ["now", "5 s ago", "1 min ago", "2 h ago", "1 day ago", "2 days ago"]);
  assert.equal(toAge(before(-60), now), "in 1 min");
  assert.equal(toShort(0.1 + 0.2, now), "0.3");
  assert.equal(toShort({ input_tokens: 3, cost: null, output_tokens: 0 }, now), "input_tokens 3");
  assert.equal(toShort(["a", "b"], now), "a, b");
});

Deno.test("events are lines, and text that comes in pieces flows between them", () => {
  let shown = "";
  const view = new EventView({ style, columns: 60, write: (text) => shown += text });
  const event = (seq: number, type: string, data: unknown) => view.show({ seq, type, data: JSON.stringify(data) });
  event(1, "run.started", { run_id: "run_1", time: "t", agent_id: "assistant", attempt: 1 });
  event(2, "model.reasoning.delta", { step_id: "s", text: "Hmm" });
  event(3, "model.delta", { step_id: "s", text: "Hello " });
  event(4, "model.delta", { step_id: "s", text: "there" });
  event(5, "message.completed", { step_id: "s", message: { id: "m", role: "assistant", content: "Hello there" } });
  event(6, "tool.call.started", { tool: "weather", arguments: { city: "Rome" } });
  event(7, "run.completed", { message: { content: "Hello there" }, usage: { input_tokens: 3, output_tokens: 2 } });
  assert.equal(
    shown,
    [
      "   1  run.started  agent_id=assistant attempt=1",
      "Hmm",
      "Hello there",
      "   5  message.completed",
      '   6  tool.call.started  tool=weather arguments {"city":"Ro…',
      "   7  run.completed  input_tokens 3, output_tokens 2",
      "",
    ].join("\n"),
  );
});

Deno.test("a message that nobody saw being written is told", () => {
  let shown = "";
  const view = new EventView({ style, columns: 60, write: (text) => shown += text });
  view.show({ seq: 5, type: "message.completed", data: '{"step_id":"s","message":{"content":"Hello\\nthere"}}' });
  assert.equal(shown, "   5  message.completed  Hello there\n");
});

Deno.test("an event for machines is one line that means what was sent", () => {
  const item = { seq: 3, type: "model.delta", data: '{"step_id":"s","text":"a\\u001b[2J\u009b2J"}' };
  const line = toJsonLine(item);
  assert.deepEqual(JSON.parse(line), { seq: 3, type: "model.delta", data: JSON.parse(item.data) });
  assert.doesNotMatch(line, OBEYED);
  assert.equal(toJsonLine({ type: "x", data: "{}" }), '{"type":"x","data":{}}\n');
});

Deno.test("no text of a stranger is an order to the terminal", () => {
  for (const attack of ATTACKS) {
    let shown = "";
    const view = new EventView({ style, columns: 200, write: (text) => shown += text });
    for (const type of ["model.delta", "model.reasoning.delta", "tool.call.result", "message.completed", attack]) {
      const data = { text: attack, [attack]: attack, result: { [attack]: attack }, message: { content: attack } };
      view.show({ seq: 1, type, data: JSON.stringify(data) });
    }
    view.end();
    const rows = [{ id: attack, [attack]: attack, list: [attack], deep: { [attack]: [attack, { [attack]: attack }] } }];
    const options = { style, columns: 200, now };
    for (
      const text of [shown, ...toTable(rows, options), ...toRecord(rows[0]!, options), ...toRecord({ rows }, options)]
    ) {
      assert.doesNotMatch(text, OBEYED, JSON.stringify(attack));
    }
  }
});

Deno.test("what has no room is told under its row, and names of columns without room can be told", () => {
  const rows = [{
    tool_call_id: "tool_0123456789",
    run_id: "run_0123456789",
    tool: "files__write_file",
    arguments: { path: "a" },
    reason: "It changes files, which somebody should see before it is done",
    agent_id: "assistant_with_a_long_name",
  }];
  const options = { style, columns: 60, now };
  assert.deepEqual(toTable(rows, options), [
    "TOOL CALL ID     RUN ID          TOOL",
    "tool_0123456789  run_0123456789  files__write_file",
    '    arguments: {"path":"a"}',
    "    reason: It changes files, which somebody should see",
    "    before it is done",
  ]);
  assert.deepEqual(leftOut(rows, chooseColumns(rows, options), options), ["AGENT ID"]);
  // Arguments have one form, however many there are and whatever is in them.
  const wide = toTable([{ id: "a", arguments: { a: 1 } }, { id: "b", arguments: { b: { c: 1 } } }], options);
  assert.deepEqual(wide, ["ID  ARGUMENTS", 'a   {"a":1}', 'b   {"b":{"c":1}}']);
});

Deno.test("names inside of something are shown as they are: they may be data", () => {
  const lines = toRecord({ created_by: "admin", tools: { "write_*": { decision: "ask" } } }, {
    style,
    columns: 60,
    now,
  });
  assert.deepEqual(lines, ["created by:  admin", "tools:", "  write_*:", "    decision:  ask"]);
  assert.equal(toShort({ my_key: 1 }, now), "my_key 1");
});
