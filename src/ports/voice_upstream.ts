/**
 * Somebody who hears, thinks and speaks by themselves: a voice of their own, where an agent has none.
 *
 * @module
 */
import type { AppError } from "../domain/error.ts";
import type { Model, UnusedCall } from "./model.ts";
import type { SpeechToText } from "./speech_to_text.ts";
import type { TextToSpeech } from "./text_to_speech.ts";

/** How it sounds and what it listens for, as of now. */
export interface UpstreamChoice {
  voice?: string | undefined;
  language?: string | undefined;
  speed?: number | undefined;
}

/** Options for {@linkcode VoiceUpstream.open}. */
export interface UpstreamOptions {
  choice(): UpstreamChoice;
  /**
   * Present: it may begin to answer when the caller falls silent, before it is asked. `onUnused` is told of what that cost
   * when something else is asked in the end; it must not reject.
   */
  early?: { onUnused(call: UnusedCall): Promise<void> } | undefined;
  /** Told once when it can't be reached any more, and why. Must not throw. */
  onTrouble(error: AppError): void;
}

/** Opens such voices. */
export interface VoiceUpstream {
  /** One for a call. It connects by itself, again and again. */
  open(options: UpstreamOptions): UpstreamVoice;
  /** Whether it can be reached, in words for people. */
  check(signal: AbortSignal): Promise<{ ok: boolean; detail: string }>;
}

/**
 * The three parts of a voice, which know of each other: the model answers what the ears have heard, by its sound, and
 * the mouth gives the sound of what the model says. What a request to the model says was spoken before is the truth:
 * whatever the upstream remembers otherwise is mended first, so that the record stays with whoever asks.
 */
export interface UpstreamVoice extends AsyncDisposable {
  readonly ears: SpeechToText;
  readonly mouth: TextToSpeech;
  readonly model: Model;
  /** Whether it can't be reached now. */
  readonly down: boolean;
}
