/**
 * What answers read once clients of OpenAI's Realtime API have changed the history, without a server.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { Terms } from "../../src/core/calls/terms.ts";
import type { RtcMessage } from "../../src/domain/rtc_event.ts";
import type { MessageRow } from "../../src/domain/table.ts";
import { NO_USAGE } from "../../src/domain/usage.ts";
import { FULL_ROWS } from "../contracts/sample_rows.ts";
import { type DialectTalk, startDialect } from "../support/realtime_dialect.ts";
import { beginAnswer, create, endAnswer, exchange, remove, speak } from "../support/realtime_history.ts";

/** The rows of so many exchanges. */
function rowsOf(exchanges: number): MessageRow[] {
  const row = (id: string, change: Partial<MessageRow>): MessageRow => ({
    ...FULL_ROWS.messages,
    id,
    content: id,
    tool_calls: null,
    tool_call_id: null,
    metadata: {},
    ...change,
  });
  return Array.from({ length: exchanges }, (_, at) => at + 1).flatMap((n) => [
    row(`q${n}`, { role: "user", metadata: { turn_id: `turn_${n}` } }),
    row(`msg_${n}`, { role: "assistant" }),
  ]);
}

/** What is read of `rows`, and of what the client brought behind them. */
function readOf(said: readonly RtcMessage[], rows: readonly MessageRow[]): string[] {
  const terms = new Terms();
  for (const message of said) {
    if (message.type === "messages") terms.bring(message.messages, { after: message.after });
    else if (message.type === "forget") terms.forget(message.name);
  }
  const brought = terms.take().messages.map(({ id, content }): MessageRow => ({
    ...rows[0]!,
    id: content,
    metadata: { rtc_message_id: id },
  }));
  return terms.reading.apply([...rows, ...brought]).map(({ id }) => id);
}

/** The answer that is being said is number 2. */
function answering(): DialectTalk {
  const talk = startDialect();
  exchange(talk, 1);
  beginAnswer(talk, 2);
  talk.types();
  return talk;
}

const ONE = rowsOf(1);
const TWO = rowsOf(2);
const WITHOUT_TURN = [...ONE, TWO[3]!];

Deno.test("an item behind one that is deleted before an answer has its place", () => {
  const talk = startDialect();
  exchange(talk, 1);
  exchange(talk, 2);
  talk.send(create("x", "X", { previous_item_id: "item_turn_1" }));
  talk.send(create("y", "Y", { previous_item_id: "x" }));
  talk.send(remove("x"));
  assert.deepEqual(readOf(talk.said, TWO), ["q1", "Y", "msg_1", "q2", "msg_2"]);
});

Deno.test("an item behind a turn that has no message is read behind what is before that", () => {
  const failed = (talk: DialectTalk) => {
    talk.hear("speech.started", { turn_id: "turn_9", at_ms: 1 });
    talk.hear("speech.stopped", { turn_id: "turn_9", at_ms: 2 });
    talk.hear("error", { error: "TimeoutError", message: "Cannot write it down", turn_id: "turn_9" });
    talk.hear("transcript.final", { turn_id: "turn_9", text: "", language: null });
  };
  const silent = (talk: DialectTalk) => talk.hear("speech.timeout", { turn_id: "turn_9", since_ms: 1, at_ms: 2 });
  const byHand = (talk: DialectTalk) => {
    talk.send({ type: "session.update", session: { audio: { input: { turn_detection: null } } } });
    speak(talk, 9, "");
  };
  for (const nothing of [failed, silent, byHand]) {
    const talk = startDialect();
    exchange(talk, 1);
    nothing(talk);
    exchange(talk, 2);
    talk.send(create("y", "Y", { previous_item_id: "item_turn_9" }));
    assert.equal(talk.told.at(-1)!.previous_item_id, "item_turn_9");
    assert.deepEqual(readOf(talk.said, TWO), ["q1", "msg_1", "Y", "q2", "msg_2"], nothing.name);
  }
});

Deno.test("an item behind a message that is being said is read behind it, and so is what stands behind the item", () => {
  const talk = answering();
  talk.send(create("z", "Z"));
  talk.send(create("y", "Y", { previous_item_id: "item_step_2" }));
  talk.send(create("w", "W", { previous_item_id: "y" }));
  assert.deepEqual(talk.told.at(-1)!.previous_item_id, "y");
  endAnswer(talk, 2);
  assert.deepEqual(readOf(talk.said, WITHOUT_TURN), ["q1", "msg_1", "msg_2", "Y", "W", "Z"]);
});

Deno.test("an item behind a message that is deleted while it is said, or never stored, is read behind what is before", () => {
  const cancelled = (talk: DialectTalk) => talk.run("run.cancelled", { reason: "enough", usage: NO_USAGE }, "run_2");
  const restarted = (talk: DialectTalk) => talk.run("step.restarted", { step_id: "step_2", attempt: 2 }, "run_2");
  const deleted = (talk: DialectTalk) => talk.send(remove("item_step_2"));
  for (const [ends, rows] of [[cancelled, ONE], [restarted, ONE], [deleted, WITHOUT_TURN]] as const) {
    const talk = answering();
    talk.send(create("z", "Z"));
    talk.send(create("y", "Y", { previous_item_id: "item_step_2" }));
    ends(talk);
    if (ends === deleted) endAnswer(talk, 2);
    assert.deepEqual(readOf(talk.said, rows), ["q1", "msg_1", "Y", "Z"], ends.name);
  }
});

Deno.test("an item that is deleted before what it stands behind is said is never brought", () => {
  const talk = answering();
  talk.send(create("z", "Z"));
  talk.send(create("y", "Y", { previous_item_id: "item_step_2" }));
  talk.send(create("w", "W", { previous_item_id: "y" }));
  talk.send(remove("y"));
  endAnswer(talk, 2);
  assert.deepEqual(readOf(talk.said, WITHOUT_TURN), ["q1", "msg_1", "msg_2", "W", "Z"]);
});

Deno.test("what is deleted while it is said, and made anew by its id, is another message", () => {
  for (const again of [false, true]) {
    const talk = answering();
    talk.send(remove("item_step_2"));
    talk.send(create("item_step_2", "Y"));
    talk.types();
    endAnswer(talk, 2);
    assert.ok(!talk.types().some((type) => type.startsWith("conversation.item")), "the client's own is not the answer");
    if (again) talk.send(remove("item_step_2"));
    assert.deepEqual(readOf(talk.said, WITHOUT_TURN), ["q1", "msg_1", ...again ? [] : ["Y"]]);
  }
});

Deno.test("the oldest of too many items is forgotten, and never the one that was just put first", () => {
  const talk = startDialect();
  for (let n = 1; n <= 500; n++) exchange(talk, n);
  talk.send(create("first", "One", { previous_item_id: "root" }));
  talk.send(remove("item_turn_1"));
  assert.equal(talk.told.at(-1)!.error.code, "item_delete_invalid_item_id");
  talk.send(remove("first"));
  assert.equal(talk.told.at(-1)!.type, "conversation.item.deleted");
});

Deno.test("more than may wait for an answer is refused by the event's id, and isn't told as an item", () => {
  const talk = startDialect();
  exchange(talk, 1);
  for (let i = 0; i < 100; i++) talk.send(create(`i${i}`, "x"));
  talk.types();
  talk.send({ ...create("more", "x"), event_id: "e1" });
  assert.deepEqual(talk.types(), ["error"]);
  assert.deepEqual(talk.told.at(-1)!.error.event_id, "e1");
  talk.send(remove("i0"));
  talk.send(create("more", "x"));
  assert.equal(talk.types().at(-1), "conversation.item.done", "what is deleted no longer waits");
  talk.send({ type: "response.create" });
  beginAnswer(talk, 2);
  talk.types();
  talk.send(create("next", "x"));
  assert.equal(talk.types().at(-1), "conversation.item.done", "an answer takes what waits");
  assert.doesNotThrow(() => readOf(talk.said, ONE));
});

Deno.test("more changes than a call takes are refused by the event's id, and nothing is told as deleted", () => {
  const talk = startDialect();
  for (let n = 0; n < 1000; n++) {
    speak(talk, n);
    talk.send(remove(`item_turn_${n}`));
  }
  exchange(talk, 1001);
  talk.types();
  talk.send({ ...remove("item_turn_1001"), event_id: "e1" });
  talk.send({ ...create("x", "X", { previous_item_id: "root" }), event_id: "e2" });
  assert.deepEqual(talk.types(), ["error", "error"]);
  assert.deepEqual(talk.told.slice(-2).map(({ error }) => error.event_id), ["e1", "e2"]);
  assert.doesNotThrow(() => readOf(talk.said, ONE));
  talk.send(create("x", "X"));
  assert.equal(talk.told.at(-1)!.type, "conversation.item.done", "what is put at the end changes nothing");
});
