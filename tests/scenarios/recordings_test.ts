/**
 * Recordings of calls, with a real store, real files and a real recorder. Only the call is the test's.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openFileBlobs } from "../../src/adapters/files/blobs.ts";
import { createSealer } from "../../src/adapters/files/sealer.ts";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { createRecorder } from "../../src/adapters/recording/recorder.ts";
import type { CallTap, TappedCall } from "../../src/core/calls/call_tap.ts";
import { Audit } from "../../src/core/identity/audit.ts";
import { RecordingAudit } from "../../src/core/recordings/recording_audit.ts";
import { Recordings, type RecordingsOptions } from "../../src/core/recordings/recordings.ts";
import { ANONYMOUS, ownerOf, type Principal } from "../../src/domain/access.ts";
import { createLog } from "../../src/kit/log.ts";
import { MovingClock } from "../support/moving_clock.ts";
import { tone } from "../support/recorded.ts";

const ANNA: Principal = { ...ANONYMOUS, key_id: "anna", access: "user" };
const BOB: Principal = { ...ANNA, key_id: "bob" };
const HERE = { address: "192.0.2.1", request_id: "req_1" };
const page = { limit: 20, order: "desc" } as const;
const packets = await tone(200, 440);

/** A call that the test makes. */
class Call implements TappedCall {
  readonly events: string[] = [];
  readonly owner = ownerOf(ANNA);
  readonly taps = new Set<CallTap>();

  constructor(readonly id: string, readonly room_id: string | null = null) {}

  requestKeyframe(): void {}

  announce({ type, data }: Parameters<TappedCall["announce"]>[0]): void {
    const { recording_id, reason } = data as { recording_id: string; reason?: string };
    // Who is told of it afterwards was recorded unawares.
    if (type === "recording.started") assert.equal(this.taps.size, 0);
    this.events.push(`${type} ${recording_id}${reason === undefined ? "" : ` ${reason}`}`);
  }

  tap(tap: CallTap): Disposable {
    this.taps.add(tap);
    return { [Symbol.dispose]: () => void this.taps.delete(tap) };
  }

  async speak(clock: MovingClock, count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      const packet = { kind: "audio", payload: packets[n]!, timestamp: n * 960, marker: false } as const;
      for (const tap of this.taps) {
        tap.onPacket("in", { ...packet, mid: "0", sequence: n });
        tap.onPacket("out", packet);
      }
      if (n % 10 === 9) await clock.pass(200);
    }
    const said = { type: "transcript.final", data: { turn_id: "t", text: "Hello", language: null } } as const;
    for (const tap of this.taps) tap.onEvent(said);
  }
}

interface World {
  recordings: Recordings;
  call: Call;
  clock: MovingClock;
  dir: string;
  lines: string[];
  /** What is on record, in order. */
  audited(): Promise<string[]>;
  /** Another process on the same folder. */
  restart(): Promise<Recordings>;
}

function story(
  name: string,
  fn: (world: World) => Promise<void>,
  options: Partial<RecordingsOptions> & { recording_days?: number } = {},
): void {
  Deno.test(name, async () => {
    const dir = await Deno.makeTempDir({ prefix: "muxi-recordings-" });
    await using stack = new AsyncDisposableStack();
    stack.defer(() => Deno.remove(dir, { recursive: true }));
    const lines: string[] = [];
    const log = createLog({ level: "warn", format: "text", write: (line) => lines.push(line) });
    const store = stack.use(await openLibsqlStore({ path: join(dir, "muxi.db"), log }));
    const clock = new MovingClock();
    const audit = stack.use(new Audit({ store, clock, log }));
    const call = new Call("rtc_1");
    const open = async () => {
      const at = join(dir, "recordings");
      return new Recordings({
        store,
        clock,
        log,
        recorder: createRecorder({
          dir: join(at, "raw"),
          sealer: createSealer({ file: join(dir, "key") }),
          clock,
          log,
        }),
        blobs: {
          plain: await openFileBlobs({ dir: at }),
          sealed: await openFileBlobs({ dir: at, encryptionKey: "a key of the test" }),
        },
        recording_days: options.recording_days ?? 30,
        options: { allowed: true, sealed: false, max_bytes: 1e8, max_seconds: 3600, max_live: 2, ...options },
        audit: new RecordingAudit({ audit, clock }),
      });
    };
    const recordings = await open();
    const audited = async () => {
      await audit.flush();
      const rows = await store.read({ from: "audit", order: [["id", "asc"]], limit: 100 });
      return rows.map(({ action, key_id, address, details }) =>
        [action.replace("rtc_recording_", ""), key_id, address, details.reason].filter(Boolean).join(" ")
      );
    };
    await fn({ recordings, call, clock, dir, lines, audited, restart: open });
    await recordings.close();
    await audit.flush();
    await clock.pass(60_000);
    assert.equal(call.taps.size, 0);
    assert.equal(clock.timers, 0);
  });
}

/** Waits until a recording's file was made, or can't be. */
async function settled(recordings: Recordings, id: string) {
  for (;;) {
    const row = await recordings.get(ANNA, id);
    if (row.state === "ready" || row.state === "failed") return row;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function bytesOf(recordings: Recordings, id: string): Promise<Uint8Array> {
  return await new Response((await recordings.open(ANNA, id, HERE)).body).bytes();
}

/** Names of everything below `dir`. */
function filesIn(dir: string): string[] {
  return [...Deno.readDirSync(dir)].flatMap(({ name, isDirectory }) => isDirectory ? filesIn(join(dir, name)) : [name]);
}

story("a recording is announced, stopped, read and deleted; nobody else sees it", async (world) => {
  const { recordings, call, clock, dir, audited } = world;
  const { id, state } = await recordings.start(ANNA, call, HERE);
  assert.equal(state, "recording");
  await assert.rejects(recordings.start(ANNA, call, HERE), { name: "ConflictError" });
  await assert.rejects(recordings.open(ANNA, id, HERE), { name: "ConflictError" });
  await assert.rejects(recordings.stop(BOB, { session_id: "rtc_1" }, HERE), { name: "NotFoundError" });
  await call.speak(clock, 200);
  const stopped = await recordings.stop(ANNA, { session_id: "rtc_1" }, HERE);
  assert.equal(stopped.reason, "stopped");
  assert.deepEqual(call.events, [`recording.started ${id}`, `recording.stopped ${id} stopped`]);
  const row = await settled(recordings, id);
  assert.deepEqual([row.state, row.tracks.map(({ name }) => name), row.dropped], ["ready", ["caller", "agent"], 0]);
  assert.ok(Math.abs(row.duration_ms! - 4000) <= 220, `${row.duration_ms}`);
  assert.deepEqual(row.transcript.map(({ speaker, text }) => [speaker, text]), [["caller", "Hello"]]);
  const bytes = await bytesOf(recordings, id);
  assert.equal(bytes.length, row.size);
  assert.deepEqual([...bytes.subarray(0, 4)], [0x1a, 0x45, 0xdf, 0xa3]);
  assert.deepEqual(filesIn(join(dir, "recordings")), [id]);
  assert.equal((await recordings.newest(ANNA, { session_id: "rtc_1" })).id, id);
  assert.deepEqual((await recordings.list(ANNA, page)).data.map((one) => one.id), [id]);
  assert.deepEqual((await recordings.list(BOB, page)).data, []);
  for (const verb of ["get", "open", "transcript", "delete"] as const) {
    await assert.rejects(async () => await recordings[verb](BOB, id, HERE), { name: "NotFoundError" });
  }
  await assert.rejects(recordings.stop(ANNA, { session_id: "rtc_1" }, HERE), { name: "ConflictError" });
  await recordings.delete(ANNA, id, HERE);
  assert.deepEqual(
    await audited(),
    ["start", "stop", "read", "delete"].map((what) => `${what} anna 192.0.2.1${what === "stop" ? " stopped" : ""}`),
  );
  await assert.rejects(recordings.get(ANNA, id), { name: "NotFoundError" });
  assert.deepEqual(filesIn(join(dir, "recordings")), []);
});

story("the end of a call ends its recording", async ({ recordings, call, clock }) => {
  const { id } = await recordings.start(ANNA, call, HERE);
  await call.speak(clock, 100);
  for (const tap of call.taps) tap.onEnd();
  const row = await settled(recordings, id);
  assert.deepEqual([row.state, row.reason], ["ready", "call_ended"]);
});

story("a limit ends it and is said; the call goes on", async ({ recordings, call, clock, audited }) => {
  const { id } = await recordings.start(ANNA, call, HERE);
  await call.speak(clock, 200);
  const row = await settled(recordings, id);
  assert.deepEqual([row.state, row.reason], ["ready", "too_long"]);
  assert.deepEqual(call.events, [`recording.started ${id}`, `recording.stopped ${id} too_long`]);
  assert.deepEqual(await audited(), ["start anna 192.0.2.1", "stop system too_long"]);
  await recordings.start(ANNA, call, HERE);
}, { max_seconds: 2 });

story("an agent's sentence ends where another agent of the same answer begins", async ({ recordings, clock }) => {
  const room = new Call("room_1", "room_1");
  const { id } = await recordings.start(ANNA, room, HERE);
  const say = async (name: string, text: string) => {
    for (const tap of room.taps) {
      tap.onEvent({ type: "agent.speaking", data: { turn_id: "turn_1", run_id: "run_1", text, aloud: true } }, name);
    }
    await clock.pass(1000);
  };
  await room.speak(clock, 10);
  await say("Nova", "It will rain.");
  await say("Rex", "I think so too.");
  await recordings.stop(ANNA, { room_id: "room_1" }, HERE);
  const { transcript: [, nova, rex] } = await settled(recordings, id);
  assert.deepEqual([nova!.speaker, rex!.speaker], ["Nova", "Rex"]);
  assert.equal(nova!.end_ms, rex!.start_ms);
  assert.equal(nova!.end_ms - nova!.start_ms, 1000);
});

story("a recording of nothing ends well and empty, and has no file", async ({ recordings, call, dir }) => {
  const { id } = await recordings.start(ANNA, call, HERE);
  await recordings.stop(ANNA, { session_id: "rtc_1" }, HERE);
  const row = await settled(recordings, id);
  assert.deepEqual([row.state, row.reason, row.size, row.duration_ms, row.tracks], ["ready", "stopped", 0, 0, []]);
  assert.deepEqual(filesIn(join(dir, "recordings")), []);
  await assert.rejects(recordings.open(ANNA, id, HERE), { name: "ConflictError", message: /no sound or picture came/ });
  assert.equal((await recordings.transcript(ANNA, id, HERE)).id, id);
});

story("an encrypted recording is nowhere readable, and comes out whole", async ({ recordings, call, clock, dir }) => {
  const { id, sealed } = await recordings.start(ANNA, call, HERE);
  assert.equal(sealed, true);
  await call.speak(clock, 100);
  const readable = () =>
    filesIn(join(dir, "recordings")).some((name) => {
      const path = name.endsWith(".rec") ? join(dir, "recordings", "raw", name) : join(dir, "recordings", name);
      const text = new TextDecoder("latin1");
      return text.decode(Deno.readFileSync(path)).includes(text.decode(packets[20]!));
    });
  assert.equal(readable(), false);
  await recordings.stop(ANNA, { session_id: "rtc_1" }, HERE);
  await settled(recordings, id);
  assert.equal(readable(), false);
  const text = new TextDecoder("latin1");
  assert.ok(text.decode(await bytesOf(recordings, id)).includes(text.decode(packets[20]!)));
}, { sealed: true });

story("what a stop of the server, or its death, left is finished at the next start", async (world) => {
  const { recordings, call, clock, dir, restart, lines } = world;
  const { id } = await recordings.start(ANNA, call, HERE);
  await call.speak(clock, 150);
  await recordings.close();
  assert.deepEqual([(await recordings.get(ANNA, id)).state, call.taps.size], ["finishing", 0]);
  await assert.rejects(recordings.start(ANNA, call, HERE), { name: "UnavailableError" });
  assert.deepEqual(filesIn(join(dir, "recordings")), [`${id}.rec`]);
  // Of a recording that nobody knows, and of one whose bytes never came to be.
  await Deno.copyFile(join(dir, "recordings", "raw", `${id}.rec`), join(dir, "recordings", "raw", "rec_0.rec"));
  const next = await restart();
  await next.resume();
  const row = await settled(next, id);
  assert.deepEqual([row.state, row.reason], ["ready", "shutdown"]);
  assert.ok(row.duration_ms! > 2500);
  assert.ok((await bytesOf(next, id)).length > 10_000);
  const dead = await next.start(ANNA, call, HERE);
  await call.speak(clock, 100);
  const after = await restart();
  await after.resume();
  assert.deepEqual([(await settled(after, dead.id)).reason, filesIn(join(dir, "recordings")).length], [
    "process_ended",
    2,
  ]);
  assert.deepEqual(lines, []);
  for (const tap of call.taps) tap.onEnd();
  await next.close();
});

story("recordings go when their time is over, and files that no row names", async (world) => {
  const { recordings, call, clock, dir, audited } = world;
  const { id } = await recordings.start(ANNA, call, HERE);
  await call.speak(clock, 100);
  await recordings.stop(ANNA, { session_id: "rtc_1" }, HERE);
  await settled(recordings, id);
  await Deno.writeTextFile(join(dir, "recordings", "rec_lost"), "lost");
  const { signal } = new AbortController();
  assert.equal(await recordings.sweep(signal), 1);
  assert.deepEqual(filesIn(join(dir, "recordings")), [id]);
  await clock.pass(86_400_000 - 1000);
  assert.equal(await recordings.sweep(signal), 0);
  await clock.pass(2000);
  assert.equal(await recordings.sweep(signal), 1);
  assert.deepEqual(filesIn(join(dir, "recordings")), []);
  assert.equal((await audited()).at(-1), "delete system expired");
  // Of one without a sound there is nothing but its row, which goes as well.
  const empty = await recordings.start(ANNA, call, HERE);
  await recordings.stop(ANNA, { session_id: "rtc_1" }, HERE);
  await settled(recordings, empty.id);
  await clock.pass(86_400_000 + 1000);
  assert.equal(await recordings.sweep(signal), 1);
  await assert.rejects(recordings.get(ANNA, empty.id), { name: "NotFoundError" });
  // Other days count for what ends from then on; 0 is for ever.
  recordings.update({ recording_days: 0 });
  const kept = await recordings.start(ANNA, call, HERE);
  await call.speak(clock, 10);
  await recordings.stop(ANNA, { session_id: "rtc_1" }, HERE);
  assert.equal((await settled(recordings, kept.id)).expires_at, null);
}, { recording_days: 1 });

story("a file that grows too large ends it, whole", async ({ recordings, call, clock, audited }) => {
  const { id } = await recordings.start(ANNA, call, HERE);
  await call.speak(clock, 200);
  const row = await settled(recordings, id);
  assert.deepEqual([row.state, row.reason], ["ready", "too_large"]);
  assert.ok(row.size! > 5000 && row.duration_ms! > 500, JSON.stringify(row));
  assert.equal(call.events.at(-1), `recording.stopped ${id} too_large`);
  assert.equal((await audited()).at(-1), "stop system too_large");
}, { max_bytes: 15_000 });

story("more calls at once than may be are not recorded, and that is said", async ({ recordings, call }) => {
  const others = [new Call("rtc_2"), new Call("rtc_3")] as const;
  await recordings.start(ANNA, call, HERE);
  await recordings.start(ANNA, others[0], HERE);
  const message = 'Cannot record "rtc_3": 2 calls are being recorded already';
  await assert.rejects(recordings.start(ANNA, others[1], HERE), { name: "UnavailableError", message, retryAfter: 60 });
  assert.deepEqual(others[1].events, []);
  await recordings.stop(ANNA, { session_id: "rtc_2" }, HERE);
  await recordings.start(ANNA, others[1], HERE);
});

story("one that is being made can be deleted: who is in the call is told, and nothing is left", async (world) => {
  const { recordings, call, clock, dir, audited } = world;
  const { id } = await recordings.start(ANNA, call, HERE);
  await call.speak(clock, 100);
  await assert.rejects(recordings.delete(BOB, id, HERE), { name: "NotFoundError" });
  await recordings.delete(ANNA, id, HERE);
  assert.deepEqual(call.events, [`recording.started ${id}`, `recording.stopped ${id} deleted`]);
  assert.equal(call.taps.size, 0);
  await assert.rejects(recordings.get(ANNA, id), { name: "NotFoundError" });
  assert.deepEqual(filesIn(join(dir, "recordings")), []);
  assert.deepEqual((await audited()).at(-1), "delete anna 192.0.2.1");
  // And while its file is made.
  const next = await recordings.start(ANNA, call, HERE);
  await call.speak(clock, 200);
  await recordings.stop(ANNA, { session_id: "rtc_1" }, HERE);
  await recordings.delete(ANNA, next.id, HERE);
  await assert.rejects(recordings.get(ANNA, next.id), { name: "NotFoundError" });
  assert.deepEqual(filesIn(join(dir, "recordings")), []);
});

story("a call that ends just when it is to be recorded leaves nothing open", async ({ recordings, call }) => {
  const over: TappedCall = {
    id: call.id,
    room_id: null,
    owner: call.owner,
    requestKeyframe() {},
    announce: (event) => call.announce(event),
    tap: (tap) => {
      tap.onEnd();
      return { [Symbol.dispose]() {} };
    },
  };
  const { id } = await recordings.start(ANNA, over, HERE);
  const row = await settled(recordings, id);
  assert.deepEqual([row.state, row.reason, row.size], ["ready", "call_ended", 0]);
  const again = await recordings.start(ANNA, call, HERE);
  assert.equal(again.state, "recording");
});

story("the owner of a call owns its recording, whoever asked for it", async ({ recordings, call, clock, audited }) => {
  const root: Principal = { ...ANNA, key_id: "root", access: "admin" };
  const { id } = await recordings.start(root, call, HERE);
  await call.speak(clock, 50);
  await recordings.stop(ANNA, { session_id: "rtc_1" }, HERE);
  await settled(recordings, id);
  assert.equal((await recordings.get(ANNA, id)).id, id);
  await assert.rejects(recordings.get(BOB, id), { name: "NotFoundError" });
  assert.deepEqual((await audited()).map((line) => line.split(" ").slice(0, 2).join(" ")), ["start root", "stop anna"]);
});

story("a secret for calls alone records none", async ({ recordings, call }) => {
  const secret: Principal = { ...ANNA, grant: { id: "sec_1", operations: ["rtc_session_create"] } };
  await assert.rejects(recordings.start(secret, call, HERE), { name: "ForbiddenError" });
  assert.deepEqual([call.events, call.taps.size], [[], 0]);
});

story("its time begins with the first sound, not with the wish", async ({ recordings, call, clock }) => {
  const { id, started_at } = await recordings.start(ANNA, call, HERE);
  await clock.pass(9000);
  await call.speak(clock, 100);
  await recordings.stop(ANNA, { session_id: "rtc_1" }, HERE);
  const row = await settled(recordings, id);
  assert.ok(Math.abs(row.duration_ms! - 2000) <= 220, `${row.duration_ms}`);
  assert.equal(Date.parse(row.started_at) - Date.parse(started_at), 9000);
});

story("each who speaks in a room has a track, and words under their name", async (world) => {
  const { recordings, clock, audited } = world;
  const call = new Call("room_1", "room_1");
  await assert.rejects(recordings.start(ANNA, new Call("rtc_1", "room_1"), HERE), { name: "ConflictError" });
  const { id } = await recordings.start(ANNA, call, HERE);
  const said = (text: string) => ({ type: "transcript.final", data: { turn_id: "t", text, language: null } }) as const;
  for (let n = 0; n < 50; n++) {
    const packet = { kind: "audio", payload: packets[n]!, timestamp: n * 960, marker: false } as const;
    for (const tap of call.taps) {
      for (const name of ["Ada", "Ben"]) tap.onPacket("in", { ...packet, mid: "0", sequence: n }, name);
      tap.onPacket("out", packet, "scout");
      if (n === 25) { for (const name of ["Ada", "Ben"]) tap.onEvent(said(`I am ${name}`), name); }
      if (n === 30) {
        tap.onEvent(
          { type: "agent.speaking", data: { turn_id: "t", run_id: null, text: "Welcome", aloud: true } },
          "scout",
        );
      }
    }
    await clock.pass(20);
  }
  await recordings.stop(ANNA, { room_id: "room_1" }, HERE);
  const row = await settled(recordings, id);
  assert.deepEqual(row.tracks.map(({ name }) => name), ["Ada", "Ben", "scout"]);
  assert.deepEqual(row.transcript.map(({ speaker, text }) => `${speaker}: ${text}`), [
    "Ada: I am Ada",
    "Ben: I am Ben",
    "scout: Welcome",
  ]);
  assert.deepEqual([row.session_id, row.room_id], [null, "room_1"]);
  assert.deepEqual((await recordings.list(ANNA, page, { room_id: "room_1" })).data.map((one) => one.id), [id]);
  assert.deepEqual((await recordings.list(ANNA, page, { session_id: "rtc_1" })).data, []);
  assert.deepEqual(await audited(), ["start anna 192.0.2.1", "stop anna 192.0.2.1 stopped"]);
});

story("without permission nothing is recorded", async ({ recordings, call }) => {
  await assert.rejects(recordings.start(ANNA, call, HERE), { name: "ForbiddenError" });
  assert.deepEqual(call.events, []);
}, { allowed: false });

Deno.test({
  name: "a full disk ends it with that reason, which the call is told; what there is of it is kept",
  ignore: Deno.build.os === "windows",
  async fn() {
    const dir = await Deno.makeTempDir({ prefix: "muxi-recordings-" });
    try {
      const program = fileURLToPath(new URL("../support/recording_full.ts", import.meta.url));
      // A process whose files may be 3 MB large meets the same error as one whose disk is full.
      const script = `trap '' XFSZ; ulimit -f 6144; exec "$@"`;
      const { stdout } = await new Deno.Command("sh", {
        args: ["-c", script, "sh", Deno.execPath(), "run", "--quiet", "-A", program, dir],
        stderr: "inherit",
      }).output();
      const said = new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
      const [started, stopped, { sent, row }] = said;
      assert.equal(started.type, "recording.started");
      assert.deepEqual(stopped, { type: "recording.stopped", data: { recording_id: row.id, reason: "disk_full" } });
      assert.deepEqual([row.state, row.reason, said.length], ["ready", "disk_full", 3]);
      assert.ok(row.duration_ms > 20_000 && row.duration_ms <= sent * 20, `${row.duration_ms} of ${sent * 20}`);
      assert.deepEqual(filesIn(join(dir, "recordings")), [row.id]);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
