/**
 * Sound as events of OpenAI's Realtime API.
 */
import { strict as assert } from "node:assert";
import { type DialectTalk, startDialect } from "../support/realtime_dialect.ts";

const FRAME = new Uint8Array(960).toBase64();
const turn_id = "turn_1";
const run_id = "run_1";

function begin(talk: DialectTalk): void {
  talk.run("run.started");
  talk.run("model.delta", { step_id: "step_1", text: "It is noon." });
}

const speaking = { turn_id, run_id, text: "It is noon.", aloud: true };

function complete(talk: DialectTalk, content = "It is noon.", finish_reason = "stop"): void {
  talk.run("message.completed", { step_id: "step_1", message: { id: "msg_1", role: "assistant", content } });
  const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2 };
  talk.run("run.completed", { usage, finish_reason });
}

Deno.test("sound is told of the item that is said, before it ends, and no buffer is", () => {
  const talk = startDialect({ sounds: true });
  talk.types();
  begin(talk);
  talk.hear("agent.speaking", speaking);
  talk.sound(FRAME);
  talk.sound(FRAME);
  complete(talk);
  talk.hear("agent.done", { turn_id, run_id, latency: {} });
  const sound = talk.told.filter(({ type }) => type === "response.output_audio.delta");
  assert.deepEqual(
    sound.map(({ response_id, item_id, output_index, content_index, delta }) => {
      return [response_id, item_id, output_index, content_index, delta];
    }),
    Array(2).fill(["resp_1", "item_step_1", 0, 0, FRAME]),
  );
  assert.deepEqual(talk.types(), [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.delta",
    "response.output_audio_transcript.done",
    "response.output_audio.done",
    "response.content_part.done",
    "response.output_item.done",
    "conversation.item.done",
    "response.done",
  ]);
});

Deno.test("sound that is sooner than its words waits for them", () => {
  const talk = startDialect({ sounds: true });
  talk.run("run.started");
  talk.hear("agent.speaking", speaking);
  talk.sound(FRAME);
  talk.types();
  talk.run("model.delta", { step_id: "step_1", text: "It is noon." });
  assert.deepEqual(talk.types().slice(-2), ["response.output_audio.delta", "response.output_audio_transcript.delta"]);
});

Deno.test("a client that stops listening interrupts, and the item ends where it says; another item is only confirmed", () => {
  const talk = startDialect({ sounds: true });
  begin(talk);
  talk.hear("agent.speaking", speaking);
  talk.sound(FRAME);
  const cut = { type: "conversation.item.truncate", item_id: "item_step_1", content_index: 0, audio_end_ms: 12 };
  talk.send(cut);
  assert.deepEqual(talk.said.at(-1), { type: "interrupt", heard_ms: 12 });
  talk.hear("agent.interrupted", { turn_id, run_id, heard: "It …" });
  talk.sound(FRAME);
  complete(talk, "It …", "interrupted");
  const truncated = talk.told.filter(({ type }) => type === "conversation.item.truncated");
  assert.deepEqual(truncated.map(({ audio_end_ms }) => audio_end_ms), [12]);
  assert.equal(talk.told.filter(({ type }) => type === "response.output_audio.delta").length, 1, "then it is quiet");
  const { response } = talk.told.at(-1)!;
  assert.deepEqual([response.status, response.output[0].content[0].transcript], ["cancelled", "It …"]);
  const count = talk.said.length;
  talk.send(cut);
  assert.equal(talk.said.length, count, "what is over isn't interrupted");
  assert.equal(talk.told.at(-1)!.type, "conversation.item.truncated");
});

Deno.test("what is said while a person is asked, and when there is no answer, is an item of its own", () => {
  const talk = startDialect({ sounds: true });
  talk.run("run.started");
  talk.run("tool.call.approval_required", { tool_call_id: "call_1", tool: "look", arguments: {} });
  talk.hear("agent.speaking", { turn_id, run_id, text: "One moment.", aloud: true });
  talk.sound(FRAME);
  const aside = talk.told.findLast(({ type }) => type === "response.output_audio.delta")!;
  assert.equal(talk.dialect !== undefined && aside.item_id, "item_turn_1_aside");
  talk.run("run.failed", { error: { error: "UpstreamError", message: "No" }, usage: undefined });
  talk.hear("agent.speaking", { turn_id, run_id, text: "Sorry.", aloud: true });
  talk.sound(FRAME);
  talk.hear("agent.done", { turn_id, run_id, latency: {} });
  const created = talk.told.filter(({ type }) => type === "response.created").map(({ response }) => response.id);
  const done = talk.told.filter(({ type }) => type === "response.done").map(({ response }) => response);
  assert.deepEqual(created, ["resp_1", "resp_turn_1"]);
  assert.deepEqual(done.map(({ id, status }) => [id, status]), [["resp_1", "failed"], ["resp_turn_1", "completed"]]);
  assert.equal(done[1]!.output[0].content[0].transcript, "Sorry.");
});

Deno.test("an agent without a voice begins no buffer, whatever carries sound", () => {
  for (const sounds of [false, true]) {
    const talk = startDialect({ sounds });
    begin(talk);
    talk.hear("agent.speaking", { ...speaking, aloud: false });
    complete(talk);
    talk.hear("agent.done", { turn_id, run_id, latency: {} });
    const types = talk.types();
    assert.ok(!types.some((type) => type.startsWith("output_audio_buffer.")), types.join());
    assert.ok(types.includes("response.done"));
  }
});

Deno.test("what is appended is heard as it is, or made so, and is no sound where sound is media", () => {
  const talk = startDialect({ sounds: true });
  talk.send({ type: "input_audio_buffer.append", audio: FRAME });
  // Some programs break base64 into lines.
  talk.send({ type: "input_audio_buffer.append", audio: FRAME.replaceAll(/.{76}/g, "$&\n") });
  assert.deepEqual(talk.heard.splice(1), [FRAME]);
  assert.deepEqual(talk.heard, [FRAME]);
  talk.send({
    type: "session.update",
    session: { input_audio_format: "x", audio: { input: { format: "g711_ulaw" } } },
  });
  assert.deepEqual(talk.told.at(-1)!.session.audio.input.format, { type: "audio/pcmu" });
  talk.send({ type: "input_audio_buffer.append", audio: new Uint8Array(800).fill(0xff).toBase64() });
  const bytes = Uint8Array.fromBase64(talk.heard[1]!);
  assert.ok(Math.abs(bytes.length - 4800) < 200, `${bytes.length}: 100 ms at three times the rate, two bytes each`);
  const media = startDialect();
  media.send({ type: "input_audio_buffer.append", event_id: "e", audio: FRAME });
  assert.deepEqual([media.told.at(-1)!.type, media.told.at(-1)!.error.event_id], ["error", "e"]);
});

Deno.test("turns that are ended by hand are items before their words are known", () => {
  for (const sounds of [false, true]) {
    const talk = startDialect({ sounds });
    talk.send({ type: "session.update", session: { audio: { input: { turn_detection: null } } } });
    assert.deepEqual(talk.said.filter(({ type }) => type === "listen"), [{ type: "listen", turns: "by_hand" }]);
    if (sounds) talk.send({ type: "input_audio_buffer.append", audio: new Uint8Array(9600).toBase64() });
    talk.send({ type: "input_audio_buffer.commit" });
    assert.deepEqual(talk.said.at(-1), { type: "commit" });
    talk.types();
    talk.hear("speech.started", { turn_id, at_ms: 0 });
    talk.hear("speech.stopped", { turn_id, at_ms: 500 });
    assert.deepEqual(talk.types(), [
      "input_audio_buffer.committed",
      "conversation.item.added",
      "conversation.item.done",
    ]);
    talk.hear("transcript.final", { turn_id, text: "hello", language: null });
    assert.deepEqual(talk.types(), [
      "conversation.item.input_audio_transcription.delta",
      "conversation.item.input_audio_transcription.completed",
    ]);
    talk.send({ type: "conversation.item.retrieve", item_id: "item_turn_1" });
    assert.deepEqual(talk.told.at(-1)!.item.content, [{ type: "input_audio", transcript: "hello" }]);
    talk.send({ type: "session.update", session: { audio: { input: { turn_detection: { type: "server_vad" } } } } });
    assert.deepEqual(talk.said.findLast(({ type }) => type === "listen"), {
      type: "listen",
      turns: "found",
      turn_detection: "silence",
    });
  }
});
