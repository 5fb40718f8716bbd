/**
 * Says what is written.
 *
 * @module
 */

/** An engine. */
export interface TextToSpeech {
  /** Samples a second of what it gives. */
  readonly rate: number;
  /**
   * Says `text`; gives mono samples as they are made, in pieces of any length.
   * Rejects with `UpstreamError`, `TimeoutError`, `ConfigurationError`.
   */
  speak(
    text: string,
    options: { voice?: string; language?: string; speed?: number; signal: AbortSignal },
  ): AsyncIterable<Int16Array>;
  /** Whether it can be used, in words for people. */
  check(signal: AbortSignal): Promise<{ ok: boolean; detail: string }>;
}
