/**
 * What decides about turns and sound.
 *
 * @module
 */

import type { TurnDetectionOptions } from "../../domain/voice.ts";
import { FRAME_MS } from "../../ports/audio_codec.ts";

/** How much louder speech has to be at the highest threshold than at the lowest, in dB. */
const THRESHOLD_DB = 40;

/** Times are milliseconds. */
export interface VoiceLimits {
  /** How loud speech is at least, in dBFS. */
  vad_threshold_db: number;
  /** How much sound before the first speech belongs to it. */
  preroll_ms: number;
  /** How long silence lasts before it is asked whether the turn is over. */
  pause_ms: number;
  /** How long silence ends a turn at the latest. */
  max_end_ms: number;
  /** How long a turn may last. */
  max_turn_ms: number;
  /** How much speech, or how many words, interrupt the agent. */
  min_interrupt_ms: number;
  min_interrupt_words: number;
  /** After how much silence speech was no interruption. */
  false_interrupt_ms: number;
  /** Whether typed text interrupts the agent, too. */
  typed_interrupts: boolean;
  /** Whether the agent's own voice, coming back, is left out. */
  echo_guard: boolean;
  /** Whether an answer is prepared before the turn is over. */
  preemptive: boolean;
  /** How long a missing packet is waited for. */
  reorder_ms: number;
  /** How long the last words of a turn are waited for where some are known. */
  transcript_ms: number;
  /** How long any are: of an engine that has understood none yet, or that doesn't listen meanwhile. */
  utterance_ms: number;
  /** How long the next sound of a sentence is waited for. */
  speech_ms: number;
  /** Bits a second of what is sent. */
  bitrate: number;
}

/** What holds where nobody says otherwise. */
export const VOICE_LIMITS: VoiceLimits = {
  vad_threshold_db: -45,
  preroll_ms: 300,
  pause_ms: 200,
  max_end_ms: 2500,
  max_turn_ms: 60_000,
  min_interrupt_ms: 600,
  min_interrupt_words: 2,
  false_interrupt_ms: 700,
  typed_interrupts: true,
  echo_guard: true,
  preemptive: true,
  reorder_ms: 60,
  transcript_ms: 3000,
  utterance_ms: 15_000,
  speech_ms: 10_000,
  bitrate: 32_000,
};

/** `limits` where turns are found as `how` says. */
export function tunedLimits(
  limits: VoiceLimits,
  { end_ms, max_end_ms = limits.max_end_ms, threshold = 0.5, preroll_ms = limits.preroll_ms }: TurnDetectionOptions,
): VoiceLimits {
  return {
    ...limits,
    vad_threshold_db: limits.vad_threshold_db + (threshold - 0.5) * THRESHOLD_DB,
    preroll_ms,
    // It has to be asked before the shortest silence is over, and the longest may not be cut.
    pause_ms: Math.min(limits.pause_ms, (end_ms ?? Infinity) - FRAME_MS),
    max_end_ms: Math.max(max_end_ms, end_ms ?? 0),
  };
}
