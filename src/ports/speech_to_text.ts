/**
 * Writes down what is said.
 *
 * @module
 */
import type { SampleRate } from "./audio_codec.ts";

/** What was understood. Each one replaces the one before, until one is final. */
export interface Transcript {
  text: string;
  final: boolean;
  language?: string;
}

/** An engine. */
export interface SpeechToText {
  /** The rate at which it wants to hear. */
  readonly rate: SampleRate;
  /** Whether it understands while somebody still speaks. */
  readonly streaming: boolean;
  /**
   * Transcribes `audio` (mono) until it ends; the last transcript is final, and empty when nothing was understood.
   * Rejects with `UpstreamError`, `TimeoutError`, `ConfigurationError`.
   */
  transcribe(
    audio: AsyncIterable<Int16Array>,
    options: { language?: string; prompt?: string; signal: AbortSignal },
  ): AsyncIterable<Transcript>;
  /** Whether it can be used, in words for people. */
  check(signal: AbortSignal): Promise<{ ok: boolean; detail: string }>;
}
