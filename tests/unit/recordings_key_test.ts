/**
 * Encrypted recordings, before and after the database has a key.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { createRecordings } from "../../src/app/recordings.ts";
import type { CallTap, TappedCall } from "../../src/core/calls/call_tap.ts";
import { Audit } from "../../src/core/identity/audit.ts";
import type { Recordings } from "../../src/core/recordings/recordings.ts";
import { ANONYMOUS, ownerOf, type Principal } from "../../src/domain/access.ts";
import { createLog } from "../../src/kit/log.ts";
import { MovingClock } from "../support/moving_clock.ts";
import { testSettings } from "../support/server.ts";

const ANNA: Principal = { ...ANONYMOUS, key_id: "anna", access: "user" };
const HERE = { address: "192.0.2.1", request_id: "req_1" };
/** 20 ms of silence. */
const SILENCE = Uint8Array.of(0xf8, 0xff, 0xfe);

/** Records a call of a fifth of a second. */
async function record(recordings: Recordings, clock: MovingClock, id: string) {
  let tap: CallTap | undefined;
  const call: TappedCall = {
    id,
    room_id: null,
    agent_id: "assistant",
    owner: ownerOf(ANNA),
    requestKeyframe() {},
    announce() {},
    tap(one) {
      tap = one;
      return { [Symbol.dispose]() {} };
    },
  };
  const row = await recordings.start(ANNA, call, HERE);
  for (let n = 0; n < 10; n++) {
    const sent = { kind: "audio", payload: SILENCE, timestamp: n * 960, marker: false } as const;
    tap!.onPacket("in", { ...sent, mid: "0", sequence: n });
    await clock.pass(20);
  }
  return row;
}

async function ready(recordings: Recordings, id: string) {
  for (;;) {
    const row = await recordings.get(ANNA, id);
    assert.notEqual(row.state, "failed");
    if (row.state === "ready") return row;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

Deno.test("recordings encrypted before the database had a key are read and finished once it has one", async () => {
  const dir = await Deno.makeTempDir({ prefix: "muxi-recordings-" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const log = createLog({ level: "error", format: "text", write: () => {} });
  const store = stack.use(await openLibsqlStore({ path: join(dir, "muxi.db"), log }));
  const clock = new MovingClock();
  const audit = stack.use(new Audit({ store, clock, log }));
  const open = (encryption_key: string) => {
    const settings = testSettings(dir, {
      settings: { rtc: { recording: { encrypt: true } }, database: { encryption_key } },
    });
    return createRecordings(settings, { store, clock, log, audit });
  };
  const read = async (recordings: Recordings, id: string) =>
    await new Response((await recordings.open(ANNA, id, HERE)).body).bytes();

  const before = await open("");
  const first = await record(before, clock, "rtc_1");
  await before.stop(ANNA, { session_id: "rtc_1" }, HERE);
  assert.equal((await ready(before, first.id)).sealed, true);
  const bytes = await read(before, first.id);
  const second = await record(before, clock, "rtc_2");
  await before.close();

  const after = await open("a key of the database's own");
  assert.deepEqual(await read(after, first.id), bytes);
  await after.resume();
  await ready(after, second.id);
  assert.ok((await read(after, second.id)).length > 0);
  const opened = await after.open(ANNA, first.id, HERE);
  await opened.body.cancel();
  assert.deepEqual(await new Response(await opened.part({ first: 4, last: 9 })).bytes(), bytes.slice(4, 10));
  const third = await record(after, clock, "rtc_3");
  await after.stop(ANNA, { session_id: "rtc_3" }, HERE);
  await ready(after, third.id);
  await after.close();

  // New ones need the database's key alone.
  await Deno.remove(join(dir, "recordings.key"));
  const alone = await open("a key of the database's own");
  assert.ok((await read(alone, third.id)).length > 0);
  await assert.rejects(alone.open(ANNA, first.id, HERE), { message: /altered, or the encryption key is another/ });
  await alone.close();
  await audit.flush();
});
