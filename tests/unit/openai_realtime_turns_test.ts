/**
 * How turns are found, as clients of OpenAI's Realtime API say it.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { type DialectTalk, startDialect } from "../support/realtime_dialect.ts";

/** Says how turns are to be found. Returns what the call was told of it, and what the client was. */
function detect({ send, said, told }: DialectTalk, turn_detection: unknown) {
  const before = said.length;
  send({ type: "session.update", event_id: "e1", session: { type: "realtime", audio: { input: { turn_detection } } } });
  return { said: said.slice(before), told: told.at(-1)! };
}

const ALWAYS = { create_response: true, interrupt_response: true };
const PLAIN = { type: "configure", options: {}, answers: true };

Deno.test("every number takes effect, and is told as it is in force", () => {
  const talk = startDialect();
  const given = {
    type: "server_vad",
    threshold: 0.7,
    prefix_padding_ms: 200,
    silence_duration_ms: 1200,
    idle_timeout_ms: 6000,
    create_response: true,
    interrupt_response: false,
  };
  const { said, told } = detect(talk, given);
  assert.equal(told.type, "session.updated");
  assert.deepEqual(told.session.audio.input.turn_detection, given);
  assert.deepEqual(said, [PLAIN, {
    type: "listen",
    turns: "found",
    turn_detection: "silence",
    end_ms: 1200,
    threshold: 0.7,
    preroll_ms: 200,
    idle_ms: 6000,
    interrupts: false,
  }]);
  const again = detect(talk, given);
  assert.deepEqual(again.said, [PLAIN], "what is in force is not said again");
  const less = detect(talk, { type: "server_vad", silence_duration_ms: 800, threshold: null });
  assert.deepEqual(less.said[1], { type: "listen", turns: "found", turn_detection: "silence", end_ms: 800 });
  assert.deepEqual(less.told.session.audio.input.turn_detection, {
    ...ALWAYS,
    type: "server_vad",
    silence_duration_ms: 800,
  });
});

Deno.test("eagerness says how long the unfinished is waited for, and without it the agent's own way is kept", () => {
  const talk = startDialect();
  assert.deepEqual(detect(talk, { type: "semantic_vad" }).said, [PLAIN]);
  for (const [eagerness, max_end_ms] of [["low", 8000], ["medium", 4000], ["high", 2000]] as const) {
    const { said, told } = detect(talk, { type: "semantic_vad", eagerness });
    assert.deepEqual(told.session.audio.input.turn_detection, { ...ALWAYS, type: "semantic_vad", eagerness });
    assert.deepEqual(said[1], { type: "listen", turns: "found", turn_detection: "semantic", max_end_ms });
  }
  assert.deepEqual(detect(talk, { type: "semantic_vad", eagerness: "auto" }).said[1], {
    type: "listen",
    turns: "found",
    turn_detection: "semantic",
    max_end_ms: 4000,
  });
  assert.deepEqual(detect(talk, { type: "semantic_vad" }).said[1], { type: "listen", turns: "found" });
});

Deno.test("a turn may end without an answer, and turns may be ended by hand", () => {
  const talk = startDialect();
  const { said, told } = detect(talk, { type: "semantic_vad", create_response: false });
  assert.deepEqual(said, [{ ...PLAIN, answers: false }]);
  assert.equal(told.session.audio.input.turn_detection.create_response, false);
  const byHand = detect(talk, null);
  assert.deepEqual(byHand.said, [{ ...PLAIN, answers: false }, { type: "listen", turns: "by_hand" }]);
  assert.equal(byHand.told.session.audio.input.turn_detection, null);
  talk.send({ type: "input_audio_buffer.commit" });
  assert.deepEqual(talk.said.at(-1), { type: "commit" });
  assert.deepEqual(detect(talk, { type: "server_vad" }).said, [PLAIN, {
    type: "listen",
    turns: "found",
    turn_detection: "silence",
  }]);
});

Deno.test("what can't be is refused by its name, and nothing is changed", () => {
  const refused: [Record<string, unknown>, string][] = [
    [{ type: "server_vad", silence_duration_ms: 50 }, "silence_duration_ms"],
    [{ type: "server_vad", silence_duration_ms: 60_000 }, "silence_duration_ms"],
    [{ type: "server_vad", silence_duration_ms: "long" }, "silence_duration_ms"],
    [{ type: "server_vad", threshold: 1.5 }, "threshold"],
    [{ type: "server_vad", prefix_padding_ms: -1 }, "prefix_padding_ms"],
    [{ type: "server_vad", idle_timeout_ms: 1000 }, "idle_timeout_ms"],
    [{ type: "server_vad", idle_timeout_ms: 6000, create_response: false }, "idle_timeout_ms"],
    [{ type: "server_vad", eagerness: "low" }, "eagerness"],
    [{ type: "server_vad", interrupt_response: "no" }, "interrupt_response"],
    [{ type: "semantic_vad", eagerness: "frantic" }, "eagerness"],
    [{ type: "semantic_vad", silence_duration_ms: 500 }, "silence_duration_ms"],
    [{ type: "semantic_vad", threshold: 0.5 }, "threshold"],
    [{ type: "semantic_vad", idle_timeout_ms: 6000 }, "idle_timeout_ms"],
    [{ type: "clairvoyant_vad" }, "type"],
    [{ silence_duration_ms: 500 }, "type"],
  ];
  const talk = startDialect();
  for (const [given, field] of refused) {
    const { said, told } = detect(talk, given);
    assert.deepEqual(said, [], JSON.stringify(given));
    assert.equal(told.type, "error");
    const { type, param, event_id } = told.error;
    assert.deepEqual([type, param, event_id], [
      "invalid_request_error",
      `session.audio.input.turn_detection.${field}`,
      "e1",
    ]);
  }
  assert.deepEqual(detect(talk, undefined).told.session.audio.input.turn_detection, {
    ...ALWAYS,
    type: "semantic_vad",
  });
  assert.throws(() => startDialect({ session: { audio: { input: { turn_detection: refused[0]![0] } } } }), {
    name: "ValidationError",
  });
});

Deno.test("a caller who says nothing is an item without words, and the agent goes on", () => {
  const talk = startDialect();
  talk.types();
  talk.hear("speech.timeout", { turn_id: "turn_7", since_ms: 4000, at_ms: 10_000 });
  talk.run("run.started", {});
  assert.deepEqual(talk.types(), [
    "input_audio_buffer.timeout_triggered",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
    "response.created",
  ]);
  const { event_id: _, ...triggered } = talk.told.find(({ type }) => type.endsWith("timeout_triggered"))!;
  assert.deepEqual(triggered, {
    type: "input_audio_buffer.timeout_triggered",
    item_id: "item_turn_7",
    audio_start_ms: 4000,
    audio_end_ms: 10_000,
  });
  const { item } = talk.told.find(({ type }) => type === "conversation.item.added")!;
  assert.deepEqual([item.id, item.role, item.content], ["item_turn_7", "user", [{
    type: "input_audio",
    transcript: "",
  }]]);
});
