/** A client that sends more than a call can take. */
import { strict as assert } from "node:assert";
import { MessageMeter } from "../../src/core/calls/message_meter.ts";
import { MovingClock } from "../support/moving_clock.ts";

function takenOf(meter: MessageMeter, count: number): number {
  for (let taken = 0; taken < count; taken++) {
    try {
      meter.take();
    } catch (error) {
      assert.equal((error as { name: string }).name, "TooManyRequestsError");
      return taken;
    }
  }
  return count;
}

Deno.test("many messages at once are taken, a flood is not, and it passes", async () => {
  const clock = new MovingClock();
  const meter = new MessageMeter({ clock });
  assert.equal(takenOf(meter, 10_000), 200);
  await clock.pass(100);
  assert.equal(takenOf(meter, 10_000), 5);
  await clock.pass(3_600_000);
  assert.equal(takenOf(meter, 10_000), 200);
});
