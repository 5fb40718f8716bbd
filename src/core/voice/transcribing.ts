/**
 * Writes down one stretch of speech.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Clock } from "../../kit/clock.ts";
import { Queue } from "../../kit/queue.ts";
import { Resampler } from "../../kit/resampler.ts";
import { FRAME_MS } from "../../ports/audio_codec.ts";
import type { SpeechToText, Transcript } from "../../ports/speech_to_text.ts";
import type { VoiceLimits } from "./voice_limits.ts";

/** The rate at which the caller is heard. */
export const HEARING_RATE = 16_000;
/** How much may wait for an engine beyond the longest turn. */
const MORE_MS = 5000;

/** What a {@linkcode Transcription} needs. */
export interface TranscriptionDeps {
  stt: SpeechToText;
  clock: Clock;
  language: string | undefined;
  /** How many frames may wait for the engine. */
  max_frames: number;
  /** How long the last words are waited for, once the speech is over, and how long any at all. */
  last_ms: number;
  whole_ms: number;
  /** Told what is understood while somebody still speaks. */
  onPartial(transcript: Transcript): void;
}

/** What opens transcriptions. */
export interface TranscriberDeps {
  stt: SpeechToText;
  clock: Clock;
  language(): string | undefined;
  limits: Pick<VoiceLimits, "max_turn_ms" | "preroll_ms" | "transcript_ms" | "utterance_ms">;
}

/** Opens the transcription of one stretch of speech. */
export function transcribeWith(
  { stt, clock, language, limits }: TranscriberDeps,
  onPartial: () => void,
): Transcription {
  return new Transcription({
    stt,
    clock,
    language: language(),
    max_frames: Math.ceil((limits.max_turn_ms + limits.preroll_ms + MORE_MS) / FRAME_MS),
    last_ms: stt.streaming ? limits.transcript_ms : limits.utterance_ms,
    whole_ms: limits.utterance_ms,
    onPartial,
  });
}

/** Speech that is being written down. */
export class Transcription implements Disposable {
  readonly #deps: TranscriptionDeps;
  readonly #audio: Queue<Int16Array>;
  readonly #resampler: Resampler | undefined;
  readonly #stop = new AbortController();
  readonly #result = Promise.withResolvers<Transcript>();
  #last: Transcript = { text: "", final: false };
  #limit: Disposable | undefined;
  #settled = false;

  constructor(deps: TranscriptionDeps) {
    this.#deps = deps;
    this.#audio = new Queue({ capacity: deps.max_frames, overflow: "drop_oldest" });
    if (deps.stt.rate !== HEARING_RATE) this.#resampler = new Resampler({ from: HEARING_RATE, to: deps.stt.rate });
    // Who never asks is not to blame for a failure.
    this.#result.promise.catch(() => {});
    void this.#follow();
  }

  /** What was understood so far. */
  get partial(): string {
    return this.#last.text;
  }

  /** What was said, once the speech is over. Rejects with the engine's `AppError`, or with `TimeoutError`. */
  get result(): Promise<Transcript> {
    return this.#result.promise;
  }

  /** Adds a frame at {@linkcode HEARING_RATE}. */
  push(frame: Int16Array): void {
    this.#audio.push(this.#resampler?.push(frame) ?? frame);
  }

  /** The speech is over. */
  end(): void {
    if (this.#audio.ended) return;
    const last = this.#resampler?.end();
    if (last && last.length > 0) this.#audio.push(last);
    this.#audio.end();
    if (this.#settled) return;
    const { clock, last_ms, whole_ms } = this.#deps;
    this.#limit = clock.after(last_ms, () => this.#late(whole_ms - last_ms));
  }

  /** Nobody wants to know any more. */
  [Symbol.dispose](): void {
    this.#settle({ text: this.#last.text, final: true });
  }

  async #follow(): Promise<void> {
    const { stt, language, onPartial } = this.#deps;
    const options = { ...language !== undefined && { language }, signal: this.#stop.signal };
    try {
      for await (const transcript of stt.transcribe(this.#audio, options)) {
        if (this.#settled) return;
        this.#last = transcript;
        if (transcript.final) break;
        onPartial(transcript);
      }
      this.#settle({ ...this.#last, final: true });
    } catch (error) {
      this.#fail(error);
    }
  }

  #late(left_ms: number): void {
    // What was understood until now is better than nothing, and nothing is worth another wait.
    if (this.#last.text !== "") return this.#settle({ ...this.#last, final: true });
    const { clock, whole_ms } = this.#deps;
    if (left_ms > 0) return void (this.#limit = clock.after(left_ms, () => this.#late(0)));
    this.#fail(new AppError("TimeoutError", `Cannot write down what was said: nothing came in ${whole_ms} ms`));
  }

  #settle(transcript: Transcript): void {
    this.#result.resolve(transcript);
    this.#close();
  }

  #fail(error: unknown): void {
    this.#result.reject(AppError.from(error));
    this.#close();
  }

  #close(): void {
    this.#settled = true;
    this.#limit?.[Symbol.dispose]();
    this.#audio.end();
    this.#audio.clear();
    this.#stop.abort(new AppError("CancelledError", "The speech is written down, or nobody wants to know"));
  }
}
