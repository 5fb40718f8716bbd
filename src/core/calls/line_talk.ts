/**
 * Speaking in a call over one flow of texts each way, sound among them.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import { type Clock, sleep } from "../../kit/clock.ts";
import { joinSignals } from "../../kit/joined_signal.ts";
import { Queue } from "../../kit/queue.ts";
import { toFrame } from "./call_events.ts";
import { Line, LINE_FRAME, soundMs } from "./line.ts";
import type { CallSession } from "./session.ts";

/** How many texts may wait to be taken: who leaves so much has lost the thread. */
const MAX_WAITING = 4096;
/** From how many on the agent falls silent, and down to how many before it goes on. */
const STALLED = 100;
const FLOWING = 5;
/** How much sound is listened to at once, and the pause after it: sound may come faster than it was spoken. */
const BATCH_MS = 400;
const PAUSE_MS = 20;
/** What a text begins with that is sound. */
const SOUND = '{"type":"sound"';

/** How a call is spoken in. */
export interface LineOptions {
  clock: Clock;
  /** What clients say, as on the data channel, and `{"type":"sound","data":…}`. */
  incoming: AsyncIterable<string>;
  signal: AbortSignal;
}

/** What `line` hears, as texts in their order with what happens in the call. */
export class LineTalk {
  readonly #out = new Queue<string>({ capacity: MAX_WAITING, overflow: "drop_newest" });
  /** What the call's sound goes over. */
  readonly line: Line = new Line({ onSound: (bytes) => this.#hear(bytes) });
  #session: CallSession | undefined;
  /** Sound, and the event it comes after. */
  #held: { after: number; text: string }[] = [];
  #told = 0;
  #stalled = false;

  /** Begins: the caller is there. What comes ends with the call, which ends with `incoming`. */
  async begin(
    session: CallSession,
    principal: Principal,
    { clock, incoming, signal }: LineOptions,
  ): Promise<AsyncIterable<string>> {
    using opened = new DisposableStack();
    const packing = opened.use(await this.line.openPacking(clock));
    await session.signalling.answer("");
    opened.move();
    session.taps.pack = (...packet) => packing.pack(...packet);
    this.#session = session;
    const gone = new AbortController();
    const over = joinSignals(signal, gone.signal);
    const events = session.events.follow({ cursor: undefined, signal: over.signal });
    const leave = () => {
      gone.abort();
      this.line.close();
    };
    over.signal.addEventListener("abort", leave, { once: true });
    void (async () => {
      for await (const event of events) {
        this.#put(toFrame(event));
        this.#told = event.seq;
        this.#release();
      }
    })().catch(() => {}).finally(() => {
      this.#out.end();
      leave();
      session.taps.pack = undefined;
      packing[Symbol.dispose]();
      over[Symbol.dispose]();
    });
    void this.#listen(principal, { clock, incoming, signal: over.signal }).catch(() => {}).finally(leave);
    this.line.stall(false);
    if (over.signal.aborted) leave();
    return this.#read(leave);
  }

  async *#read(leave: () => void): AsyncGenerator<string> {
    try {
      for await (const text of this.#out) {
        yield text;
        if (this.#stalled && this.#out.size <= FLOWING) this.#stall(false);
      }
    } finally {
      leave();
    }
  }

  async #listen(principal: Principal, { clock, incoming, signal }: LineOptions): Promise<void> {
    const session = this.#session!;
    let heard_ms = 0;
    let since = clock.now();
    for await (const text of incoming) {
      if (!text.startsWith(SOUND)) {
        session.take(text, principal);
        continue;
      }
      const bytes = readSound(text);
      if (bytes instanceof AppError) {
        session.events.emit({ type: "error", data: bytes.toBody() });
        continue;
      }
      for (let at = 0; at < bytes.length; at += LINE_FRAME) {
        const piece = bytes.subarray(at, at + LINE_FRAME);
        this.line.hear(piece);
        heard_ms += soundMs(piece.length);
        if (heard_ms < BATCH_MS) continue;
        if (clock.now() - since < BATCH_MS) await sleep(clock, PAUSE_MS);
        if (signal.aborted) return;
        [heard_ms, since] = [0, clock.now()];
      }
    }
  }

  /** The agent speaks. What is told of it comes first. */
  #hear(bytes: Uint8Array): void {
    const text = `${SOUND},"data":"${bytes.toBase64()}"}`;
    const after = this.#session?.events.last ?? 0;
    if (after > this.#told) this.#held.push({ after, text });
    else this.#put(text);
    if (!this.#stalled && this.#out.size >= STALLED) this.#stall(true);
  }

  #release(): void {
    const due = this.#held.findIndex(({ after }) => after > this.#told);
    for (const { text } of this.#held.splice(0, due < 0 ? this.#held.length : due)) this.#put(text);
  }

  #put(text: string): void {
    if (!this.#out.push(text) && !this.#out.ended) this.line.close();
  }

  #stall(stalled: boolean): void {
    this.#stalled = stalled;
    this.line.stall(stalled);
  }
}

function readSound(text: string): Uint8Array | AppError {
  try {
    const { data } = JSON.parse(text);
    const bytes = Uint8Array.fromBase64(data);
    if (bytes.length % 2 === 0) return bytes;
  } catch {
    // Said below.
  }
  return new AppError("ValidationError", "Cannot hear the sound: expected 16-bit samples in base64");
}
