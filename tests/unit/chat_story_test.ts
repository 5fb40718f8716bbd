import { strict as assert } from "node:assert";
import { Story } from "../../src/transports/cli/chat/story.ts";

const BASE = { run_id: "run_1", time: "2026-11-21T10:00:00.000Z" };
const USAGE = { input_tokens: 3, output_tokens: 2, total_tokens: 5, cost: null };

function telling() {
  const story = new Story();
  let seq = 0;
  return {
    story,
    tell: (type: string, data: Record<string, unknown>, at = ++seq) =>
      story.tell({ seq: at, type, data: JSON.stringify(data) }),
  };
}

Deno.test("an event that comes twice is told once", () => {
  const { story, tell } = telling();
  tell("run.started", { ...BASE, conversation_id: "conv_1", agent_id: "a", attempt: 1 });
  assert.equal(tell("model.delta", { step_id: "s", text: "Hi" }).length, 1);
  assert.deepEqual(tell("model.delta", { step_id: "s", text: "Hi" }, 2), []);
  assert.equal(story.last, 2);
});

Deno.test("what this program does not know, or can't read, is passed over", () => {
  const { story, tell } = telling();
  assert.deepEqual(tell("weather.changed", { sun: true }), []);
  assert.deepEqual(tell("model.delta", { step_id: "s", text: 7 }), []);
  assert.equal(story.last, 2);
});

Deno.test("a message that says what was shown already is nothing new", () => {
  const { tell } = telling();
  tell("model.delta", { step_id: "s", text: "Hel" });
  tell("model.delta", { step_id: "s", text: "lo" });
  const message = { id: "msg_1", role: "assistant", content: "Hello" };
  assert.deepEqual(tell("message.completed", { ...BASE, step_id: "s", message }), []);
});

Deno.test("a message rules over what was shown", () => {
  const { tell } = telling();
  tell("model.delta", { step_id: "s", text: "A secret" });
  const message = { id: "msg_1", role: "assistant", content: "Nothing" };
  assert.deepEqual(tell("message.completed", { ...BASE, step_id: "s", message }), [{
    kind: "replaced",
    text: "Nothing",
  }]);
  assert.deepEqual(
    tell("message.completed", { ...BASE, step_id: "t", message }),
    [{ kind: "text", step_id: "t", text: "Nothing" }],
  );
});

Deno.test("a step that begins anew takes back what it said", () => {
  const { tell } = telling();
  tell("model.delta", { step_id: "s", text: "Half of" });
  assert.deepEqual(tell("step.restarted", { ...BASE, step_id: "s", attempt: 2 }), [{ kind: "restarted", attempt: 2 }]);
  tell("model.delta", { step_id: "s", text: "Whole" });
  const message = { id: "msg_1", role: "assistant", content: "Whole" };
  assert.deepEqual(tell("message.completed", { ...BASE, step_id: "s", message }), []);
});

Deno.test("calls that wait are known until somebody decides", () => {
  const { story, tell } = telling();
  const call = { ...BASE, tool_call_id: "tool_1", step_id: "s", tool: "look", arguments: { a: 1 } };
  tell("tool.call.approval_required", { ...call, reason: "It wants to", expires_at: BASE.time });
  const waiting = tell("run.waiting", { ...BASE, reason: "approval", tool_call_ids: ["tool_1"] });
  const asked = [{ id: "tool_1", tool: "look", arguments: { a: 1 }, reason: "It wants to" }];
  assert.deepEqual(waiting, [{ kind: "waiting", calls: asked }]);
  assert.equal(story.waiting().status, "waiting");
  tell("tool.call.approved", { ...BASE, tool_call_id: "tool_1", decided_by: "ann" });
  assert.deepEqual(story.asked, []);
});

Deno.test("the end is the collected answer, with what it took", () => {
  const { story, tell } = telling();
  tell("run.started", { ...BASE, conversation_id: "conv_1", agent_id: "a", attempt: 1 });
  tell("step.started", { ...BASE, step_id: "s", kind: "model", agent_id: "a" });
  const message = { id: "msg_1", role: "assistant", content: "Hi" };
  const ended = tell("run.completed", { run_id: "run_1", time: "2026-11-21T10:00:01.500Z", message, usage: USAGE });
  const answer = {
    run_id: "run_1",
    conversation_id: "conv_1",
    status: "completed",
    message,
    usage: USAGE,
    error: null,
  };
  assert.deepEqual(ended, [{ kind: "ended", answer, agent_id: "a", steps: 1, seconds: 1.5 }]);
  assert.deepEqual(story.answer, answer);
});
