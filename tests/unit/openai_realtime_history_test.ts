/**
 * What clients of OpenAI's Realtime API change of a conversation, and what they are told of it, without a server.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { RtcMessage } from "../../src/domain/rtc_event.ts";
import { startDialect } from "../support/realtime_dialect.ts";
import { create, exchange, remove } from "../support/realtime_history.ts";

/** Names that the dialect gave are told apart by their order. */
function plain(said: readonly RtcMessage[]): unknown[] {
  const names: string[] = [];
  const number = (name: string | null | undefined) => {
    if (typeof name !== "string" || !name.startsWith("item_")) return name;
    return `#${names.includes(name) ? names.indexOf(name) : names.push(name) - 1}`;
  };
  return said.flatMap((message): unknown[] => {
    if (message.type === "forget") return [["forget", number(message.name)]];
    if (message.type !== "messages") return [];
    const [{ id, content } = assert.fail()] = message.messages;
    return [["messages", number(id), content, ..."after" in message ? [number(message.after)] : []]];
  });
}

Deno.test("an item that is deleted is gone, and what the call knows it as is forgotten", () => {
  const talk = startDialect();
  exchange(talk, 1);
  talk.types();
  talk.send(remove("item_turn_1"));
  talk.send(remove("item_step_1"));
  assert.deepEqual(talk.types(), ["conversation.item.deleted", "conversation.item.deleted"]);
  assert.equal(talk.told.at(-1)!.item_id, "item_step_1");
  assert.deepEqual(talk.said, [{ type: "forget", name: "turn_1" }, { type: "forget", name: "msg_1" }]);
  talk.send(create("next", "Hello"));
  assert.equal(talk.told.at(-1)!.previous_item_id, null, "nothing is before what comes next");
});

Deno.test("what isn't there can't be deleted, retrieved or truncated, each by OpenAI's own word", () => {
  const talk = startDialect();
  exchange(talk, 1);
  talk.send(remove("item_turn_1"));
  const truncate = { type: "conversation.item.truncate", content_index: 0, audio_end_ms: 1 };
  for (const id of ["item_turn_1", "item_9"]) {
    for (
      const [event, code] of [
        [remove(id), "item_delete_invalid_item_id"],
        [{ type: "conversation.item.retrieve", item_id: id }, "item_retrieve_invalid_item_id"],
        [{ ...truncate, item_id: id }, "item_truncate_invalid_item_id"],
      ] as const
    ) {
      const before = talk.told.length;
      talk.send({ ...event, event_id: "e1" });
      assert.equal(talk.told.length, before + 1);
      const { type, error } = talk.told.at(-1)!;
      assert.deepEqual([type, error.type, error.code, error.param, error.event_id], [
        "error",
        "invalid_request_error",
        code,
        "item_id",
        "e1",
      ]);
    }
  }
  assert.equal(talk.said.length, 1);
});

Deno.test("an item stands where its client put it", () => {
  const talk = startDialect();
  exchange(talk, 1);
  talk.send(create("first", "One", { previous_item_id: "root" }));
  assert.equal(talk.told.at(-1)!.previous_item_id, null);
  talk.send(create("second", "Two", { previous_item_id: "item_turn_1" }));
  assert.equal(talk.told.at(-1)!.previous_item_id, "item_turn_1");
  talk.send(create("third", "Three", { previous_item_id: "second" }));
  assert.equal(talk.told.at(-1)!.previous_item_id, "second");
  talk.send(create("last", "Four", { previous_item_id: "item_step_1" }));
  assert.equal(talk.told.at(-1)!.previous_item_id, "item_step_1");
  talk.send(create("end", "Five"));
  assert.equal(talk.told.at(-1)!.previous_item_id, "last");
  assert.deepEqual(plain(talk.said), [
    ["messages", "#0", "One", null],
    ["messages", "#1", "Two", "turn_1"],
    ["messages", "#2", "Three", "#1"],
    ["messages", "#3", "Four"],
    ["messages", "#4", "Five"],
  ]);
});

Deno.test("the first item of all may be put first", () => {
  const talk = startDialect();
  talk.send(create("first", "One", { previous_item_id: "root" }));
  assert.deepEqual(plain(talk.said), [["messages", "#0", "One"]]);
});

Deno.test("an item behind one that isn't there is refused, and isn't there either", () => {
  const talk = startDialect();
  exchange(talk, 1);
  talk.types();
  talk.send({ ...create("mine", "One", { previous_item_id: "item_9" }), event_id: "e2" });
  assert.deepEqual(talk.types(), ["error"]);
  const { error } = talk.told.at(-1)!;
  assert.deepEqual([error.type, error.code, error.param, error.event_id], [
    "invalid_request_error",
    "item_create_invalid_previous_item_id",
    "previous_item_id",
    "e2",
  ]);
  assert.deepEqual(talk.said, []);
  talk.send(create("mine", "One"));
  assert.equal(talk.told.at(-1)!.type, "conversation.item.done");
});

Deno.test("a place behind what the agent doesn't read is that of what it reads before", () => {
  const talk = startDialect();
  talk.hear("agent.speaking", { turn_id: "turn_0", run_id: null, text: "Hello.", aloud: true });
  talk.hear("agent.done", { turn_id: "turn_0", run_id: null, latency: {} });
  const greeting = talk.told.findLast(({ type }) => type === "conversation.item.done")!.item.id;
  exchange(talk, 1);
  talk.send(create("one", "One", { previous_item_id: greeting }));
  assert.deepEqual(plain(talk.said), [["messages", "#0", "One", null]]);
});

Deno.test("an item can be replaced by another of its id, which is another message", () => {
  const talk = startDialect();
  exchange(talk, 1);
  talk.types();
  const item = {
    type: "message",
    id: "item_turn_1",
    role: "user",
    content: [{ type: "input_audio", audio: null, transcript: "what day is it" }],
  };
  talk.send(remove("item_turn_1"));
  talk.send({ type: "conversation.item.create", previous_item_id: "root", item });
  talk.send(remove("item_turn_1"));
  talk.send({ type: "conversation.item.create", previous_item_id: "root", item });
  assert.equal(talk.types().filter((type) => type === "error").length, 0);
  assert.deepEqual(plain(talk.said), [
    ["forget", "turn_1"],
    ["messages", "#0", "what day is it", null],
    ["forget", "#0"],
    ["messages", "#1", "what day is it", null],
  ]);
});

Deno.test("what is deleted while it is said is forgotten as soon as it has a name, and is not told of again", () => {
  const talk = startDialect();
  talk.run("run.started");
  talk.run("model.delta", { step_id: "step_1", text: "It is noon. And now" });
  talk.hear("agent.speaking", { turn_id: "turn_1", run_id: "run_1", text: "It is noon.", aloud: true });
  talk.send(remove("item_step_1"));
  assert.deepEqual(talk.said, []);
  talk.types();
  talk.hear("agent.interrupted", { turn_id: "turn_1", run_id: "run_1", heard: "It is" });
  const message = { id: "msg_1", role: "assistant", content: "It is" };
  talk.run("message.completed", { step_id: "step_1", message });
  assert.deepEqual(talk.said, [{ type: "forget", name: "msg_1" }]);
  assert.ok(!talk.types().some((type) => type.startsWith("conversation.item")));
});

Deno.test("calls of tools, and what was said before them, are forgotten by their names", () => {
  const talk = startDialect();
  talk.run("run.started");
  talk.run("model.delta", { step_id: "step_1", text: "Let me see." });
  talk.run("step.completed", { step_id: "step_1", usage: null, message_id: "msg_1" });
  const call = { tool_call_id: "tool_1", step_id: "step_2", tool: "office__clock", arguments: {} };
  talk.run("tool.call.started", call);
  talk.run("tool.call.result", { ...call, result: "noon", duration_ms: 3 });
  const tool_calls = [{ tool_call_id: "tool_2", tool: "lamp", arguments: {} }];
  talk.run("message.completed", {
    step_id: "step_3",
    message: { id: "msg_2", role: "assistant", content: "", tool_calls },
  });
  talk.send({
    type: "conversation.item.create",
    item: { type: "function_call_output", id: "out", call_id: "tool_2", output: "on" },
  });
  for (const id of ["item_step_1", "mcp_tool_1", "out", "fc_tool_2"]) talk.send(remove(id));
  assert.deepEqual(plain(talk.said), [
    ["messages", "#0", "on"],
    ["forget", "msg_1"],
    ["forget", "tool_1"],
    ["forget", "#0"],
    ["forget", "tool_2"],
  ]);
});

Deno.test("calls that a client remembers are brought with their outputs, and can be deleted and brought again", () => {
  const talk = startDialect();
  const call = { type: "function_call", id: "c", call_id: "call_1", name: "lamp", arguments: '{"on":true}' };
  const output = { type: "function_call_output", id: "o", call_id: "call_1", output: "It is on" };
  talk.send({ type: "conversation.item.create", item: output });
  assert.equal(talk.told.at(-1)!.error.param, "item.call_id");
  talk.send({ type: "conversation.item.create", item: call });
  talk.send({ type: "conversation.item.create", item: output });
  talk.send({ type: "conversation.item.create", item: { ...call, id: "c2" } });
  assert.equal(talk.told.at(-1)!.error.param, "item.call_id");
  talk.send(remove("c"));
  talk.send({ type: "conversation.item.create", item: call, previous_item_id: "root" });
  const [first, second] = talk.said.flatMap((message) => message.type === "messages" ? message.messages : []);
  const { id: _, ...brought } = first!;
  assert.deepEqual(brought, {
    role: "assistant",
    content: "",
    attachments: [],
    tool_calls: [{ tool_call_id: "call_1", tool: "lamp", arguments: { on: true } }],
  });
  assert.deepEqual([second!.role, second!.tool_call_id], ["tool", "call_1"]);
  assert.deepEqual(plain(talk.said), [
    ["messages", "#0", ""],
    ["messages", "#1", "It is on"],
    ["forget", "#0"],
    ["messages", "#2", "", null],
  ]);
});

const TRANSCRIPTION = "conversation.item.input_audio_transcription";
const BROKEN = { error: "TimeoutError", message: "Cannot write down what was said", turn_id: "turn_1" };

Deno.test("what can't be written down is an item without words, whose failure is told by its id", () => {
  const talk = startDialect();
  talk.types();
  talk.hear("speech.started", { turn_id: "turn_1", at_ms: 900 });
  talk.hear("speech.stopped", { turn_id: "turn_1", at_ms: 2100 });
  talk.hear("error", BROKEN);
  talk.hear("transcript.final", { turn_id: "turn_1", text: "", language: null });
  assert.deepEqual(talk.types(), [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
    `${TRANSCRIPTION}.failed`,
  ]);
  const { item_id, content_index, error } = talk.told.at(-1)!;
  assert.deepEqual([item_id, content_index], ["item_turn_1", 0]);
  assert.deepEqual(error, { type: "timeout_error", code: "timeout", message: "Cannot write down what was said" });
});

Deno.test("a turn by hand that can't be written down fails once, and its response stays asked for", () => {
  const talk = startDialect({ session: { audio: { input: { turn_detection: null } } } });
  talk.hear("speech.started", { turn_id: "turn_1", at_ms: 900 });
  talk.hear("speech.stopped", { turn_id: "turn_1", at_ms: 2100 });
  talk.send({ type: "response.create", event_id: "e1", response: { metadata: { topic: "a" } } });
  talk.types();
  talk.hear("error", BROKEN);
  talk.hear("transcript.final", { turn_id: "turn_1", text: "", language: null });
  assert.deepEqual(talk.types(), [`${TRANSCRIPTION}.failed`]);
  talk.run("run.started");
  assert.deepEqual(talk.told.at(-1)!.response.metadata, { topic: "a" });
});

Deno.test("a turn by hand that is deleted before its words are there is told of no more", () => {
  const talk = startDialect({ session: { audio: { input: { turn_detection: null } } } });
  talk.hear("speech.started", { turn_id: "turn_1", at_ms: 900 });
  talk.hear("speech.stopped", { turn_id: "turn_1", at_ms: 2100 });
  talk.send(remove("item_turn_1"));
  talk.types();
  talk.hear("transcript.final", { turn_id: "turn_1", text: "never mind", language: null });
  assert.deepEqual(talk.types(), []);
  assert.deepEqual(talk.said.at(-1), { type: "forget", name: "turn_1" });
});

Deno.test("what is left of the requests is told behind the response that has begun", () => {
  const talk = startDialect();
  talk.run("run.started");
  talk.hear("session.limits", { limit: 20, remaining: 19, reset_seconds: 1 });
  const { type, rate_limits } = talk.told.at(-1)!;
  assert.equal(type, "rate_limits.updated");
  assert.deepEqual(rate_limits, [{ name: "requests", limit: 20, remaining: 19, reset_seconds: 1 }]);
});
