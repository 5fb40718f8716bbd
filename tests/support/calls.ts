/**
 * A server that takes calls, and a browser that calls it.
 *
 * @module
 */
import type { Page } from "playwright-core";
import { findBrowser, startBrowser } from "./browser.ts";
import { streamFrames } from "./events.ts";
import { type RtcPage, type RtcPageOptions, serveRtcPage } from "./rtc_page.ts";
import { hasProgram } from "./parts.ts";
import { realTime } from "./real_time.ts";
import type { TestServer } from "./server.ts";
import { ESPEAK, pocketsphinx, speechEnv } from "./speech.ts";
import { Waiting, within } from "./waiting.ts";

declare const rtc: RtcPage;

/** The browser of this machine, if there is one. */
export const BROWSER = findBrowser();

/** A test that needs a browser. */
export function inBrowser(name: string, fn: () => Promise<void>): void {
  realTime({ name, ignore: BROWSER === undefined, fn });
}

/** Opens the page that calls. */
export async function openPage(
  stack: AsyncDisposableStack,
  sound?: Uint8Array<ArrayBuffer>,
): Promise<{ page: Page; close(): Promise<void> }> {
  const site = stack.use(serveRtcPage({ ...sound && { sound } }));
  const browser = stack.use(await startBrowser(BROWSER!));
  const { page } = await browser.newPage();
  await page.goto(site.url);
  await page.click("button");
  return { page, close: async () => await browser[Symbol.asyncDispose]() };
}

/** JSON of a response that must be good. */
export async function good<T = Record<string, unknown>>(response: Response): Promise<T> {
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text}`);
  return (text === "" ? null : JSON.parse(text)) as T;
}

/** A page that calls, whoever drives it. */
export type Calling = Pick<Page, "evaluate">;

/** Calls from the page. Resolves with the call's id when media flows. */
export async function callFrom(
  page: Calling,
  server: TestServer,
  { body = {}, ...options }: RtcPageOptions & { body?: Record<string, unknown> } = {},
): Promise<string> {
  const sdp = await page.evaluate((options) => rtc.open(options), { channel: "muxi", ...options });
  const answer = await good<{ session_id: string; sdp: string }>(
    await server.request("POST", "/rtc/offer", { body: { type: "offer", sdp, ...body } }),
  );
  await page.evaluate((sdp) => rtc.accept(sdp), answer.sdp);
  await page.evaluate(() => rtc.connected());
  if (options.channel !== "") await page.evaluate(() => rtc.channelOpen());
  return answer.session_id;
}

/** An event as it comes. */
export interface Told {
  seq: number;
  type: string;
  // deno-lint-ignore no-explicit-any -- of every type
  data: any;
}

/** How many events, and how much of each, are told of a story that doesn't go on. */
const LAST = { events: 20, characters: 300 } as const;

/** The events of a call, followed over SSE from its beginning. */
export class CallStory implements AsyncDisposable {
  readonly events: Told[] = [];
  /** Whether the stream has ended by itself. */
  ended = false;
  readonly #leave = new AbortController();
  readonly #done: Promise<void>;
  readonly #waiting = new Waiting();
  #failure: unknown;

  constructor(server: TestServer, session_id: string, { after, key }: { after?: number; key?: string } = {}) {
    this.#done = this.#read(server, session_id, after, key).catch((error) => {
      if (this.#leave.signal.aborted) return;
      this.#failure = error;
      this.#waiting.told();
      throw error;
    });
    // Whoever waits is told of it.
    this.#done.catch(() => {});
  }

  /** All of a type. */
  of(type: string): Told["data"][] {
    return this.events.filter((event) => event.type === type).map(({ data }) => data);
  }

  /** Resolves with the first event that `fits`, when it is there. */
  until(fits: (event: Told) => boolean): Promise<Told> {
    const seen = () => this.#last();
    return this.#waiting.until(`an event of the call: ${fits}`, () => {
      const found = this.events.find(fits);
      if (found) return found;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.ended || this.#leave.signal.aborted) throw new Error(`The call has ended: ${this.#last()}`);
    }, { seen });
  }

  /** Resolves when the call is in `state`. */
  state(state: string): Promise<Told> {
    return this.until(({ type, data }) => type === "session.state" && data.state === state);
  }

  /** Resolves when the stream has ended. */
  get over(): Promise<void> {
    return within("the end of the call", this.#done, { seen: () => this.#last() });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave.abort();
    this.#waiting.told();
    await within("the end of the call's events", this.#done);
  }

  /** What was told last, in short. */
  #last(): string {
    // Figures go on when nothing else does.
    const stats = this.events.findLast(({ type }) => type === "stats");
    const last = this.events.filter(({ type }) => type !== "stats").slice(-LAST.events);
    const told = [...last, ...stats ? [stats] : []].map(({ seq, type, data }) =>
      `${seq} ${type} ${JSON.stringify(data).slice(0, LAST.characters)}`
    );
    return `${this.events.length} events, the last of them:\n${told.join("\n")}`;
  }

  async #read(server: TestServer, id: string, after: number | undefined, key: string | undefined): Promise<void> {
    const query = after === undefined ? "" : `?starting_after=${after}`;
    const { signal } = this.#leave;
    const response = await server.request("GET", `/rtc/sessions/${id}/events${query}`, {
      headers: { accept: "text/event-stream" },
      signal,
      ...key !== undefined && { key },
    });
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    // A fetch that has answered can forget its signal. Who waits for an event of the story is patient enough.
    for await (const { id: seq, type, data } of streamFrames(response, { signal, patience_ms: Infinity })) {
      this.events.push({ seq: seq!, type, data });
      this.#waiting.told();
    }
    this.ended = true;
    this.#waiting.told();
  }
}

/** Whether a caller can speak and be understood here, without a network. */
export const SPEAKS = BROWSER !== undefined &&
  ["espeak-ng", "pocketsphinx_continuous", "ffmpeg"].every((program) => hasProgram(program));

/** A test in which people speak. */
export function aloud(name: string, fn: () => Promise<void>): void {
  realTime({ name, ignore: !SPEAKS, fn });
}

/** Runs a program on bytes. */
export async function pipe([program = "", ...args]: readonly string[], input: Uint8Array) {
  const options = { args, clearEnv: true, env: speechEnv(), stdin: "piped", stdout: "piped", stderr: "null" } as const;
  const child = new Deno.Command(program, options).spawn();
  const writer = child.stdin.getWriter();
  const written = writer.write(input as BufferSource as Uint8Array).then(() => writer.close()).catch(() => {});
  const { stdout } = await child.output();
  await written;
  return new Uint8Array(stdout);
}

/** A sentence as a WAV file. */
export function speech(sentence: string): Promise<Uint8Array<ArrayBuffer>> {
  const espeak = ESPEAK.map((part) => part.replace("{voice}", "en-us").replace("{words_per_minute}", "140"));
  return pipe(espeak, new TextEncoder().encode(sentence));
}

/** What is said in a recording of the page, by a grammar of sentences. */
export async function understood(recorded: string, grammar: string): Promise<string[]> {
  const pcm = await pipe(
    ["ffmpeg", "-v", "error", "-i", "pipe:0", "-ar", "16000", "-ac", "1", "-f", "s16le", "pipe:1"],
    Uint8Array.from(atob(recorded), (character) => character.charCodeAt(0)),
  );
  const lines = new TextDecoder().decode(await pipe(pocketsphinx(grammar), pcm)).split("\n");
  return lines.map((line) => line.trim()).filter((line) => line !== "");
}

/** The settings of engines that speak and hear without a network, by the grammar at `path`. */
export function speechSettings(path: string) {
  return {
    speech: {
      stt: { engine: "command", command: pocketsphinx(path), input: "raw", language: "en" },
      tts: { engine: "command", command: ESPEAK, language: "en-us" },
    },
  };
}
