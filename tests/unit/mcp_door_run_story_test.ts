import { strict as assert } from "node:assert";
import { RunStory } from "../../src/transports/mcp/ours/run_story.ts";

function tell(story: RunStory, events: [type: string, data: object][]): (string | undefined)[] {
  return events.map(([type, data]) => {
    story.add({ seq: story.seq + 1, type, data: JSON.stringify(data) });
    return story.progress();
  });
}

Deno.test("progress is the text so far and what happens, in pieces worth telling", () => {
  const story = new RunStory();
  const said = tell(story, [
    ["run.started", { run_id: "run_1", conversation_id: "conv_1" }],
    ["model.delta", { step_id: "step_1", text: "Let me" }],
    ["model.delta", { step_id: "step_1", text: " look" }],
    ["model.delta", { step_id: "step_1", text: " into all of the drawers that are here" }],
    ["tool.call.started", { tool: "look" }],
    ["tool.call.result", { error: { message: "There is no light" } }],
    ["step.restarted", { step_id: "step_1" }],
    ["model.delta", { step_id: "step_1", text: "Now" }],
  ]);
  const whole = "Let me look into all of the drawers that are here";
  assert.deepEqual(said.slice(0, 6), [
    undefined,
    "Let me",
    undefined,
    whole,
    "Calls look",
    "A tool failed: There is no light",
  ]);
  assert.equal(said[7], "Now");
});

Deno.test("each end of a run is an answer as operations declare it", () => {
  const usage = { input_tokens: 1 };
  const error = { error: "UpstreamError", message: "The model is gone" };
  const ends = [
    ["run.completed", { message: { id: "msg_1", role: "assistant", content: "Done" }, usage }, "completed", "Done"],
    ["run.failed", { error, usage }, "failed", "The model is gone"],
    ["run.cancelled", { reason: "enough", usage }, "cancelled", "The run was cancelled: enough"],
  ] as const;
  for (const [type, data, status, text] of ends) {
    const story = new RunStory({ run_id: "run_1", conversation_id: "conv_1", seq: 7 });
    tell(story, [[type, data]]);
    assert.deepEqual(story.end, { status, text });
    const { message, ...rest } = story.answer();
    assert.deepEqual(rest, {
      run_id: "run_1",
      conversation_id: "conv_1",
      status,
      usage,
      error: status === "failed" ? error : null,
    });
    assert.equal(message !== null, status === "completed");
    assert.deepEqual(story.state, { run_id: "run_1", seq: 8 });
  }
});

Deno.test("long text is told from its end", () => {
  const story = new RunStory();
  const [said] = tell(story, [["model.delta", { text: "x".repeat(5000) + "end" }]]);
  assert.ok(said!.length <= 2001 && said!.startsWith("…") && said!.endsWith("end"));
});
