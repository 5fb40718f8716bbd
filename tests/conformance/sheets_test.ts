import { strict as assert } from "node:assert";
import { readOutcome, runSheet, SHEETS } from "./sheets.ts";

for (const sheet of SHEETS) {
  Deno.test(`the ${sheet.side} passes all that revision ${sheet.revision} of the protocol requires`, async () => {
    const { passed, failed, log } = await runSheet(sheet);
    assert.deepEqual(failed, [], log.slice(-8000));
    assert.equal(passed.length, sheet.required, log.slice(-8000));
  });
}

Deno.test("a scenario that fails is seen in what the suite writes", () => {
  const log = [
    "✓ ping: 2 passed, 0 failed",
    "✗ tools-list: 1 passed, 3 failed",
    "✗ tasks-lifecycle: 0 passed, 1 failed",
    "Total: 3 passed, 4 failed",
    "  ✗ tasks-lifecycle (extension)",
  ].join("\n");
  const { passed, failed, others } = readOutcome(log);
  assert.deepEqual([passed, failed], [["ping"], ["tools-list"]]);
  assert.deepEqual(others, [{ scenario: "tasks-lifecycle", reason: "extension", passed: false, checks: 1 }]);
});
