/**
 * What clients of OpenAI's Realtime API are asked of people, and told of calls, beyond that protocol's own words.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { type DialectTalk, type RealtimeEvent, startDialect } from "../support/realtime_dialect.ts";

const LOOK = { look_id: "look_1", source: "camera", reason: "To read the label", agent_id: "guide", run_id: "run_1" };

/** A call whose agent wants to look. */
function startLook(): DialectTalk {
  const talk = startDialect();
  talk.run("run.started", { conversation_id: "conv_1", agent_id: "guide", attempt: 1 });
  talk.run("tool.call.started", { tool_call_id: "tool_1", tool: "look", arguments: { reason: LOOK.reason } });
  talk.types();
  talk.hear("look.asked", LOOK);
  return talk;
}

const answer = (approve: boolean, approval_request_id = "mcpr_look_1") => ({
  type: "conversation.item.create",
  event_id: "answer_1",
  previous_item_id: approval_request_id,
  item: { type: "mcp_approval_response", approval_request_id, approve },
});

/** Somebody who follows the call beside it. */
function standBy({ dialect }: DialectTalk) {
  const told: RealtimeEvent[] = [];
  const client = (frame: string) => void told.push(JSON.parse(frame));
  dialect.join(client, { beside: true });
  return { told, send: (event: Record<string, unknown>) => dialect.take(JSON.stringify(event), client) };
}

Deno.test("an agent that wants to look asks as a tool does that needs an approval, and the answer is the consent", () => {
  for (const allow of [true, false]) {
    const talk = startLook();
    assert.deepEqual(talk.types(), [
      "response.output_item.added",
      "conversation.item.added",
      "response.output_item.done",
      "conversation.item.done",
    ]);
    assert.deepEqual(talk.told.at(-1)!.item, {
      id: "mcpr_look_1",
      object: "realtime.item",
      type: "mcp_approval_request",
      server_label: "muxi",
      name: "look",
      arguments: JSON.stringify({ source: "camera", reason: "To read the label" }),
    });
    talk.send(answer(allow));
    assert.deepEqual(talk.said, [{ type: "consent", look_id: "look_1", source: "camera", allow, until: "once" }]);
    assert.deepEqual(talk.types(), ["conversation.item.added", "conversation.item.done"]);
    talk.send(answer(true));
    assert.equal(talk.told.at(-1)!.error.param, "item.approval_request_id", "once is once");
    assert.equal(talk.said.length, 1);
  }
});

Deno.test("what is answered too late, or was withdrawn, is an error, and says nothing in the call", () => {
  for (const type of ["look.refused", "look.done"] as const) {
    const talk = startLook();
    talk.hear(type, { look_id: "look_1", source: "camera", message: "nobody answered", file_id: null });
    talk.send(answer(true));
    const { error } = talk.told.at(-1)!;
    assert.deepEqual([error.event_id, error.message], ["answer_1", "Cannot decide: nothing waits by that id"]);
    assert.deepEqual(talk.said, []);
  }
});

Deno.test("an application beside the call sees the question, and answers none that is the person's own", () => {
  const talk = startLook();
  const beside = standBy(talk);
  beside.send(answer(true));
  assert.match(beside.told.at(-1)!.error.message, /only who is in the call lets an agent look/);
  assert.deepEqual(talk.said, []);
  talk.run("tool.call.approval_required", { tool_call_id: "tool_2", tool: "box__open", arguments: {} });
  beside.send(answer(true, "mcpr_tool_2"));
  talk.send(answer(true));
  assert.deepEqual(talk.said, [
    { type: "approval", run_id: "run_1", tool_call_id: "tool_2", decision: "approve" },
    { type: "consent", look_id: "look_1", source: "camera", allow: true, until: "once" },
  ]);
});

Deno.test("clients are told in our words that a call is recorded and watched, also those that come later", () => {
  const talk = startDialect();
  const plain = ({ event_id: _, ...event }: RealtimeEvent) => event;
  const later = () => standBy(talk).told.slice(1).map(plain);
  const recording = { recording_id: "rec_1" };
  const viewer = { viewer_id: "viewer_1", present: true, viewers: 1 };
  assert.deepEqual(later(), []);
  talk.hear("recording.started", recording);
  talk.hear("session.viewer", viewer);
  const held = [{ type: "recording.started", ...recording }, { type: "session.viewer", ...viewer }];
  assert.deepEqual(talk.told.slice(1).map(plain), held);
  assert.deepEqual(later(), held);
  talk.hear("recording.stopped", { ...recording, reason: "stopped" });
  talk.hear("session.viewer", { ...viewer, present: false, viewers: 0 });
  assert.deepEqual(talk.told.slice(-2).map(plain), [
    { type: "recording.stopped", ...recording, reason: "stopped" },
    { type: "session.viewer", viewer_id: "viewer_1", present: false, viewers: 0 },
  ]);
  assert.deepEqual(later(), []);
});

Deno.test("who asks to go on once tools were called is answered by nothing more, since the run went on by itself", () => {
  const talk = startDialect();
  const respond = (response?: Record<string, unknown>) => talk.send({ type: "response.create", response });
  const call = { tool_call_id: "tool_1", tool: "box__open" };
  const message = { id: "msg_1", role: "assistant", content: "It is open." };
  const useTool = (run_id: string) => {
    talk.run("run.started", { conversation_id: "conv_1", agent_id: "guide", attempt: 1 }, run_id);
    talk.run("tool.call.started", { ...call, arguments: {} }, run_id);
    talk.run("tool.call.result", { ...call, status: "completed", result: "open", error: null }, run_id);
    talk.run("message.completed", { step_id: `step_${run_id}`, message }, run_id);
    const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2, cost: null };
    talk.run("run.completed", { message, usage, finish_reason: "stop" }, run_id);
  };
  useTool("run_1");
  talk.types();
  respond();
  assert.deepEqual(talk.types(), ["response.created", "response.done"]);
  const { response } = talk.told.at(-1)!;
  assert.deepEqual([response.status, response.output], ["completed", []]);
  assert.deepEqual(talk.said, [], "nobody is asked for it");
  respond();
  assert.deepEqual(talk.said.map(({ type }) => type), ["respond"], "asking again is meant so");
  useTool("run_2");
  talk.send({
    type: "conversation.item.create",
    item: { type: "message", role: "user", content: [{ type: "input_text", text: "And now?" }] },
  });
  respond();
  useTool("run_3");
  respond({ instructions: "Say it again." });
  useTool("run_4");
  talk.hear("transcript.final", { turn_id: "turn_1", text: "and then", language: null });
  respond();
  assert.deepEqual(talk.said.map(({ type }) => type), ["respond", "messages", "respond", "respond", "respond"]);
});
