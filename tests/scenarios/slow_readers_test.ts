/**
 * Readers that never read hold up neither the run nor the server.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { startMain } from "../support/crash_process.ts";
import { type Frame, parseFrames, streamFrames } from "../support/events.ts";
import { heldMemory, watchMemory } from "../support/memory.ts";
import { note } from "../support/note.ts";
import { startProvider } from "../support/provider.ts";
import { ADMIN_KEY, startServer } from "../support/server.ts";
import { until } from "../support/story.ts";
import { startStuckReader, type StuckReader } from "../support/stuck_reader.ts";

const READERS = 64;
const MB = 1_048_576;
/** The kernel takes about 4 MB from the server for a reader that never reads; what is sent has to be well beyond. */
const TOKENS = 1280;
const TOKEN = "thinking ".repeat(912).slice(0, 8192);
/** Thoughts instead of words: they are events, but no message that is told once more at the end. */
const LONG_RUN = { reasoning: Array.from({ length: TOKENS }, () => TOKEN), tokens: ["Done"], delay: 1 };

interface Server {
  request(
    method: string,
    path: string,
    options?: { key?: string; body?: unknown; headers?: Record<string, string> },
  ): Promise<Response>;
}

interface Told {
  run_id: string;
  /** Milliseconds from the first event to the last. */
  ms: number;
  frames: Frame[];
}

/** Starts a run and reads it to its end. `onStart` is waited for before the second event is read. */
async function tell(server: Server, onStart: (run_id: string) => Promise<void> = async () => {}): Promise<Told> {
  const response = await server.request("POST", "/chat/stream", { body: { message: "Think for long" } });
  assert.equal(response.status, 200);
  const frames: Frame[] = [];
  let begun = 0;
  let run_id = "";
  for await (const frame of streamFrames(response)) {
    frames.push(frame);
    if (frames.length > 1) continue;
    run_id = frame.data.run_id;
    await onStart(run_id);
    begun = performance.now();
  }
  return { run_id, ms: performance.now() - begun, frames };
}

function lengthOf(frames: readonly Frame[]): number {
  return frames.reduce((sum, { data }) => sum + (data.text?.length ?? 0), 0);
}

function assertWhole(frames: readonly Frame[]): void {
  assert.deepEqual(frames.map(({ id }) => id), frames.map((_, n) => n + 1));
  assert.equal(frames.at(-1)?.type, "run.completed");
  assert.equal(lengthOf(frames), TOKENS * TOKEN.length + "Done".length);
}

async function openStreams(server: Server): Promise<number> {
  return (await (await server.request("GET", "/system/status", { key: ADMIN_KEY })).json()).open_streams;
}

async function stick(url: string, run_id: string, stack: DisposableStack): Promise<StuckReader[]> {
  const readers = await Promise.all(
    Array.from({ length: READERS }, () => startStuckReader(url, `/runs/${run_id}/events`)),
  );
  return readers.map((reader) => stack.use(reader));
}

Deno.test({
  name: "64 readers that never read slow no run down and take no memory",
  // Only Linux tells the memory of another process in /proc.
  ignore: Deno.build.os !== "linux" && Deno.env.get("CI") !== "true",
  async fn() {
    await using provider = await startProvider({ script: LONG_RUN });
    const data_dir = await Deno.makeTempDir({ prefix: "muxi-slow-" });
    await using stack = new AsyncDisposableStack();
    stack.defer(() => Deno.remove(data_dir, { recursive: true }));
    const server = stack.use(await startMain({ data_dir, provider: provider.url }));
    await tell(server);

    const alone = await (async () => {
      using memory = watchMemory(server.pid);
      return { ...await tell(server), memory: memory.most };
    })();
    assertWhole(alone.frames);

    using readers = new DisposableStack();
    let stuck: StuckReader[] = [];
    const beside = await (async () => {
      using memory = watchMemory(server.pid);
      const told = await tell(server, async (run_id) => {
        stuck = await stick(server.url, run_id, readers);
        await until("all readers are served", async () => await openStreams(server) === READERS + 1);
      });
      return { ...told, memory: memory.most };
    })();
    assertWhole(beside.frames);
    const still = await openStreams(server);
    const growth = beside.memory - alone.memory;
    note(
      `one reader: ${Math.round(alone.ms)} ms, ${Math.round(alone.memory / MB)} MB; beside ${READERS} stuck ones: ` +
        `${Math.round(beside.ms)} ms, ${Math.round(beside.memory / MB)} MB`,
    );
    assert.equal(still, READERS, "every stuck reader must still be behind when the run ends");
    assert.ok(growth <= READERS * MB, `memory grew by ${growth / MB} MB`);

    for (const reader of stuck.slice(0, 2)) {
      const received = await reader.readAll();
      assert.ok(received.complete);
      assert.deepEqual(parseFrames(received.text), beside.frames);
    }
    readers.dispose();
    await until("the streams of readers that left are closed", async () => await openStreams(server) === 0);
    // The machine may have been another one before.
    const again = Math.max(alone.ms, (await tell(server)).ms);
    assert.ok(beside.ms <= 3 * again, `the run took ${beside.ms} ms instead of ${again}`);
  },
});

Deno.test("64 readers that come late to a long run and never read hold next to nothing of it", async () => {
  await using provider = await startProvider({ script: LONG_RUN });
  await using server = await startServer({ provider: provider.url });
  const { run_id, frames } = await tell(server);
  const long = lengthOf(frames);
  frames.length = 0;
  await until("the run's own stream is closed", async () => await openStreams(server) === 0);
  const before = heldMemory();
  using readers = new DisposableStack();
  await stick(server.url, run_id, readers);
  // As soon as the kernel takes no more from the server for any of them, nothing moves.
  let held = heldMemory() - before;
  await until("nothing moves any more", async () => {
    const last = held;
    await new Promise((resolve) => setTimeout(resolve, 200));
    held = heldMemory() - before;
    return await openStreams(server) === READERS && Math.abs(held - last) < MB / 4;
  });
  note(`${READERS} readers of ${Math.round(long / MB)} MB hold ${Math.round(held / MB)} MB`);
  assert.ok(held <= READERS * MB, `${held / MB} MB are held`);
});

Deno.test("a reader that does not read for write_timeout_seconds is cut off, and its slot is free again", async () => {
  await using provider = await startProvider({ script: LONG_RUN });
  await using server = await startServer({
    provider: provider.url,
    settings: { server: { write_timeout_seconds: 5, max_streams: READERS + 1 } },
  });
  using readers = new DisposableStack();
  let stuck: StuckReader[] = [];
  const told = await tell(server, async (run_id) => {
    stuck = await stick(server.url, run_id, readers);
    await until("all readers are served", async () => await openStreams(server) === READERS + 1);
    const refused = await server.request("GET", `/runs/${run_id}/events`, { headers: { accept: "text/event-stream" } });
    assert.equal(refused.status, 503);
    await refused.body?.cancel();
  });
  assertWhole(told.frames);
  await until("the stuck streams are closed", async () => await openStreams(server) === 0);
  for (const reader of stuck) {
    const received = await reader.readAll();
    assert.ok(!received.complete && received.bytes < lengthOf(told.frames), `got ${received.bytes} bytes`);
    // What did come is a beginning of the log, so that the reader can resume.
    const frames = parseFrames(received.text);
    assert.deepEqual(frames, told.frames.slice(0, frames.length));
  }
  const last = told.frames.at(-1)!.id!;
  const again = await server.request("GET", `/runs/${told.run_id}/events?starting_after=${last - 1}`, {
    headers: { accept: "text/event-stream" },
  });
  assert.equal(parseFrames(await again.text()).length, 1);
});
