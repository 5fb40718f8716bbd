/**
 * Recordings that can't be made into files, with a real store, real files and a real recorder whose last step fails.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { openFileBlobs } from "../../src/adapters/files/blobs.ts";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { type Finished, Finishing } from "../../src/core/recordings/finishing.ts";
import type { RtcRecordingRow } from "../../src/domain/rtc_recording.ts";
import { toTime } from "../../src/kit/clock.ts";
import { createLog } from "../../src/kit/log.ts";
import type { RawRecording, Recorder } from "../../src/ports/recorder.ts";
import { SPARSE_ROWS } from "../contracts/sample_rows.ts";
import { MovingClock } from "../support/moving_clock.ts";
import { begin, CALLER, openRecorder, writeAudio } from "../support/recorded.ts";

const DAY_MS = 86_400_000;
/** 20 ms of silence. */
const SILENCE = Uint8Array.of(0xf8, 0xff, 0xfe);
const NOBODY = () => false;
const { signal } = new AbortController();

/** Whether files can be written, and what happens while one that is left over is read. */
interface Writer {
  works: boolean;
  meanwhile?(): Promise<void>;
}

interface World {
  finishing: Finishing;
  clock: MovingClock;
  /** Where the recorder's files are. */
  raw: string;
  lines: string[];
  expired: string[];
  writer: Writer;
  /** Records a second, and says so in the store. */
  record(id: string, options?: { sealed?: boolean }): Promise<Finished>;
  row(id: string): Promise<RtcRecordingRow | undefined>;
  sweep(): Promise<number>;
}

/** A recorder of `dir` whose writer is there only while `writer.works`. It remembers no key, as after a new start. */
function openLacking(dir: string, writer: Writer): Recorder {
  const wrap = (raw: RawRecording): RawRecording => ({
    ...raw,
    async *toWebm() {
      if (!writer.works) throw new TypeError('Cannot load the module "writer"');
      yield* raw.toWebm();
    },
  });
  return {
    ...openRecorder(dir),
    async recover(id) {
      await writer.meanwhile?.();
      const raw = await openRecorder(dir).recover(id);
      return raw && wrap(raw);
    },
  };
}

function story(name: string, fn: (world: World) => Promise<void>): void {
  Deno.test(name, async () => {
    const dir = await Deno.makeTempDir({ prefix: "muxi-recordings-" });
    await using stack = new AsyncDisposableStack();
    stack.defer(() => Deno.remove(dir, { recursive: true }));
    const lines: string[] = [];
    const log = createLog({ level: "error", format: "text", write: (line) => lines.push(line) });
    const store = stack.use(await openLibsqlStore({ path: join(dir, "muxi.db"), log }));
    const raw = join(dir, "raw");
    await Deno.mkdir(raw);
    const clock = new MovingClock();
    const [writer, expired]: [Writer, string[]] = [{ works: false }, []];
    const recorder = openLacking(raw, writer);
    const plain = await openFileBlobs({ dir: join(dir, "files") });
    const finishing = new Finishing({
      ...{ store, recorder, clock, log, recording_days: 1 },
      blobs: { plain, sealed: plain },
    });
    stack.defer(() => finishing.close());
    await fn({
      ...{ finishing, clock, raw, lines, expired, writer },
      async record(id, { sealed = false } = {}) {
        const row: RtcRecordingRow = { ...SPARSE_ROWS.rtc_recordings, id, state: "recording", sealed };
        await store.commit({ writes: [{ insert: "rtc_recordings", rows: [row] }] });
        const recording = await begin(recorder, id, { sealed });
        writeAudio(recording, Array(50).fill(SILENCE), { track: CALLER });
        await recording.finish();
        return { ...row, raw: (await recorder.recover(id))!, reason: "stopped" };
      },
      row: async (id) => (await store.read({ from: "rtc_recordings", where: { id }, limit: 1 }))[0],
      async sweep() {
        await finishing.resume(NOBODY);
        return await finishing.sweep(signal, ({ id }) => expired.push(id));
      },
    });
  });
}

story("a recording whose file can't be made is kept as long as any other, and no longer", async (world) => {
  const { finishing, clock, raw, lines, expired } = world;
  const now = clock.now();
  await finishing.finish(await world.record("rec_1"));
  const { state, reason, ended_at, expires_at } = (await world.row("rec_1"))!;
  assert.deepEqual({ state, reason, ended_at, expires_at }, {
    ...{ state: "finishing", reason: "stopped", ended_at: toTime(now), expires_at: toTime(now + DAY_MS) },
  });
  for (const hours of [6, 12]) {
    await clock.pass(DAY_MS / 4);
    assert.equal(await world.sweep(), 0);
    const tried = (await world.row("rec_1"))!;
    assert.deepEqual(
      [tried.state, tried.ended_at, tried.expires_at],
      ["finishing", ended_at, expires_at],
      `${hours} h`,
    );
  }
  assert.equal(lines.filter((line) => line.includes('Cannot load the module "writer"')).length, 3, lines.join("\n"));
  await clock.pass(DAY_MS / 2);
  assert.equal(await world.sweep(), 1);
  assert.deepEqual([await world.row("rec_1"), expired, [...Deno.readDirSync(raw)]], [undefined, ["rec_1"], []]);
});

story("one whose file can be made after all has ended when it did", async (world) => {
  const { finishing, clock, writer } = world;
  await finishing.finish(await world.record("rec_1"));
  const before = (await world.row("rec_1"))!;
  await clock.pass(DAY_MS / 2);
  writer.works = true;
  assert.equal(await world.sweep(), 0);
  const after = (await world.row("rec_1"))!;
  assert.ok(after.size! > 0);
  assert.deepEqual(after, { ...before, state: "ready", size: after.size });
});

story("one that can't be read after the process died isn't being recorded, and goes in its time", async (world) => {
  const { clock, raw, lines, expired } = world;
  await world.record("rec_1", { sealed: true });
  await Deno.remove(join(raw, "key"));
  assert.equal(await world.sweep(), 0);
  const { state, reason, expires_at } = (await world.row("rec_1"))!;
  assert.deepEqual([state, reason, expires_at], ["finishing", "process_ended", toTime(clock.now() + DAY_MS)]);
  assert.ok(lines.at(-1)!.includes("it was sealed with another key"), lines.at(-1));
  await clock.pass(DAY_MS);
  assert.equal(await world.sweep(), 1);
  assert.deepEqual([await world.row("rec_1"), expired], [undefined, ["rec_1"]]);
  assert.ok([...Deno.readDirSync(raw)].every(({ name }) => !name.endsWith(".rec")));
});

story("what nobody asks for any more goes without being read", async (world) => {
  const { finishing, raw, lines } = world;
  await world.record("rec_1", { sealed: true });
  await Deno.copyFile(join(raw, "rec_1.rec"), join(raw, "rec_0.rec"));
  await finishing.remove({ id: "rec_1", sealed: true });
  await Deno.remove(join(raw, "key"));
  await world.sweep();
  assert.deepEqual([...Deno.readDirSync(raw)].map(({ name }) => name).filter((name) => name.endsWith(".rec")), []);
  assert.deepEqual(lines, []);
});

story("one that is made while another is read again is not given up", async (world) => {
  const { finishing, raw, writer } = world;
  await world.record("rec_1");
  writer.meanwhile = async () => {
    delete writer.meanwhile;
    await finishing.finish(await world.record("rec_2"));
  };
  await world.sweep();
  assert.equal((await world.row("rec_2"))!.state, "finishing");
  writer.works = true;
  await world.sweep();
  assert.deepEqual([(await world.row("rec_1"))!.state, (await world.row("rec_2"))!.state], ["ready", "ready"]);
  assert.deepEqual([...Deno.readDirSync(raw)].map(({ name }) => name).filter((name) => name.endsWith(".rec")), []);
});
