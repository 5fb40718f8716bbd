/**
 * Where a caller and an agent are in their talk.
 *
 * @module
 */

/**
 * `listening`: nobody speaks. `hearing`: the caller does. `thinking`: the caller has finished, the agent has not begun.
 * `speaking`: the agent does. `ducked`: the caller speaks while the agent answers, which is silent until it is known
 * whether that is meant to stop it.
 */
export const VOICE_STATE = ["listening", "hearing", "thinking", "speaking", "ducked"] as const;
/** One of {@linkcode VOICE_STATE}. */
export type VoiceState = typeof VOICE_STATE[number];

/** What may follow each state. */
export const TRANSITIONS: Record<VoiceState, readonly VoiceState[]> = {
  // Typed text, a greeting, and a run that goes on after a decision begin without a voice.
  listening: ["hearing", "thinking", "speaking"],
  hearing: ["thinking", "speaking", "listening"],
  // Speech before the agent was asked belongs to the same turn.
  thinking: ["hearing", "speaking", "ducked", "listening"],
  // Speech that interrupts nothing may outlast the answer.
  speaking: ["ducked", "hearing", "listening", "thinking"],
  ducked: ["hearing", "speaking", "thinking", "listening"],
};

/** Goes from one state to another; throws when that can't be. */
export function transit(from: VoiceState, to: VoiceState): VoiceState {
  if (from !== to && !TRANSITIONS[from].includes(to)) throw new Error(`Cannot go from "${from}" to "${to}" in a talk`);
  return to;
}
