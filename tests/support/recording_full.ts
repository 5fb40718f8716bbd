/**
 * A program that records a call until its disk is full, and prints what the call is told, and then the recording: each
 * as a line of JSON.
 *
 * @module
 */
import { join } from "node:path";
import { openFileBlobs } from "../../src/adapters/files/blobs.ts";
import { createSealer } from "../../src/adapters/files/sealer.ts";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { createRecorder } from "../../src/adapters/recording/recorder.ts";
import type { CallTap, TappedCall } from "../../src/core/calls/call_tap.ts";
import { Audit } from "../../src/core/identity/audit.ts";
import { RecordingAudit } from "../../src/core/recordings/recording_audit.ts";
import { Recordings } from "../../src/core/recordings/recordings.ts";
import { ANONYMOUS, ownerOf } from "../../src/domain/access.ts";
import { createLog } from "../../src/kit/log.ts";
import { MovingClock } from "./moving_clock.ts";

const [dir = ""] = Deno.args;
const say = (value: unknown) => Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(value)}\n`));
const log = createLog({ level: "error", format: "text", write: (line) => say({ line }) });
const clock = new MovingClock();
await using store = await openLibsqlStore({ path: join(dir, "muxi.db"), log });
await using audit = new Audit({ store, clock, log });
const at = join(dir, "recordings");
const blobs = await openFileBlobs({ dir: at });
const recordings = new Recordings({
  store,
  clock,
  log,
  recorder: createRecorder({ dir: join(at, "raw"), sealer: createSealer({ file: join(dir, "key") }), clock, log }),
  blobs: { plain: blobs, sealed: blobs },
  audit: new RecordingAudit({ audit, clock }),
  recording_days: 30,
  options: { allowed: true, sealed: false, max_bytes: 1e9, max_seconds: 1e6, max_live: 1 },
});
const taps = new Set<CallTap>();
const call: TappedCall = {
  id: "rtc_1",
  room_id: null,
  owner: ownerOf(ANONYMOUS),
  requestKeyframe() {},
  announce: say,
  tap(tap) {
    taps.add(tap);
    return { [Symbol.dispose]: () => void taps.delete(tap) };
  },
};
const admin = { ...ANONYMOUS, access: "admin" } as const;
const { id } = await recordings.start(admin, call, { address: "", request_id: "" });
// As large as Opus gets.
const payload = new Uint8Array(1200).fill(7);
payload[0] = 0xf8;
/** Packets of half a second. */
const BURST = 25;
let sent = 0;
for (; taps.size > 0 && sent < 20_000; sent += BURST) {
  for (let n = sent; n < sent + BURST; n++) {
    const packet = {
      mid: "0",
      kind: "audio",
      payload,
      marker: false,
      sequence: n & 0xffff,
      timestamp: n * 960,
    } as const;
    for (const tap of taps) tap.onPacket("in", packet);
  }
  await clock.pass(BURST * 20);
}
let row = await recordings.get(admin, id);
for (; row.state !== "ready" && row.state !== "failed"; row = await recordings.get(admin, id)) {
  await new Promise((resolve) => setTimeout(resolve, 10));
}
say({ sent, row });
await recordings.close();
