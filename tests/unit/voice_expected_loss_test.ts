import { strict as assert } from "node:assert";
import { ExpectedLoss } from "../../src/core/voice/expected_loss.ts";

function follow() {
  const told: number[] = [];
  const loss = new ExpectedLoss({ expectLoss: (percent) => void told.push(percent) });
  const report = (percent: number, times: number) => {
    for (let n = 0; n < times; n++) loss.report(percent);
    return loss.percent;
  };
  return { told, loss, report };
}

Deno.test("redundancy follows loss up within seconds, and down more slowly", () => {
  const { report } = follow();
  assert.equal(report(0, 1), 5);
  assert.ok(report(20, 3)! >= 18);
  const falling = report(0, 3)!;
  assert.ok(falling > 13 && falling < 20, `${falling}`);
  assert.equal(report(0, 40), 5);
});

Deno.test("nothing is expected before it was reported, and never more than helps nor less than may come", () => {
  const { loss, report } = follow();
  assert.equal(loss.percent, null);
  assert.equal(report(99.6, 20), 30);
  assert.equal(report(0, 100), 5);
});

Deno.test("an encoder is told of changes alone", () => {
  const { told, report } = follow();
  report(12, 50);
  assert.deepEqual(told, [12]);
});
