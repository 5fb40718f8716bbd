import { strict as assert } from "node:assert";
import { NO_USAGE } from "../../src/domain/usage.ts";
import { type DialectTalk, startDialect } from "../support/realtime_dialect.ts";

const USAGE = { input_tokens: 20, output_tokens: 5, total_tokens: 25, cost: null };

/** An answer of two deltas, heard to its end. */
function answer(talk: DialectTalk, run_id = "run_1") {
  talk.run("run.started", { conversation_id: "conv_1", agent_id: "guide", attempt: 1 }, run_id);
  talk.run("model.delta", { step_id: "step_1", text: "It is " }, run_id);
  talk.hear("agent.speaking", { turn_id: "turn_1", run_id, text: "It is noon.", aloud: true });
  talk.run("model.delta", { step_id: "step_1", text: "noon." }, run_id);
  const message = { id: "msg_1", role: "assistant", content: "It is noon." };
  talk.run("message.completed", { step_id: "step_1", message }, run_id);
  talk.run("run.completed", { message, usage: USAGE, finish_reason: "stop" }, run_id);
  talk.hear("agent.done", { turn_id: "turn_1", run_id, latency: {} });
}

/** How the first message that was brought is named in the call. */
function idOf({ said }: DialectTalk): string {
  const [{ id } = assert.fail()] = said.flatMap((one) => one.type === "messages" ? one.messages : []);
  return id ?? assert.fail();
}

Deno.test("a client is told of the session at once, with the agent as its model", () => {
  const { told } = startDialect();
  assert.equal(told.length, 1);
  const { type, event_id, session } = told[0]!;
  assert.equal(type, "session.created");
  assert.match(event_id, /^event_/);
  assert.deepEqual(
    { ...session, audio: undefined },
    {
      type: "realtime",
      object: "realtime.session",
      id: "sess_1",
      model: "guide",
      output_modalities: ["audio"],
      instructions: "",
      tools: [],
      tool_choice: "auto",
      max_output_tokens: "inf",
      truncation: "auto",
      tracing: null,
      prompt: null,
      audio: undefined,
    },
  );
  assert.deepEqual(session.audio.input.turn_detection, {
    type: "semantic_vad",
    create_response: true,
    interrupt_response: true,
  });
});

Deno.test("a changed session is told as it is in force, and the call is configured", () => {
  const { send, told, said } = startDialect();
  const tools = [{
    type: "function",
    name: "lamp",
    description: "Switches the lamp",
    parameters: { type: "object", properties: { on: { type: "boolean" } } },
  }];
  send({
    type: "session.update",
    session: {
      type: "realtime",
      model: "gpt-realtime",
      instructions: "Be brief.",
      output_modalities: ["audio"],
      tools,
      audio: {
        input: { turn_detection: { type: "server_vad", create_response: false, threshold: 0.5 } },
        output: { voice: "marin", speed: 1 },
      },
    },
  });
  const { session } = told.at(-1)!;
  assert.equal(told.at(-1)!.type, "session.updated");
  assert.equal(session.model, "guide", "the agent can't be changed in the middle");
  assert.equal(session.instructions, "Be brief.");
  assert.deepEqual(session.tools, tools);
  assert.deepEqual(session.audio.input.turn_detection, {
    type: "server_vad",
    create_response: false,
    interrupt_response: true,
    threshold: 0.5,
  });
  assert.equal(session.audio.output.voice, null, "OpenAI's own voices mean the agent's");
  const { type: _, ...lamp } = tools[0]!;
  assert.deepEqual(said, [{
    type: "configure",
    options: { instructions: "Be brief.", tools: [lamp] },
    answers: false,
  }, { type: "listen", turns: "found", turn_detection: "silence", threshold: 0.5 }]);
});

Deno.test("what a session update does not name stays, and tracing changes nothing", () => {
  const { send, told, said } = startDialect({ session: { type: "realtime", instructions: "Be brief." } });
  assert.equal(said.length, 1);
  send({ type: "session.update", session: { type: "realtime", tracing: "auto" } });
  assert.equal(told.at(-1)!.session.instructions, "Be brief.");
  assert.equal(told.at(-1)!.session.tracing, null);
});

Deno.test("text without sound mutes the agent, and another voice is the agent's", () => {
  const { send, said, told } = startDialect();
  send({
    type: "session.update",
    session: { output_modalities: ["text"], audio: { output: { voice: "en-us+f3", speed: 1.5 } } },
  });
  assert.deepEqual(said.slice(1), [{ type: "mute", who: "agent" }, { type: "voice", voice: "en-us+f3", speed: 1.5 }]);
  assert.deepEqual(told.at(-1)!.session.output_modalities, ["text"]);
});

Deno.test("a typed message is an item, and is answered when a response is asked for", () => {
  const talk = startDialect();
  talk.types();
  talk.send({
    type: "conversation.item.create",
    item: { type: "message", role: "user", content: [{ type: "input_text", text: "What time is it?" }] },
  });
  assert.deepEqual(talk.types(), ["conversation.item.added", "conversation.item.done"]);
  assert.equal(talk.told.at(-1)!.previous_item_id, null);
  talk.send({ type: "response.create", event_id: "e1" });
  assert.deepEqual(talk.said, [
    { type: "messages", messages: [{ role: "user", content: "What time is it?", attachments: [], id: idOf(talk) }] },
    { type: "respond" },
  ]);
  answer(talk);
  assert.deepEqual(talk.types(), [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "output_audio_buffer.started",
    "response.output_audio_transcript.delta",
    "response.output_audio_transcript.done",
    "response.output_audio.done",
    "response.content_part.done",
    "response.output_item.done",
    "conversation.item.done",
    "response.done",
    "output_audio_buffer.stopped",
  ]);
  const { response } = talk.told.findLast(({ type }) => type === "response.done")!;
  assert.equal(response.id, "resp_1");
  assert.equal(response.status, "completed");
  assert.equal(response.output[0].content[0].transcript, "It is noon.");
  assert.equal(response.usage.total_tokens, 25);
  assert.equal(response.usage.output_token_details.text_tokens, 5);
});

Deno.test("what is spoken is an item once its words are known, and can be asked for again", () => {
  const talk = startDialect();
  talk.types();
  talk.hear("speech.started", { turn_id: "turn_1", at_ms: 900 });
  talk.hear("transcript.partial", { turn_id: "turn_1", text: "what", language: null });
  talk.hear("speech.stopped", { turn_id: "turn_1", at_ms: 2100 });
  talk.hear("transcript.final", { turn_id: "turn_1", text: "what time is it", language: "en" });
  assert.deepEqual(talk.types(), [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
    "conversation.item.input_audio_transcription.delta",
    "conversation.item.input_audio_transcription.completed",
  ]);
  talk.send({ type: "conversation.item.retrieve", item_id: "item_turn_1" });
  const { type, item } = talk.told.at(-1)!;
  assert.equal(type, "conversation.item.retrieved");
  assert.deepEqual(item.content, [{ type: "input_audio", transcript: "what time is it" }]);
});

Deno.test("noise without words is no item", () => {
  const talk = startDialect();
  talk.types();
  talk.hear("speech.started", { turn_id: "turn_1", at_ms: 900 });
  talk.hear("speech.stopped", { turn_id: "turn_1", at_ms: 2100 });
  talk.hear("transcript.final", { turn_id: "turn_1", text: "", language: null });
  assert.deepEqual(talk.types(), ["input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"]);
});

Deno.test("an interrupted answer is truncated to what was heard, and its response is done as cancelled", () => {
  const talk = startDialect();
  talk.run("run.started", {});
  talk.run("model.delta", { step_id: "step_1", text: "It is noon. And now for something else." });
  talk.hear("agent.speaking", { turn_id: "turn_1", run_id: "run_1", text: "It is noon.", aloud: true });
  talk.types();
  talk.wait(640);
  talk.hear("agent.interrupted", { turn_id: "turn_1", run_id: "run_1", heard: "It is" });
  talk.run("model.delta", { step_id: "step_1", text: "Nobody hears this." });
  talk.run("message.completed", { step_id: "step_1", message: { id: "msg_1", role: "assistant", content: "It is" } });
  talk.run("run.completed", { message: null, usage: USAGE, finish_reason: "interrupted" });
  assert.deepEqual(talk.types(), [
    "output_audio_buffer.cleared",
    "response.output_audio_transcript.done",
    "response.output_audio.done",
    "response.content_part.done",
    "response.output_item.done",
    "conversation.item.done",
    "conversation.item.truncated",
    "response.done",
  ]);
  const truncated = talk.told.findLast(({ type }) => type === "conversation.item.truncated")!;
  assert.equal(truncated.audio_end_ms, 640);
  const { response } = talk.told.at(-1)!;
  assert.deepEqual(response.status_details, { type: "cancelled", reason: "turn_detected" });
  assert.equal(response.output[0].status, "incomplete");
  talk.send({ type: "conversation.item.retrieve", item_id: truncated.item_id });
  assert.equal(talk.told.at(-1)!.item.content[0].transcript, "It is");
});

Deno.test("a client's interruption stops the answer once", () => {
  const talk = startDialect();
  talk.run("run.started", {});
  talk.send({ type: "response.cancel" });
  assert.deepEqual(talk.said, [{ type: "interrupt" }]);
  talk.hear("agent.interrupted", { turn_id: "turn_1", run_id: "run_1", heard: "" });
  talk.run("run.completed", { message: null, usage: NO_USAGE, finish_reason: "interrupted" });
  talk.send({ type: "output_audio_buffer.clear" });
  assert.equal(talk.said.length, 1);
  talk.send({ type: "response.cancel", event_id: "late" });
  const { error } = talk.told.at(-1)!;
  assert.deepEqual([error.code, error.event_id], ["response_cancel_not_active", "late"]);
});

Deno.test("a second response while one is active is refused, and the first is done all the same", () => {
  const talk = startDialect();
  talk.run("run.started", {});
  talk.send({ type: "response.create", event_id: "e2" });
  const { error } = talk.told.at(-1)!;
  assert.deepEqual([error.code, error.event_id], ["conversation_already_has_active_response", "e2"]);
  talk.run("run.failed", { error: { error: "UpstreamError", message: "The provider is away" }, usage: NO_USAGE });
  const { response } = talk.told.at(-1)!;
  assert.equal(response.status, "failed");
  assert.equal(response.status_details.error.message, "The provider is away");
});

Deno.test("a response that can't begin frees the client by its event's id", () => {
  const talk = startDialect();
  talk.send({ type: "response.create", event_id: "e3" });
  talk.hear("error", { error: "AgentNotFoundError", message: "Cannot find agent" });
  const { type, error } = talk.told.at(-1)!;
  assert.deepEqual([type, error.event_id, error.message], ["error", "e3", "Cannot find agent"]);
});

Deno.test("a greeting is a response of its own", () => {
  const talk = startDialect();
  talk.types();
  talk.hear("agent.speaking", { turn_id: "turn_0", run_id: null, text: "Hello.", aloud: true });
  talk.hear("agent.done", { turn_id: "turn_0", run_id: null, latency: {} });
  const types = talk.types();
  assert.equal(types[0], "response.created");
  assert.deepEqual(types.slice(-2), ["response.done", "output_audio_buffer.stopped"]);
  assert.equal(
    talk.told.findLast(({ type }) => type === "response.done")!.response.output[0].content[0].transcript,
    "Hello.",
  );
});

Deno.test("a step that is made again is another item, and the first is incomplete", () => {
  const talk = startDialect();
  talk.run("run.started", {});
  talk.run("model.delta", { step_id: "step_1", text: "It" });
  talk.run("step.restarted", { step_id: "step_1", attempt: 2 });
  talk.run("model.delta", { step_id: "step_1", text: "Noon." });
  const message = { id: "msg_1", role: "assistant", content: "Noon." };
  talk.run("message.completed", { step_id: "step_1", message });
  talk.run("run.completed", { message, usage: USAGE, finish_reason: "stop" });
  const { output } = talk.told.at(-1)!.response;
  assert.deepEqual(output.map(({ status }: { status: string }) => status), ["incomplete", "completed"]);
});

Deno.test("text for one answer alone is silent, and the next is said aloud again", () => {
  const talk = startDialect();
  talk.send({ type: "response.create", response: { output_modalities: ["text"], metadata: { topic: "a" } } });
  assert.deepEqual(talk.said, [{ type: "mute", who: "agent" }, { type: "respond", options: {} }]);
  talk.types();
  answer(talk);
  const types = talk.types();
  assert.ok(types.includes("response.output_text.delta"));
  assert.ok(!types.some((type) => type.startsWith("output_audio_buffer")));
  assert.deepEqual(talk.told.at(-1)!.response.metadata, { topic: "a" });
  assert.deepEqual(talk.said.at(-1), { type: "unmute", who: "agent" });
});

Deno.test("what is not understood is an error that says so, never silence", () => {
  const { send, told, dialect } = startDialect();
  for (
    const event of [
      { type: "input_audio_buffer.append", audio: "AAAA" },
      { type: "conversation.item.retrieve", item_id: "none" },
      {
        type: "conversation.item.create",
        item: { type: "message", role: "user", content: [{ type: "input_audio", audio: "AAAA" }] },
      },
      { type: "session.update", session: { tools: [{ type: "mcp", server_label: "x" }] } },
      { type: "response.create", response: { conversation: "none" } },
      { type: 3 },
    ]
  ) {
    const before = told.length;
    send({ event_id: "e", ...event });
    assert.equal(told.length, before + 1, JSON.stringify(event));
    assert.equal(told.at(-1)!.type, "error");
    assert.equal(told.at(-1)!.error.event_id, "e");
  }
  const frames: string[] = [];
  dialect.take("no json", (frame) => frames.push(frame));
  assert.equal(JSON.parse(frames[0]!).error.type, "invalid_request_error");
});

Deno.test("two clients of a call are told the same, and refusals go to who is refused", () => {
  const talk = startDialect();
  const other: string[] = [];
  {
    using _ = talk.dialect.join((frame) => other.push(frame));
    talk.send({ type: "response.cancel" });
    talk.hear("speech.started", { turn_id: "turn_1", at_ms: 1 });
  }
  talk.hear("speech.stopped", { turn_id: "turn_1", at_ms: 2 });
  assert.deepEqual(other.map((frame) => JSON.parse(frame).type), [
    "session.created",
    "input_audio_buffer.speech_started",
  ]);
});

Deno.test("a call that ends leaves no response open", () => {
  const talk = startDialect();
  talk.run("run.started", {});
  talk.types();
  talk.dialect.close();
  assert.deepEqual(talk.types(), ["response.done"]);
});
