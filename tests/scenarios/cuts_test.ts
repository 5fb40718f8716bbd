/**
 * A thousand broken connections, after each of which a reader comes back and has missed nothing.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { note } from "../support/note.ts";
import { createMemoryLog } from "../support/model_request.ts";
import { startMain } from "../support/crash_process.ts";
import {
  type Beginning,
  clientWithCuts,
  type CutReaderOptions,
  type Read,
  readWithCuts,
} from "../support/cut_reader.ts";
import { CLASSES, type CutClass, CutLine, Tally } from "../support/cut_line.ts";
import { type Frame, streamFrames, textsOf } from "../support/events.ts";
import { type Script, startProvider } from "../support/provider.ts";
import { pickSeed, Random } from "../support/random.ts";
import { ADMIN_KEY, startServer, USER_KEY } from "../support/server.ts";

const WANTED = 1000;
const WANTED_PER_CLASS = 100;
/** Stories told at the same time. */
const AT_ONCE = 32;
const RESTARTS = 4;
const STORIES_A_RESTART = 20;

/** The scripted model says what the message asks for: `<slow|fast> <name> <tokens>`. */
const script: Script = ({ body }) => {
  const [pace, name, count] = body.messages.at(-1).content.split(" ");
  const tokens = Array.from({ length: Number(count) }, (_, i) => `${name}.${i} `);
  // Those that are to be there when the server ends last longer.
  const times = name.startsWith("story") ? 1 : 4;
  return pace === "slow"
    ? { tokens, delay: times * (4 + Number(count) % 8) }
    : { tokens, chunks: 1 + Number(count) % 6 };
};

function textOf(message: string): string {
  const [, name, count] = message.split(" ");
  return Array.from({ length: Number(count) }, (_, i) => `${name}.${i} `).join("");
}

interface Story {
  message: string;
  reads: Read[];
}

/** How a story is told. */
interface Telling {
  line: CutLine;
  /** Where a run can be started without cuts. */
  url(): string;
  name: string;
  seed: number;
  readers: 1 | 2;
  client?: boolean;
  onFirstCut?: () => Promise<CutClass>;
}

/** One run with one or two readers, whose connections break. */
async function tell({ line, url, name, seed, readers, client = false, onFirstCut }: Telling): Promise<Story> {
  const random = new Random(seed);
  const pace = random.pick(["slow", "fast"] as const);
  const message = `${pace} ${name} ${random.whole(16, 48)}`;
  const two = readers === 2;
  const classes: CutClass[] = [`${pace} model`, ...two ? ["two readers at once"] as const : []];
  const beginnings: Beginning[] = two ? Array(2).fill({ run_id: await start(url(), message) }) : [{ message }];
  const reads = await Promise.all(beginnings.map((beginning, nth) => {
    const options: CutReaderOptions = {
      line,
      name: `${name}-${nth}`,
      random: new Random(seed + nth + 1),
      cuts: random.whole(3, 5),
      classes: client ? [...classes, "the product's client"] : classes,
      ...onFirstCut && { onFirstCut },
    };
    return client ? clientWithCuts(beginning, options) : readWithCuts(beginning, options);
  }));
  return { message, reads };
}

/** Starts a run and leaves it to itself. */
async function start(url: string, message: string): Promise<string> {
  const response = await fetch(`${url}/api/v1/chat/stream`, {
    method: "POST",
    headers: { authorization: `Bearer ${USER_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ message }),
  });
  assert.equal(response.status, 200);
  for await (const { data } of streamFrames(response)) return data.run_id;
  return assert.fail("A run without events");
}

/** Every reader of `stories` has exactly what is stored in the end. */
async function assertSame(data_dir: string, stories: readonly Story[]): Promise<void> {
  await using store = await openLibsqlStore({ path: `${data_dir}/muxi.db`, log: createMemoryLog() });
  const runs = await store.read({ from: "runs", limit: 10_000 });
  assert.equal(runs.length, new Set(stories.flatMap(({ reads }) => reads.map(({ run_id }) => run_id))).size);
  for (const { message, reads } of stories) {
    for (const { run_id, frames } of reads) {
      const events = await store.read({ from: "events", where: { run_id }, order: [["seq", "asc"]], limit: 10_000 });
      const stored = events.map(({ seq, type, data }): Frame => ({ id: seq, type, data: JSON.parse(data) }));
      assert.deepEqual(frames.map(({ id }) => id), frames.map((_, n) => n + 1), `${run_id}: ids`);
      assert.deepEqual(frames, stored, `${run_id}: events`);
      assert.deepEqual(textsOf(frames), textsOf(stored), `${run_id}: texts`);
      assert.deepEqual([...textsOf(frames).values()], [textOf(message)], `${run_id}: the text is what the model said`);
      assert.equal(frames.at(-1)!.type, "run.completed");
      assert.equal(frames.at(-1)!.data.message.content, textOf(message));
    }
  }
}

/** The restarts came in the middle of answers, and not always between runs. */
function assertRestarted(stories: readonly Story[]): void {
  const restarted = stories.filter(({ reads }) => reads[0]!.frames.some(({ type }) => type === "step.restarted"));
  assert.ok(restarted.length >= stories.length / 8, `${restarted.length} of ${stories.length} began a step anew`);
}

/** Keeps `AT_ONCE` stories under way until `enough`. */
async function tellMany(enough: () => boolean, next: (nth: number) => Promise<Story>): Promise<Story[]> {
  const stories: Story[] = [];
  let nth = 0;
  const worker = async () => {
    while (!enough()) stories.push(await next(nth++));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return stories;
}

/** Resolves once `count` have come, with what `work` resolves with. */
function barrier<T>(count: number, work: () => Promise<T>): () => Promise<T> {
  const opened = Promise.withResolvers<T>();
  let come = 0;
  return () => {
    if (++come === count) work().then(opened.resolve, opened.reject);
    return opened.promise;
  };
}

async function withFolder<T>(work: (data_dir: string) => Promise<T>): Promise<T> {
  const data_dir = await Deno.makeTempDir({ prefix: "muxi-cuts-" });
  try {
    return await work(data_dir);
  } finally {
    await Deno.remove(data_dir, { recursive: true });
  }
}

/** Tells stories whose readers all wait, once they were cut off, until `work` is done. */
async function tellAround(
  work: () => Promise<CutClass>,
  rest: Omit<Telling, "seed" | "readers" | "onFirstCut">,
  random: Random,
): Promise<Story[]> {
  const counts = Array.from({ length: STORIES_A_RESTART }, (_, nth) => nth % 2 === 0 ? 1 : 2);
  const onFirstCut = barrier(counts.reduce((sum, count) => sum + count, 0), work);
  return await Promise.all(
    counts.map((readers, nth) =>
      tell({ ...rest, name: `${rest.name}-${nth}`, seed: toSeed(random), readers, onFirstCut })
    ),
  );
}

function toSeed(random: Random): number {
  return random.whole(0, 2 ** 31);
}

Deno.test("readers whose connections break a thousand times end with what is stored", async (t) => {
  const seed = pickSeed();
  note(`seed ${seed} (TEST_SEED repeats it)`);
  const random = new Random(seed);
  const tally = new Tally();
  await using provider = await startProvider({ script });

  await t.step("and the server restarts in between", () =>
    withFolder(async (data_dir) => {
      let server = await startServer({ provider: provider.url, data_dir });
      await using line = new CutLine(server.url, tally);
      const restart = async (): Promise<CutClass> => {
        line.cutter.target = undefined;
        await server[Symbol.asyncDispose]();
        server = await startServer({ provider: provider.url, data_dir });
        line.cutter.target = server.url;
        return "server restarted in between";
      };
      const stories: Story[] = [];
      for (let round = 0; round < RESTARTS; round++) {
        stories.push(...await tellAround(restart, { line, url: () => server.url, name: `restart${round}` }, random));
      }
      await server[Symbol.asyncDispose]();
      assertRestarted(stories);
      await assertSame(data_dir, stories);
    }));

  await t.step("and the server is killed in between", () =>
    withFolder(async (data_dir) => {
      let server = await startMain({ data_dir, provider: provider.url });
      await using line = new CutLine(server.url, tally);
      const kill = async (): Promise<CutClass> => {
        line.cutter.target = undefined;
        await server.kill();
        server = await startMain({ data_dir, provider: provider.url });
        line.cutter.target = server.url;
        return "server killed in between";
      };
      const stories: Story[] = [];
      try {
        for (let round = 0; round < RESTARTS; round++) {
          stories.push(...await tellAround(kill, { line, url: () => server.url, name: `kill${round}` }, random));
        }
      } finally {
        await server.kill();
      }
      assertRestarted(stories);
      await assertSame(data_dir, stories);
    }));

  await t.step("and the server goes on", () =>
    withFolder(async (data_dir) => {
      const server = await startServer({ provider: provider.url, data_dir });
      await using stack = new AsyncDisposableStack();
      stack.use(server);
      const line = stack.use(new CutLine(server.url, tally));
      const enough = () =>
        tally.total >= WANTED && CLASSES.every((name) => tally.counts.get(name)! >= WANTED_PER_CLASS);
      const stories = await tellMany(enough, (nth) => {
        const readers = random.pick([1, 2] as const);
        const client = random.chance(0.3);
        return tell({ line, url: () => server.url, name: `story${nth}`, seed: toSeed(random), readers, client });
      });
      const status = await (await server.request("GET", "/system/status", { key: ADMIN_KEY })).json();
      assert.equal(status.open_streams, 0, "a broken connection gives its slot back");
      await stack.disposeAsync();
      await assertSame(data_dir, stories);
    }));

  note(String(tally));
  assert.ok(tally.total >= WANTED);
  for (const name of CLASSES) assert.ok(tally.counts.get(name)! >= WANTED_PER_CLASS, name);
});
