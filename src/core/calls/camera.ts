/**
 * What the caller's camera and screen show, when somebody looks.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { LookSource } from "../../domain/rtc_event.ts";
import { abortable } from "../../kit/abortable.ts";
import type { Clock } from "../../kit/clock.ts";
import { joinSignals } from "../../kit/joined_signal.ts";
import type { MediaPacket } from "../../ports/peers.ts";
import { type Size, toWebp } from "./vp8.ts";
import { Vp8Frames } from "./vp8_frames.ts";

/** A picture. */
export interface Look extends Size {
  /** WebP. */
  image: Uint8Array<ArrayBuffer>;
}

/** Options for {@linkcode Camera}. */
export interface CameraOptions {
  clock: Clock;
  /** The sections of video that the other end sends. */
  sending(): readonly string[];
  /** Asks the other end for a whole picture of a track. */
  requestKeyframe(mid: string): void;
  /** How long a picture is waited for. */
  timeout_ms: number;
  /** Between two requests for pictures of one track: each costs the caller's line as much as many frames. */
  interval_ms: number;
}

/** Sections a call may name. */
const MAX_TRACKS = 16;

interface Track {
  frames: Vp8Frames;
  asked_at: number;
  timer: Disposable | undefined;
  waiting: Set<(look: Look) => void>;
}

/** Looks through the video of one call. Packets are put together only while somebody looks. */
export class Camera implements Disposable {
  readonly #options: CameraOptions;
  #tracks = new Map<string, Track>();
  /** What the client said; undefined: nothing. */
  #names: ReadonlyMap<string, LookSource> | undefined;
  /** The camera of a client that said nothing: the first that there was. Whatever else it sends is something else. */
  #unnamed: string | undefined;
  #closed = new AbortController();
  /** Aborts the looks that go on: what they looked at is something else by now. */
  #mixedUp = new AbortController();

  constructor(options: CameraOptions) {
    this.#options = options;
  }

  /**
   * What the tracks are, as the client says, all of them: one that isn't named is off. Of a client that never says
   * anything, what comes first is the camera.
   */
  name(tracks: Readonly<Record<string, string>>): void {
    const named = Object.entries(tracks).filter(([, what]) => what === "camera" || what === "screen");
    const looking = [...this.#tracks].flatMap(([mid, { waiting }]) => waiting.size > 0 ? [mid] : []);
    const before = looking.map((mid) => this.#sourceOf(mid));
    this.#names = new Map(named.slice(0, MAX_TRACKS) as [string, LookSource][]);
    if (looking.some((mid, n) => this.#sourceOf(mid) !== before[n])) this.#startOver();
  }

  /** Another connection takes the place of the one before. What its tracks are has to be said again. */
  replace(): void {
    if (this.#names !== undefined) this.#names = new Map();
    this.#unnamed = undefined;
    this.#startOver();
  }

  /** What is sent may have changed: nobody waits for a picture of what isn't any more. */
  check(): void {
    const waited = [...this.#tracks].filter(([, { waiting }]) => waiting.size > 0);
    if (waited.length === 0) return;
    const sending = this.#sending();
    if (waited.some(([mid]) => !sending.includes(mid))) this.#startOver();
  }

  /** What there is to look at. */
  get sources(): ReadonlySet<LookSource> {
    return new Set(this.#sending().flatMap((mid) => this.#sourceOf(mid) ?? []));
  }

  /** Takes a packet of video. */
  take(packet: MediaPacket): void {
    const track = this.#tracks.get(packet.mid);
    if (track === undefined || track.waiting.size === 0) return;
    for (const { key, data, size } of track.frames.push(packet)) {
      if (!key) continue;
      const look = { image: toWebp(data), ...size };
      for (const resolve of track.waiting) resolve(look);
      this.#rest(track);
      return;
    }
  }

  /**
   * What `source` shows now. Rejects with `ConflictError` when it isn't there, with `TimeoutError` when no picture
   * comes.
   */
  async look(source: LookSource, { signal }: { signal: AbortSignal }): Promise<Look> {
    // The newest is what is meant: a browser that shares another window begins another track.
    const mid = this.#sending().findLast((mid) => this.#sourceOf(mid) === source);
    if (mid === undefined) throw new AppError("ConflictError", `Cannot look at the ${source}: it is off`);
    const track = this.#open(mid);
    const { clock, timeout_ms } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<Look>();
    const late = clock.after(timeout_ms, () => {
      reject(new AppError("TimeoutError", `Cannot look at the ${source}: no picture came in ${timeout_ms} ms`));
    });
    using stop = joinSignals(signal, this.#closed.signal, this.#mixedUp.signal);
    try {
      track.waiting.add(resolve);
      if (!stop.signal.aborted) this.#ask(mid, track);
      return await abortable(promise, stop.signal);
    } finally {
      late[Symbol.dispose]();
      track.waiting.delete(resolve);
      if (track.waiting.size === 0) this.#rest(track);
    }
  }

  /** Ends every look. */
  [Symbol.dispose](): void {
    for (const track of this.#tracks.values()) this.#rest(track);
    this.#closed.abort(new AppError("CancelledError", "Cannot look: the call has ended"));
  }

  #startOver(): void {
    this.#mixedUp.abort(new AppError("ConflictError", "Cannot go on looking: what is shared has changed, look again"));
    this.#mixedUp = new AbortController();
  }

  #sourceOf(mid: string): LookSource | undefined {
    if (this.#names !== undefined) return this.#names.get(mid);
    return mid === this.#unnamed ? "camera" : undefined;
  }

  #sending(): readonly string[] {
    const sending = this.#options.sending();
    this.#unnamed ??= sending[0];
    return sending;
  }

  #open(mid: string): Track {
    const sending = this.#sending();
    for (const [known, track] of this.#tracks) {
      if (sending.includes(known)) continue;
      this.#rest(track);
      this.#tracks.delete(known);
    }
    let track = this.#tracks.get(mid);
    if (track === undefined) {
      track = { frames: new Vp8Frames(), asked_at: -Infinity, timer: undefined, waiting: new Set() };
      this.#tracks.set(mid, track);
    }
    return track;
  }

  /** Asks, and again until a picture is there: the request, or the picture, may be lost. */
  #ask(mid: string, track: Track): void {
    if (track.timer !== undefined) return;
    const { clock, interval_ms } = this.#options;
    const due = track.asked_at + interval_ms - clock.now();
    const ask = () => {
      track.asked_at = clock.now();
      track.timer = clock.after(interval_ms, ask);
      this.#options.requestKeyframe(mid);
    };
    if (due > 0) track.timer = clock.after(due, ask);
    else ask();
  }

  /** Nobody looks any more: what was put together by then would be old when somebody does. */
  #rest(track: Track): void {
    track.timer?.[Symbol.dispose]();
    track.timer = undefined;
    track.frames = new Vp8Frames();
  }
}
