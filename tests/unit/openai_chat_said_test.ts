import { strict as assert } from "node:assert";
import { ChatSaid } from "../../src/transports/openai/chat_said.ts";

Deno.test("what was said before a step began anew is not told when it fails", () => {
  const items = [
    ["run.started", { run_id: "run_1" }],
    ["model.delta", { step_id: "step_1", text: "Void" }],
    ["step.restarted", { step_id: "step_1" }],
    ["model.delta", { step_id: "step_1", text: "Anew" }],
  ] as const;
  const said = new ChatSaid();
  for (const [type, data] of items) said.next({ type, data: JSON.stringify(data) });
  assert.deepEqual([said.run_id, said.text], ["run_1", "Anew"]);
  said.next({ type: "model.delta", data: JSON.stringify({ step_id: "step_2", text: "Then" }) });
  assert.equal(said.text, "Then");
});
