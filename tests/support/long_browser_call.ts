/**
 * A call that lasts, on the page that people open, in a real browser: somebody asks aloud again and again, each time
 * when the answer has been heard, and everything that comes back is measured where people hear it.
 *
 * @module
 */
import type { CDPSession, Page } from "playwright-core";
import { DEVICES, startBrowser } from "./browser.ts";
import { BROWSER, speech } from "./calls.ts";
import { LATENESS, type Lateness } from "./lateness.ts";
import { hasProgram } from "./parts.ts";
import type { Span } from "./real_time.ts";
import { PATIENCE_MS } from "./waiting.ts";

/** What is missing here for such a call. */
export function missingParts(): string[] {
  return [...BROWSER === undefined ? ["chromium"] : [], ...hasProgram("espeak-ng") ? [] : ["espeak-ng"]];
}

/** What was seen since the look before. */
export interface CallLook extends Lateness {
  /** Questions so far. */
  asked: number;
  /** What the page holds when garbage is collected, in megabytes. */
  heap: number;
}

/** What was counted by the page, from the first question on. */
export interface BrowserCallReport {
  seconds: number;
  /** Questions; those whose answer was said to its end; those after which something was heard. */
  asked: number;
  answered: number;
  heard: number;
  /** Answers that were interrupted, which nobody wants to here, and errors that were told. */
  interrupted: number;
  errors: number;
  /** How long the slowest answer took to begin, by the server's account. */
  slowest_ms: number;
  /** Connections that were made: more than one, where one was lost. */
  connections: number;
  /** Packets of the agent that came, and that never came. */
  packets: number;
  lost: number;
  /** Sound that came out of the player in all, and that was made up for what was not there in time, in seconds. */
  played_s: number;
  concealed_s: number;
  /** The first things that were not as they should be, each with its question, from when until when that was. */
  odd: (Span & { question: number; what: string })[];
}

/** See the module. */
export interface BrowserCall extends AsyncDisposable {
  look(): Promise<CallLook>;
  /** Asks nothing any more, and hangs up once the last question is answered. */
  end(): Promise<BrowserCallReport>;
}

/** What the page is told to do. */
interface Talker {
  begin(question: string): Promise<void>;
  look(): Promise<Omit<CallLook, "heap"> | null>;
  end(): Promise<BrowserCallReport>;
}

declare const talker: Talker;

/** How long the caller says nothing after an answer: its last sound has come out by then. */
const QUIET_MS = 1000;
/** How often it is looked how late the sound is. */
const LOOK_MS = 200;
/** The energy of a tenth of a second of sound at -20 dBFS. */
const HEARD = 0.001;
/** Ticks of Opus' clock in a millisecond. */
const TICKS = 48;
/** Odd things that are told of. */
export const ODD = 20;
const MB = 2 ** 20;

/** Runs in the page before its own scripts do: the microphone is what we say, and the connection can be looked at. */
const SCRIPT = `
${LATENESS}
const talker = window.talker = (() => {
  const context = new AudioContext();
  const voice = context.createMediaStreamDestination();
  // Silence, too, is sent, as from a microphone.
  const silence = new ConstantSourceNode(context, { offset: 0 });
  silence.connect(voice);
  silence.start();
  navigator.mediaDevices.getUserMedia = async () => voice.stream.clone();

  const counted = { asked: 0, answered: 0, heard: 0, interrupted: 0, errors: 0, slowest_ms: 0, connections: 0, odd: [] };
  let pc, how, begun, sound, over = false, talking, from = Date.now();
  const wonder = (what) => counted.odd.length < ${ODD} && counted.odd.push({ question: counted.asked, what: String(what), from });
  const settle = () => {
    for (const odd of counted.odd) odd.until ??= Date.now();
  };

  const take = ({ type, data }) => {
    if (type === "agent.done") {
      counted.slowest_ms = Math.max(counted.slowest_ms, data.latency.first_sound_ms ?? 0);
      how = "answered";
    } else if (type === "transcript.final" && data.text === "") how = "nothing was understood";
    else if (type === "agent.interrupted" || type === "error") {
      counted[type === "error" ? "errors" : "interrupted"]++;
      wonder(type + " " + JSON.stringify(data).slice(0, 300));
    }
  };
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...given) {
      super(...given);
      pc = this;
      counted.connections++;
    }
    createDataChannel(...given) {
      const channel = super.createDataChannel(...given);
      channel.addEventListener("message", ({ data }) => take(JSON.parse(data)));
      return channel;
    }
  };

  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const inbound = () => inboundOf(pc);
  // Whoever waits for the page is told what came of it, so it gives up before.
  const until = async (seen) => {
    for (const end = performance.now() + ${PATIENCE_MS / 3}; performance.now() < end; await pause(${LOOK_MS})) {
      if (await seen()) return true;
    }
    return false;
  };
  const say = (buffer) => new Promise((resolve) => {
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(voice);
    source.onended = resolve;
    source.start();
  });
  const ask = async (question) => {
    const { totalAudioEnergy } = await inbound();
    how = undefined;
    from = Date.now();
    counted.asked++;
    await say(question);
    await until(() => how !== undefined);
    if (how !== "answered") return wonder(how ?? "nothing came");
    counted.answered++;
    // Sound is heard a little after the server has sent it.
    if (await until(async () => (await inbound()).totalAudioEnergy - totalAudioEnergy > ${HEARD})) counted.heard++;
    else wonder("nothing was heard");
    await pause(${QUIET_MS});
  };

  return {
    async begin(encoded) {
      const question = await context.decodeAudioData(Uint8Array.fromBase64(encoded).buffer);
      if (!await until(async () => await inbound() !== undefined)) throw new Error("The agent's sound doesn't come");
      begun = { ...await inbound(), at: performance.now() };
      sound = lateness(() => pc);
      talking = (async () => {
        while (!over) {
          await ask(question);
          settle();
        }
      })();
      talking.catch(wonder);
    },
    async look() {
      const seen = await sound.look();
      return seen && { asked: counted.asked, ...seen };
    },
    async end() {
      over = true;
      sound.end();
      await talking;
      settle();
      const now = await inbound();
      const since = (name) => now[name] - begun[name];
      return {
        seconds: (performance.now() - begun.at) / 1000,
        ...counted,
        packets: since("packetsReceived"),
        lost: since("packetsLost"),
        played_s: since("totalSamplesReceived") / ${TICKS * 1000},
        concealed_s: since("concealedSamples") / ${TICKS * 1000},
      };
    },
  };
})();
`;

/** Options for {@linkcode startBrowserCall}. */
export interface BrowserCallOptions {
  /** Where the server is. */
  url: string;
  key: string;
  /** What is asked, which espeak-ng says. */
  question: string;
}

/** Presses the button. */
async function enter(page: Page, { url, key }: BrowserCallOptions): Promise<void> {
  await page.addInitScript(SCRIPT);
  await page.goto(`${url}/call`);
  await page.getByLabel("Key").fill(key);
  await page.locator("#start:enabled").click();
  await page.locator('#state[data-state="connected"]').waitFor();
}

/** What the page holds when garbage is collected, in megabytes. */
async function heapOf(devtools: CDPSession): Promise<number> {
  await devtools.send("HeapProfiler.collectGarbage");
  const { usedSize, embedderHeapUsedSize = 0 } = await devtools.send("Runtime.getHeapUsage") as {
    usedSize: number;
    embedderHeapUsedSize?: number;
  };
  return (usedSize + embedderHeapUsedSize) / MB;
}

/** Calls, and begins to ask. */
export async function startBrowserCall(options: BrowserCallOptions): Promise<BrowserCall> {
  const question = await speech(options.question);
  await using stack = new AsyncDisposableStack();
  const browser = stack.use(await startBrowser(BROWSER!, { flags: DEVICES }));
  const { page, notes } = await browser.newPage({ permissions: ["microphone"] });
  await enter(page, options);
  const devtools = await page.context().newCDPSession(page);
  await page.evaluate((question) => talker.begin(question), question.toBase64());
  const owned = stack.move();
  return {
    async look() {
      const seen = await page.evaluate(() => talker.look());
      if (seen === null) throw new Error("No sound has come out of the page since it was looked at last");
      return { ...seen, heap: await heapOf(devtools) };
    },
    async end() {
      const report = await page.evaluate(() => talker.end());
      await page.getByRole("button", { name: "Hang up" }).click();
      await page.locator('body[data-view="over"]').waitFor();
      // What the page itself complains of is of no time that could excuse it.
      const complaints = notes.complaints.map((what) => ({ question: 0, what, from: Infinity, until: Infinity }));
      return { ...report, odd: [...report.odd, ...complaints] };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
