/**
 * How quick a conversation is, with engines and a model that take no time: from the end of speech to the first sound of
 * the answer, by stage, and from the first word of an interruption to silence.
 *
 * The end of speech is the moment at which the caller's turn counts as over; before it lies the silence that is waited
 * for, which is a setting and is shown by itself.
 *
 * @module
 */
import { createOpusCodec } from "../../src/adapters/opus/codec.ts";
import { levelOf } from "../../src/kit/pcm.ts";
import { type Caller, openCaller, type Packets, speechPackets } from "../support/caller.ts";
import { hasProgram } from "../support/parts.ts";
import { startProvider } from "../support/provider.ts";
import { BENCH_KEY, openFolder, startChild, startMuxi } from "./support/child.ts";
import { type Figure, median, runWalks, type Walk } from "./support/report.ts";

/** What the caller speaks by. */
const PROGRAMS = ["espeak-ng", "ffmpeg"];
const TURNS = 6;
const SENTENCE = "what is the weather in london today";
const STORY = "Tell me a long story";
const LONG = Array.from({ length: 40 }, (_, i) => `This is sentence number ${i + 1}. `);
const SHORT = ["It", " is", " sunny", "."];
/**
 * Below, in dBFS, a packet is silent: its second half, since the codec puts the last 6 ms of a sound into the packet
 * after it.
 */
const SILENT_DB = -50;

/** A packet of the agent: when it came, and whether it sounds. */
interface Heard {
  at: number;
  loud: boolean;
}

type Stage = "turn_ms" | "transcript_ms" | "first_token_ms" | "first_sound_ms";

/** What a turn took, in milliseconds. */
interface Turn extends Record<Stage, number> {
  /** From the caller's last packet of speech to the first packet of the answer, by the caller's clock. */
  outside: number;
}

/** How many packets in a row make sound or silence: between two sentences one may be short. */
const IN_A_ROW = 3;

/** When the first packet came after `from` from which on all are loud, or silent. */
async function firstAfter(heard: Heard[], from: number, loud: boolean): Promise<number> {
  for (;;) {
    const found = heard.find(({ at }, i) => {
      const row = heard.slice(i, i + IN_A_ROW);
      return at >= from && row.length === IN_A_ROW && row.every((packet) => packet.loud === loud);
    });
    if (found) return found.at;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Says the sentence and listens to the answer. */
async function speak(caller: Caller, { sound, silence }: Packets, heard: Heard[]): Promise<Turn> {
  const from = caller.heard.messages.length;
  heard.length = 0;
  await caller.say(sound);
  const ended = performance.now();
  // A microphone goes on.
  const quiet = caller.say(Array.from({ length: 60 }, () => silence));
  const sounds = await firstAfter(heard, ended, true);
  const { data } = await caller.told("agent.done", from);
  await quiet;
  return { ...data.latency as Record<Stage, number>, outside: sounds - ended };
}

/** Speaks into an answer; resolves with when it was noticed, and with how long the agent went on. */
async function interrupt(
  caller: Caller,
  { sound, silence }: Packets,
  heard: Heard[],
): Promise<{ noticed: number; silent: number }> {
  const from = caller.heard.messages.length;
  caller.send({ type: "text", text: STORY });
  await caller.told("agent.speaking", from);
  await caller.say(Array.from({ length: 50 }, () => silence));
  heard.length = 0;
  const started = performance.now();
  const noticing = caller.told("speech.started", caller.heard.messages.length).then(() => performance.now());
  const saying = caller.say(sound);
  const silent = await firstAfter(heard, started, false);
  await saying;
  await caller.say(Array.from({ length: 60 }, () => silence));
  const { at } = await caller.told("agent.interrupted", from);
  // What was said is answered, too.
  await caller.told("agent.done", at);
  return { noticed: await noticing - started, silent: silent - started };
}

/** Takes away the silence before and after the words. */
function trim({ sound, silence }: Packets): Packets {
  const loud = (packet: Uint8Array) => packet.length > 45;
  return { sound: sound.slice(sound.findIndex(loud), sound.findLastIndex(loud) + 1), silence };
}

/** See the module. */
export const callsLatency: Walk = async ({ note }) => {
  // Where every part must be installed, its absence is an error.
  const missing = PROGRAMS.find((program) => !hasProgram(program));
  if (missing !== undefined) {
    note(`  not measured: ${missing} is missing`);
    return [];
  }
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await openFolder());
  const engines = stack.use(await startChild(["tests/support/speech_server.ts", "--instant"]));
  const provider = stack.use(
    await startProvider({
      keep: 1,
      script: ({ body }) => ({ tokens: body.messages.at(-1).content === STORY ? LONG : SHORT }),
    }),
  );
  const base_url = `${engines.url}/v1`;
  const muxi = stack.use(
    await startMuxi({
      provider: provider.url,
      data_dir: folder.path,
      env: {
        MUXI_RTC_PORT: "0",
        MUXI_SPEECH_STT_BASE_URL: base_url,
        MUXI_SPEECH_STT_API_KEY: "sk-x",
        MUXI_SPEECH_TTS_BASE_URL: base_url,
        MUXI_SPEECH_TTS_API_KEY: "sk-x",
      },
    }),
  );
  const door = {
    request: (method: string, path: string, { body }: { body?: unknown } = {}) =>
      fetch(`${muxi.url}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${BENCH_KEY}`, "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
  };
  const heard: Heard[] = [];
  const codec = createOpusCodec();
  await codec.load();
  const decoder = stack.use(await codec.createDecoder({ rate: 16_000 }));
  const onMedia = ({ payload }: { payload: Uint8Array }, at: number) =>
    void heard.push({ at, loud: levelOf(decoder.decode(payload).subarray(160)) > SILENT_DB });
  const caller = stack.use(await openCaller(door, { onMedia }));
  const packets = trim(await speechPackets(SENTENCE));
  const turns: Turn[] = [];
  for (let i = 0; i <= TURNS; i++) {
    turns.push(await speak(caller, packets, heard));
    const told = Object.entries(turns.at(-1)!).map(([stage, ms]) => `${stage} ${ms?.toFixed(0)}`);
    note(`  turn ${i + 1}: ${told.join(", ")}`);
  }
  const stops: { noticed: number; silent: number }[] = [];
  for (let i = 0; i < TURNS; i++) {
    stops.push(await interrupt(caller, packets, heard));
    const { noticed, silent } = stops.at(-1)!;
    note(`  barge-in ${i + 1}: noticed ${noticed.toFixed(0)}, silent ${silent.toFixed(0)} ms`);
  }
  const rest = turns.slice(1);
  const middle = (of: (turn: Turn) => number) => median(rest.map(of));
  const figure = (name: string, product: number): Figure => ({ name, unit: "ms", product });
  return [
    {
      ...figure("end of speech to first sound", middle((turn) => turn.first_sound_ms - turn.turn_ms)),
      goal: { most: 250, of: "figure" },
    },
    figure("of it: until the words are there", middle((turn) => turn.transcript_ms - turn.turn_ms)),
    figure("of it: until the first token", middle((turn) => turn.first_token_ms - turn.transcript_ms)),
    figure("of it: until the first sound", middle((turn) => turn.first_sound_ms - turn.first_token_ms)),
    figure("before it: the silence that ends a turn", middle((turn) => turn.turn_ms)),
    figure("last word to first sound, as the caller hears it", middle((turn) => turn.outside)),
    {
      ...figure("barge-in to silence", median(stops.map(({ silent }) => silent))),
      goal: { most: 120, of: "figure" },
    },
    figure("of it: until the server says that it hears", median(stops.map(({ noticed }) => noticed))),
  ];
};

if (import.meta.main) await runWalks({ calls_latency: callsLatency });
