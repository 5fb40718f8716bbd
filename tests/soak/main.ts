/**
 * The real program under a mixed load for ten minutes: whether its memory and its file descriptors level off, and
 * whether every answer was right.
 *
 * `deno task soak`, or `deno task soak --minutes 2 --json`. Ends with 1 when memory or descriptors grow, or an answer
 * was wrong.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { BENCH_ADMIN_KEY, BENCH_KEY, openFolder, pause, startMuxi } from "../bench/support/child.ts";
import { startProber } from "../bench/support/prober.ts";
import { startProvider } from "../support/provider.ts";
import type { Step } from "../support/provider_reply.ts";
import { pickSeed, Random } from "../support/random.ts";
import { Client, toStep } from "./client.ts";
import { Crowd } from "./crowd.ts";
import { Gauges, type Sample } from "./gauges.ts";
import { toLine, toText } from "./report.ts";
import { CAST } from "./stories.ts";
import { secondHalf, toTrend, type Trend } from "./trend.ts";

const EVERY_S = 5;
/** The longest rest of a client between two stories. */
const REST_MS = 40;
/** How long a story may take to end when the soak does. */
const END_MS = 60_000;
/** Memory may grow by this much a request: what a server that forgets everything may still keep in warm caches. */
const KB_PER_REQUEST = 1;
/** Memory may grow by this share of itself however few the requests are: heaps breathe. */
const SHARE = 0.05;
/** Descriptors may grow by so many. */
const DESCRIPTORS = 5;
/** Wrong answers that are told of. */
const TOLD = 20;

/** As short as the settings allow, so that every table that has a bound reaches it; no limit, no time-out of a model. */
const ENV = {
  MUXI_RETENTION_CHECK_MINUTES: "1",
  MUXI_RETENTION_MAX_RUNS: "1000",
  MUXI_RETENTION_MAX_AUDIT_ROWS: "500",
  MUXI_RETENTION_DELTA_DAYS: "1",
  MUXI_RETENTION_RUN_DAYS: "1",
  MUXI_RETENTION_CONVERSATION_DAYS: "1",
  MUXI_RETENTION_IDEMPOTENCY_HOURS: "1",
  MUXI_AUTH_ATTEMPTS_PER_MINUTE: "1000000",
  MUXI_MODEL_FIRST_TOKEN_SECONDS: "100000",
  MUXI_MODEL_IDLE_SECONDS: "100000",
  MUXI_MODEL_TOTAL_SECONDS: "100000",
};

/** What a soak found. */
export interface Outcome {
  minutes: number;
  seed: number;
  requests: number;
  /** How often each story was told. */
  stories: Record<string, number>;
  /** Before the load, and after everybody has left. */
  idle: { before: { memory: number; descriptors: number }; after: { memory: number; descriptors: number } };
  trends: Trend[];
  wrong: { count: number; first: string[] };
  samples: Sample[];
  ok: boolean;
}

const encoder = new TextEncoder();
const tell = (text: string) => void Deno.stderr.writeSync(encoder.encode(text));

/** What the provider is to do, by the last message of the conversation. */
function scripted(known: Map<string, Step>, body: { messages: { content: unknown }[] }): Step {
  const content = body.messages.at(-1)!.content;
  const text = typeof content === "string" ? content : (content as { text: string }[])[0]!.text;
  const step = known.get(text) ?? toStep(text);
  // What is known is not encoded again.
  if (known.size < 1000) known.set(text, step);
  return step;
}

function judge(samples: readonly Sample[]): Trend[] {
  const half = secondHalf(samples);
  const requests = (half.at(-1)?.requests ?? 0) - (half[0]?.requests ?? 0);
  const trend = (
    name: string,
    unit: string,
    of: (sample: Sample) => number,
    most: (from: number) => number,
    counts = false,
  ) => toTrend({ name, unit, counts }, samples.map((sample) => ({ at: sample.at, value: of(sample) })), most);
  return [
    trend("memory", "MB", ({ memory }) => memory, (from) => {
      return Math.max(requests * KB_PER_REQUEST / 1024, from * SHARE);
    }, true),
    trend("descriptors", "", ({ descriptors }) => descriptors, () => DESCRIPTORS, true),
    trend("lag of the loop, 99 of 100", "ms", ({ lag }) => lag.p99, (from) => Math.max(5, from * 0.25)),
    trend("database", "MB", ({ database }) => database, (from) => Math.max(1, from * SHARE)),
  ];
}

async function soak({ minutes, seed, loud }: { minutes: number; seed: number; loud: boolean }): Promise<Outcome> {
  const known = new Map<string, Step>();
  // Who leaves before the server does.
  await using outside = new AsyncDisposableStack();
  const provider = outside.use(await startProvider({ keep: 10, script: ({ body }) => scripted(known, body) }));
  const connections = outside.use(Deno.createHttpClient({}));
  await using folder = await openFolder();
  await using child = await startMuxi({ provider: provider.url, data_dir: folder.path, env: ENV });
  const look = () => ({ memory: child.rssKb() / 1024, descriptors: child.descriptors() });
  const outcome: Outcome = {
    minutes,
    seed,
    requests: 0,
    stories: {},
    idle: { before: look(), after: look() },
    trends: [],
    wrong: { count: 0, first: [] },
    samples: [],
    ok: false,
  };
  const { wrong, samples, stories } = outcome;
  const complain = (where: string, thrown: unknown) => {
    wrong.count++;
    if (wrong.first.length >= TOLD) return;
    const text = `${where}: ${thrown instanceof Error ? thrown.message : thrown}`.replaceAll(/\s+/g, " ").slice(
      0,
      1000,
    );
    wrong.first.push(text);
    if (loud) tell(`\r\x1b[K${text}\n`);
  };
  let over = false;
  const clients: Client[] = [];
  const enter = () => {
    const random = new Random(seed + clients.length);
    const client = new Client({
      url: child.url,
      random,
      keys: { user: BENCH_KEY, admin: BENCH_ADMIN_KEY },
      connections,
    });
    clients.push(client);
    return client;
  };
  const live = async (name: string) => {
    const client = enter();
    while (!over) {
      try {
        await CAST[name]!.story(client);
      } catch (thrown) {
        complain(name, thrown);
      }
      stories[name] = (stories[name] ?? 0) + 1;
      await pause(client.random.whole(0, REST_MS));
    }
  };
  const crowd = await Crowd.open(enter());
  const busy = Object.entries(CAST).flatMap(([name, { clients }]) => Array.from({ length: clients }, () => live(name)));
  {
    using prober = await startProber(child.url);
    using gauges = new Gauges({ child, prober, folder: folder.path });
    for (let at = EVERY_S; at <= minutes * 60; at += EVERY_S) {
      await pause(EVERY_S * 1000);
      samples.push(await gauges.take(clients.reduce((sum, { requests }) => sum + requests, 0)));
      if (loud) tell(`\r\x1b[K${toLine(samples.at(-1)!, { minutes, wrong: wrong.count })}`);
      await crowd.change().catch((thrown) => complain("crowd", thrown));
    }
  }
  over = true;
  const late = pause(END_MS).then(() => "late");
  if (await Promise.race([Promise.all(busy), late]) === "late") complain("end", "a story did not end");
  await crowd.end().catch((thrown) => complain("crowd", thrown));
  if (loud) tell("\r\x1b[K");
  const witness = enter();
  const { active_runs } = await witness.ask("GET", "/system/status", { key: BENCH_ADMIN_KEY });
  if (active_runs !== 0) complain("end", `${active_runs} runs are left`);
  if (provider.active !== 0) complain("end", `${provider.active} answers of the provider are left`);
  await outside.disposeAsync();
  await pause(1000);
  outcome.requests = clients.reduce((sum, { requests }) => sum + requests, 0);
  outcome.trends = judge(samples);
  outcome.idle.after = look();
  const left = outcome.idle.after.descriptors - outcome.idle.before.descriptors;
  if (left > DESCRIPTORS) complain("end", `${left} descriptors more than before are open when everybody has left`);
  outcome.ok = wrong.count === 0 && outcome.trends.every(({ counts, verdict }) => !counts || verdict === "level");
  return outcome;
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: { minutes: { type: "string", default: "10" }, json: { type: "boolean", default: false } },
  });
  const minutes = Number(values.minutes);
  if (!(minutes >= 0.5)) throw new Error(`Cannot soak for "${values.minutes}" minutes: wanted 0.5 or more`);
  const seed = pickSeed();
  const outcome = await soak({ minutes, seed, loud: Deno.stderr.isTerminal() });
  const text = values.json ? `${JSON.stringify(outcome, null, 2)}\n` : toText(outcome);
  Deno.stdout.writeSync(encoder.encode(text));
  Deno.exit(outcome.ok ? 0 : 1);
}
