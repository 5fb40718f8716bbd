/**
 * What calls need of the world, opened when the first one comes.
 *
 * @module
 */
import type { AgentRow } from "../../domain/agent.ts";
import type { Principal } from "../../domain/access.ts";
import type { Voice } from "../../domain/voice.ts";
import type { AudioCodec } from "../../ports/audio_codec.ts";
import type { Peers } from "../../ports/peers.ts";
import type { SpeechToText } from "../../ports/speech_to_text.ts";
import type { TextToSpeech } from "../../ports/text_to_speech.ts";
import type { TurnDetector } from "../../ports/turn_detector.ts";
import type { VoiceActivity } from "../../ports/voice_activity.ts";

/** Ports, open. */
export interface CallMedia {
  peers: Peers;
  codec: AudioCodec;
  activity: VoiceActivity;
  /** Absent: agents are deaf. */
  stt: SpeechToText | undefined;
  /** Absent: agents are mute. */
  tts: TextToSpeech | undefined;
  /** What is missing, and how to get it. */
  missing: readonly string[];
}

/** Who decides that a caller has finished. */
export type TurnsOf = (voice: Voice, options: { principal: Principal; agent: AgentRow }) => TurnDetector;
