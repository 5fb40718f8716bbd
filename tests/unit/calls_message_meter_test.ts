/** A client that sends more than a call can take. */
import { strict as assert } from "node:assert";
import { MessageMeter } from "../../src/core/calls/message_meter.ts";
import { MovingClock } from "../support/moving_clock.ts";

async function takenOf(meter: MessageMeter, count: number, type = "ping"): Promise<number> {
  for (let taken = 0; taken < count; taken++) {
    try {
      await meter.admit(type, () => {});
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
  assert.equal(await takenOf(meter, 10_000), 200);
  await clock.pass(100);
  assert.equal(await takenOf(meter, 10_000), 5);
  await clock.pass(3_600_000);
  assert.equal(await takenOf(meter, 10_000), 200);
});

Deno.test("changes of the history are many at once, and leave the others their share", async () => {
  const meter = new MessageMeter({ clock: new MovingClock() });
  assert.equal(await takenOf(meter, 2000, "forget"), 2000);
  assert.equal(await takenOf(meter, 2000, "messages"), 2000);
  assert.equal(await takenOf(meter, 2000), 200);
});
