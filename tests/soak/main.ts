/**
 * The real program under a mixed load for ten minutes: whether its memory and its file descriptors level off, and
 * whether every answer was right. Meanwhile somebody is in a call with it, in a real browser: whether every question
 * is answered and heard, whether sound comes later and later, and whether the page grows.
 *
 * `deno task soak`, or `deno task soak --minutes 2 --json`. Ends with 1 when something grows that may not, or an answer
 * was wrong. When nothing was, it ends with 3 if it is incomplete, since this machine lacks a browser or a voice for the
 * call, and with 2 if the time was too short to judge what grows.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { type Table, TABLES } from "../../src/domain/table.ts";
import { BENCH_ADMIN_KEY, BENCH_KEY, openFolder, pause, startMuxi } from "../bench/support/child.ts";
import { startProber } from "../bench/support/prober.ts";
import { missingParts } from "../support/long_browser_call.ts";
import { startProvider } from "../support/provider.ts";
import type { Step } from "../support/provider_reply.ts";
import { checkRows, readDatabase } from "../support/crash_checks.ts";
import { countStolen } from "../support/machine_time.ts";
import { pickSeed } from "../support/random.ts";
import { startSpeechServer } from "../support/speech_server.ts";
import { toMessage, toStep } from "./client.ts";
import { type CallReport, SoakCall } from "./call.ts";
import { Gauges, type Sample } from "./gauges.ts";
import { Load } from "./load.ts";
import { toLine, toText } from "./report.ts";
import { type CallSample, conclude, type Conclusion, DESCRIPTORS, judge, judgeCall, type Trend } from "./trend.ts";

/** What the process ends with. */
const CODES: Record<Conclusion, number> = { passed: 0, failed: 1, "too short to judge": 2, incomplete: 3 };

const EVERY_S = 5;
/** To the beginning of an empty line. */
const CLEAR = "\r\x1b[K";

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
  /** Rows of every table at the end. */
  rows: Record<string, number>;
  wrong: { count: number; first: string[] };
  /** Parts that this machine lacks; without them nobody calls. */
  missing: string[];
  /** The call that lasted throughout; null: there was none to its end. */
  call: CallReport | null;
  samples: Sample[];
  call_samples: CallSample[];
  /** The part of the machine's time, from 0 to 1, that its host gave to others. */
  stolen: number;
  conclusion: Conclusion;
}

const encoder = new TextEncoder();
const tell = (text: string) => void Deno.stderr.writeSync(encoder.encode(text));

/** Whatever is said on the phone is heard as this, what the provider is to do. */
const SPOKEN = toMessage({ tokens: 20 });

/** What the provider is to do, by the last message of the conversation. */
function scripted(known: Map<string, Step>, body: { messages: { content: unknown }[] }): Step {
  const content = body.messages.at(-1)!.content;
  const said = typeof content === "string" ? content : (content as { text: string }[])[0]!.text;
  // A question that was cut in two is one message of what was understood twice.
  const text = said.endsWith(SPOKEN) ? SPOKEN : said;
  const step = known.get(text) ?? toStep(text);
  // What is known is not encoded again.
  if (known.size < 1000) known.set(text, step);
  return step;
}

async function soak({ minutes, seed, loud }: { minutes: number; seed: number; loud: boolean }): Promise<Outcome> {
  await using folder = await openFolder();
  const known = new Map<string, Step>();
  // Who leaves before the server does.
  await using outside = new AsyncDisposableStack();
  const provider = outside.use(await startProvider({ keep: 10, script: ({ body }) => scripted(known, body) }));
  const connections = outside.use(Deno.createHttpClient({}));
  await using server = new AsyncDisposableStack();
  const engines = outside.use(await startSpeechServer({ instant: { text: SPOKEN } }));
  const env = {
    ...ENV,
    MUXI_RTC_PORT: "0",
    MUXI_SPEECH_STT_BASE_URL: engines.url,
    MUXI_SPEECH_STT_API_KEY: "sk-scripted",
    MUXI_SPEECH_TTS_BASE_URL: engines.url,
    MUXI_SPEECH_TTS_API_KEY: "sk-scripted",
  };
  const child = server.use(await startMuxi({ provider: provider.url, data_dir: folder.path, env }));
  const stolen = await countStolen();
  const look = () => ({ memory: child.rssKb() / 1024, descriptors: child.descriptors() });
  const load = new Load({
    url: child.url,
    keys: { user: BENCH_KEY, admin: BENCH_ADMIN_KEY },
    connections,
    seed,
    onWrong: (text) => loud && tell(`${CLEAR}${text}\n`),
  });
  const before = look();
  const missing = missingParts();
  // Who calls before there is anything else to do is not refused.
  const phone = missing.length > 0 ? null : outside.use(await SoakCall.open(load));
  await load.start();
  const samples: Sample[] = [];
  {
    using prober = await startProber(child.url);
    using gauges = new Gauges({ child, prober, folder: folder.path });
    for (let at = EVERY_S; at <= minutes * 60; at += EVERY_S) {
      await pause(EVERY_S * 1000);
      samples.push(await gauges.take(load.requests));
      await phone?.look(samples.at(-1)!.at);
      if (loud) tell(`${CLEAR}${toLine(samples.at(-1)!, { minutes, wrong: load.wrong.count })}`);
      await load.change();
    }
  }
  const call = await phone?.end() ?? null;
  await load.end();
  if (loud) tell(CLEAR);
  const { active_runs } = await load.enter().ask("GET", "/system/status", { key: BENCH_ADMIN_KEY });
  if (active_runs !== 0) load.complain("end", `${active_runs} runs are left`);
  if (provider.active !== 0) load.complain("end", `${provider.active} answers of the provider are left`);
  await outside.disposeAsync();
  await pause(1000);
  const after = look();
  const left = after.descriptors - before.descriptors;
  if (left > DESCRIPTORS) load.complain("end", `${left} descriptors more than before are open when everybody has left`);
  await server.disposeAsync();
  const rows = readDatabase(`${folder.path}/muxi.db`);
  // Retention takes the first turns of a conversation.
  for (const finding of checkRows({ ...rows, conversations: [] })) load.complain("database", finding);
  const call_samples = phone?.samples ?? [];
  const trends = [...judge(samples), ...phone ? judgeCall(call_samples) : []];
  return {
    minutes,
    seed,
    requests: load.requests,
    stories: load.stories,
    idle: { before, after },
    trends,
    rows: Object.fromEntries(Object.entries(TABLES).map(([table]) => [table, rows[table as Table].length])),
    wrong: load.wrong,
    missing,
    call,
    samples,
    call_samples,
    stolen: await stolen(),
    conclusion: conclude({ trends, wrong: load.wrong.count, missing }),
  };
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
  Deno.exit(CODES[outcome.conclusion]);
}
