/**
 * How many calls a server carries: our connections beside werift alone, which both send sound back, and whole calls, in
 * which an agent speaks and listens, beside werift with the same codec. All are called by the same program. Callers and
 * server share the machine, so what counts is the ratio.
 *
 * Then as many callers again want in: those who are refused are told so, and those who are in are still heard, beside
 * a server that refuses nobody.
 *
 * @module
 */
import { startSpeechServer } from "../support/speech_server.ts";
import { BENCH_ADMIN_KEY, BENCH_KEY, type Child, openFolder, pause, startChild, startMuxi } from "./support/child.ts";
import type { LoadAdded, LoadSeen } from "./support/call_load.ts";
import { profileFlags, shareOfOurs } from "./support/profile.ts";
import { type Figure, median, runWalks, type Walk } from "./support/report.ts";

/** Calls that are added at a time until some are disturbed, and the most. */
const STEP = 20;
const MOST = 200;
/** How exactly the most calls that are carried are found. */
const EXACT = 2;
/** Calls whose CPU is measured. */
const STEADY = 10;
const SECONDS = 2;
/** How long they speak before anything is measured: what runs for days has long been compiled. */
const WARM_SECONDS = 20;
/** How often somebody who is asked to wait comes again, and after how long. */
const ATTEMPTS = 5;
const WAIT_MS = 1000;
/** Callers who come at once when there are too many. */
const CROWD = 10;
/** How often it is listened to those who are in, once nobody else comes. */
const AFTER = 5;
/** The part of packets that has to come. */
const WHOLE = 0.995;
/** What the agent says without end, and how long each sentence takes. */
const GREETING = "This is what the agent says, and it takes a while. ".repeat(39);
const SENTENCE_SECONDS = 5;
/** The most rounds in which each side is searched. */
const ROUNDS = 3;

/** One that is measured. */
interface Side {
  server: Child;
  load: Child;
  taken: number;
}

async function ask<T>({ load }: Side, path: string): Promise<T> {
  return await (await fetch(`${load.url}${path}`, { method: "POST" })).json();
}

async function open(stack: AsyncDisposableStack, server: Child, key?: string): Promise<Side> {
  const args = ["tests/bench/support/call_load.ts", server.url, ...key === undefined ? [] : [key]];
  return { server, load: stack.use(await startChild(args)), taken: 0 };
}

async function grow(side: Side, count: number): Promise<LoadAdded> {
  const added = await ask<LoadAdded>(side, `/add?count=${count}`);
  side.taken += added.taken;
  return added;
}

/** How long it may take to make what so many callers say. */
const prepareMs = (count: number, seconds = SECONDS) => 100 + 15 * count * seconds;
const speak = (side: Side, count: number, seconds = SECONDS, prepare_ms = prepareMs(count, seconds)) =>
  ask<LoadSeen>(
    side,
    `/measure?count=${count}&seconds=${seconds}&prepare_ms=${prepare_ms}&pid=${side.server.pid}`,
  );
const isWhole = ({ received, expected }: LoadSeen) => received >= WHOLE * expected;

/** Microseconds of the server's CPU for a packet that comes and one that goes. */
async function cpuOf(side: Side, count: number): Promise<number> {
  const { cpu_ms, received } = await speak(side, count);
  return cpu_ms * 1000 / received;
}

/** Makes it `count` calls, as an agent speaks in every one; whether they could be had. */
async function reach(side: Side, count: number): Promise<boolean> {
  if (side.taken > count) side.taken = await ask<number>(side, `/keep?count=${count}`);
  for (let left = ATTEMPTS; left > 0 && side.taken < count; left--) {
    const { asked_to_wait } = await grow(side, count - side.taken);
    if (asked_to_wait > 0) await pause(WAIT_MS);
  }
  return side.taken === count;
}

/** Whether `count` calls lose nothing. */
async function carries(side: Side, count: number): Promise<boolean> {
  return await reach(side, count) && isWhole(await speak(side, count));
}

/** Looks for the most calls that lose nothing. What fails once only was the machine's, and is tried again. */
class Search {
  most = 0;
  #bad = Infinity;
  #failed = 0;

  /** How many are to be tried; undefined at the end. */
  get next(): number | undefined {
    if (this.#bad === Infinity) return this.most < MOST ? this.most + STEP : undefined;
    return this.#bad - this.most > EXACT ? (this.most + this.#bad) >> 1 : undefined;
  }

  tell(count: number, isCarried: boolean): void {
    if (isCarried) this.most = count;
    else if (this.#failed === count) this.#bad = count;
    else this.#failed = count;
  }
}

async function startVoice(stack: AsyncDisposableStack, env: Record<string, string> = {}, flags: string[] = []) {
  const folder = stack.use(await openFolder());
  const speech = stack.use(await startSpeechServer({ instant: { text: "" } }));
  // As faint as what the callers send, so that the codec has the same to do on every side.
  const noise = Int16Array.from({ length: SENTENCE_SECONDS * 24_000 }, () => (Math.random() - 0.5) * 200);
  speech.fault({ raw: { type: "audio/pcm", body: new Uint8Array(noise.buffer) } });
  const muxi = stack.use(
    await startMuxi({
      data_dir: folder.path,
      flags,
      env: {
        MUXI_RTC_PORT: "0",
        MUXI_RTC_MAX_CALLS: "1000",
        MUXI_RTC_MAX_CALLS_PER_KEY: "1000",
        MUXI_SPEECH_STT_BASE_URL: speech.url,
        MUXI_SPEECH_STT_API_KEY: "sk-x",
        MUXI_SPEECH_TTS_BASE_URL: speech.url,
        MUXI_SPEECH_TTS_API_KEY: "sk-x",
        ...env,
      },
    }),
  );
  const made = await fetch(`${muxi.url}/api/v1/agents`, {
    method: "POST",
    headers: { authorization: `Bearer ${BENCH_ADMIN_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ id: "speaker", name: "Speaker", voice: { greeting: GREETING } }),
  });
  if (!made.ok) throw new Error(`Cannot make an agent: ${await made.text()}`);
  await made.body?.cancel();
  return muxi;
}

/** Starts a server, unless there is one, and who calls it. */
type Opening = (stack: AsyncDisposableStack, server?: Child) => Promise<Side>;

/**
 * CPU of both sides and how many calls each carries, each round from the start. They take turns, in which the other has
 * nobody to serve, so that both meet alike what else the machine does.
 */
async function compare(
  name: string,
  openings: Record<"ours" | "bare", Opening>,
  { rounds, note }: Parameters<Walk>[0],
): Promise<Figure[]> {
  const seen = {
    ours: { cpu: [] as number[], calls: [] as number[] },
    bare: { cpu: [] as number[], calls: [] as number[] },
  };
  for (let i = 1; i <= Math.min(rounds, ROUNDS); i++) {
    await using stack = new AsyncDisposableStack();
    const order = i % 2 === 0 ? ["ours", "bare"] as const : ["bare", "ours"] as const;
    const sides = await Array.fromAsync(order, async (which) => {
      const side = await openings[which](stack);
      await reach(side, STEADY);
      await speak(side, STEADY, WARM_SECONDS);
      const cpu = await cpuOf(side, STEADY);
      await reach(side, 0);
      return { which, side, cpu, search: new Search() };
    });
    for (let isOver = false; !isOver;) {
      isOver = true;
      for (const { side, search } of sides) {
        const count = search.next;
        if (count === undefined) continue;
        isOver = false;
        search.tell(count, await carries(side, count));
        await reach(side, 0);
        await pause(WAIT_MS);
      }
    }
    for (const { which, cpu, search } of sides) {
      seen[which].cpu.push(cpu);
      seen[which].calls.push(search.most);
      note(`  ${name} ${i}: ${which}: ${cpu.toFixed(0)} us of CPU a packet, ${search.most} calls`);
    }
  }
  const { ours, bare } = seen;
  return [
    {
      name: `calls without loss, ${name}`,
      unit: "",
      product: median(ours.calls),
      baseline: median(bare.calls),
      goal: { least: 0.9, of: "ratio" },
    },
    { name: `CPU a packet, ${name}`, unit: "us", product: median(ours.cpu), baseline: median(bare.cpu) },
  ];
}

/** The part of the CPU that is our own code, of `start`'s server under a steady load. */
async function ownShare(
  start: (stack: AsyncDisposableStack, flags: string[]) => Promise<Child>,
  key?: string,
): Promise<number> {
  await using folder = await openFolder();
  {
    await using stack = new AsyncDisposableStack();
    const side = await open(stack, await start(stack, profileFlags(folder.path)), key);
    await grow(side, STEADY);
    for (let i = 0; i < 3; i++) await speak(side, STEADY);
  }
  return await shareOfOurs(folder.path);
}

/** What came of twice as many callers as can be carried. */
interface Overloaded {
  refused: number;
  /** Of them, who were told when to come again. */
  told: number;
  failed: number;
  /** Percent of the packets that came in time: to those who were in before, meanwhile; to all who were taken, later. */
  meanwhile: number;
  afterwards: number;
}

async function overload(open: Opening, wanted: number): Promise<Overloaded> {
  await using stack = new AsyncDisposableStack();
  const side = await open(stack);
  // A program of their own, which is late itself while it calls, so that the others are not.
  const crowd = await open(stack, side.server);
  const all = [await grow(side, wanted)];
  const seen: LoadSeen[] = [];
  // Those who are in speak while the others come.
  for (let left = wanted; left > 0; left -= CROWD) {
    const [heard, added] = await Promise.all([
      speak(side, side.taken),
      // Not while those who are in are silent, and the server has little to do.
      pause(prepareMs(side.taken)).then(() => grow(crowd, Math.min(CROWD, left))),
      ...crowd.taken > 0 ? [speak(crowd, crowd.taken)] : [],
    ]);
    seen.push(heard);
    all.push(added);
  }
  const after: LoadSeen[] = [];
  for (let i = 0; i < AFTER; i++) {
    // Nobody speaks while others still make what they say.
    const prepare_ms = prepareMs(side.taken + crowd.taken);
    const speaking = [side, crowd].filter(({ taken }) => taken > 0);
    after.push(...await Promise.all(speaking.map((one) => speak(one, one.taken, SECONDS, prepare_ms))));
  }
  const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
  const share = (list: LoadSeen[]) =>
    100 * sum(list.map(({ received }) => received)) / sum(list.map(({ expected }) => expected));
  return {
    refused: sum(all.map((one) => one.refused)),
    told: sum(all.map((one) => one.asked_to_wait)),
    failed: sum(all.map(({ failed }) => failed)),
    meanwhile: share(seen),
    afterwards: share(after),
  };
}

/** Twice as many callers as we can carry come to us, and to a server that refuses nobody. */
async function compareOverload({ ours, bare }: Record<"ours" | "bare", Opening>, carried: number): Promise<Figure[]> {
  const wanted = Math.max(STEP, carried);
  const [product, baseline] = [await overload(ours, wanted), await overload(bare, wanted)];
  const inTime = (name: string, which: "meanwhile" | "afterwards"): Figure => ({
    name: `packets that came in time to ${name}`,
    unit: "%",
    product: product[which],
    baseline: baseline[which],
    goal: { least: 1.5, of: "ratio" },
  });
  return [
    {
      name: "callers refused of twice as many as can be",
      unit: "",
      product: product.refused,
      goal: { least: 1, of: "figure" },
    },
    {
      name: "of them told when to come again",
      unit: "",
      product: product.refused === 0 ? 1 : product.told / product.refused,
      goal: { least: 1, of: "figure" },
    },
    {
      name: "callers who were let in and never connected",
      unit: "",
      product: product.failed,
      goal: { most: 0, of: "figure" },
    },
    inTime("those who were in before, meanwhile", "meanwhile"),
    inTime("all who were taken, afterwards", "afterwards"),
  ];
}

/** See the module. */
export const callsLoad: Walk = async (options) => {
  const figures: Figure[] = [];
  const start = (args: string[]) => (stack: AsyncDisposableStack) => startChild(args).then((child) => stack.use(child));
  const BARE = "tests/bench/baseline/call_echo.ts";
  const talking: Record<"ours" | "bare", Opening> = {
    ours: async (stack, server) => open(stack, server ?? await startVoice(stack), BENCH_KEY),
    bare: async (stack, server) => open(stack, server ?? await start([BARE, "--opus"])(stack)),
  };
  figures.push(
    ...await compare("sound sent back", {
      ours: async (stack) => open(stack, await start(["tests/bench/support/peer_echo.ts"])(stack)),
      bare: async (stack) => open(stack, await start([BARE])(stack)),
    }, options),
    ...await compare("Opus both ways", talking, options),
  );
  const own = { goal: { most: 20, of: "figure" }, unit: "%" } as const;
  figures.push({
    name: "our own part of the CPU, sound sent back",
    product: 100 * await ownShare((stack, flags) => start([...flags, "tests/bench/support/peer_echo.ts"])(stack)),
    ...own,
  }, {
    name: "our own part of the CPU, whole calls",
    product: 100 * await ownShare((stack, flags) => startVoice(stack, {}, flags), BENCH_KEY),
    ...own,
  });
  const voices = figures.find(({ name }) => name === "calls without loss, Opus both ways")!;
  figures.push(...await compareOverload(talking, voices.product));
  return figures;
};

if (import.meta.main) await runWalks({ calls_load: callsLoad });
