/**
 * When the caller begins and ceases to speak.
 *
 * @module
 */
import { levelOf } from "../../kit/pcm.ts";
import { FRAME_MS } from "../../ports/audio_codec.ts";
import type { VoiceActivityStream } from "../../ports/voice_activity.ts";
import type { EchoGuard } from "./echo_guard.ts";
import type { VoiceLimits } from "./voice_limits.ts";

/** Of the last `of` frames, how many hold speech when it begins. */
const ONSET = { frames: 3, of: 4 };

/** What counts as speech, and as a pause. */
export type HearingLimits = Pick<VoiceLimits, "vad_threshold_db" | "preroll_ms" | "pause_ms">;

/** What {@linkcode Hearing} needs. */
export interface HearingDeps {
  activity: VoiceActivityStream;
  /** Absent: every sound is the caller's. */
  echo: EchoGuard | undefined;
  limits: HearingLimits;
}

/** Listens to frames of 20 ms at 16,000 samples a second. */
export class Hearing {
  readonly #deps: HearingDeps;
  #limits: HearingLimits;
  #recent: boolean[] = [];
  #before: Int16Array[] = [];
  #speaking = false;
  #voiced = 0;
  #quiet = 0;

  constructor(deps: HearingDeps) {
    this.#deps = deps;
    this.#limits = deps.limits;
  }

  /** How much speech there was since it began, in milliseconds. */
  get voiced_ms(): number {
    return this.#voiced * FRAME_MS;
  }

  /** How long there was none, in milliseconds. */
  get quiet_ms(): number {
    return this.#quiet * FRAME_MS;
  }

  /** Hears a frame: says whether speech begins with it, or pauses. */
  hear(frame: Int16Array): "started" | "paused" | undefined {
    const speech = this.#isSpeech(frame);
    this.#recent.push(speech);
    if (this.#recent.length > ONSET.of) this.#recent.shift();
    this.#quiet = speech ? 0 : this.#quiet + 1;
    if (this.#speaking) return this.#on(speech);
    this.#before.push(frame);
    const most = this.#limits.preroll_ms / FRAME_MS + ONSET.of;
    while (this.#before.length > most) this.#before.shift();
    if (this.#recent.filter(Boolean).length < ONSET.frames) return undefined;
    this.#speaking = true;
    this.#voiced = ONSET.frames;
    return "started";
  }

  /** Hears by other limits from the next frame on. */
  tune(limits: HearingLimits): void {
    this.#limits = limits;
  }

  /** What was heard right before speech began, and its first frames. */
  takePreroll(): Int16Array[] {
    const before = this.#before;
    this.#before = [];
    return before;
  }

  /** Forgets that somebody speaks: who still does, begins anew. */
  reset(): void {
    this.#speaking = false;
    this.#recent = [];
    this.#voiced = 0;
  }

  #on(speech: boolean): "paused" | undefined {
    if (speech) this.#voiced++;
    if (this.quiet_ms < this.#limits.pause_ms) return undefined;
    this.#speaking = false;
    this.#recent = [];
    return "paused";
  }

  #isSpeech(frame: Int16Array): boolean {
    const { activity, echo } = this.#deps;
    // The detector follows the noise, so it hears everything.
    const voice = activity.isSpeech(frame);
    const level = levelOf(frame);
    const own = echo?.isEcho(level) ?? false;
    return voice && level > this.#limits.vad_threshold_db && !own;
  }
}
