/**
 * Whether a sound is speech.
 *
 * @module
 */

/** Listens to one voice. */
export interface VoiceActivityStream extends Disposable {
  /** Whether `frame` (20 ms at 16,000 samples a second) holds speech. */
  isSpeech(frame: Int16Array): boolean;
}

/** Opens streams. */
export interface VoiceActivity {
  /** Loads what it needs; to be awaited before the first use. */
  load(): Promise<void>;
  open(): VoiceActivityStream;
}
