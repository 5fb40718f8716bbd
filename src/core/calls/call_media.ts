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
import type { TurnDetectorOf } from "../../ports/turn_detector.ts";
import type { VoiceActivity } from "../../ports/voice_activity.ts";
import type { VoiceUpstream } from "../../ports/voice_upstream.ts";
import type { PlayoutWay } from "../voice/playout.ts";

/** A voice of somebody else's. */
export interface UpstreamOffer {
  /** Absent: none is set. */
  engine: VoiceUpstream | undefined;
  /** Whether agents that don't say otherwise speak by it. */
  usual: boolean;
  /** Whether the engines and the agent's model take over while it can't be reached. */
  fallback: boolean;
}

/** Ports, open. */
export interface CallMedia {
  peers: Pick<Peers, "create">;
  codec: AudioCodec;
  activity: VoiceActivity;
  /** Absent: agents are deaf. */
  stt: SpeechToText | undefined;
  /** Absent: agents are mute. */
  tts: TextToSpeech | undefined;
  /** Somebody else who hears, thinks and speaks; absent: nobody does. */
  upstream?: UpstreamOffer | undefined;
  /** What is missing, in words for callers. */
  missing: readonly string[];
  /** How sound goes out; absent: as packets. */
  playout?: PlayoutWay;
}

/** Who decides that a caller has finished, and how that may be changed during the call. */
export type TurnsOf = (voice: Voice, options: { principal: Principal; agent: AgentRow }) => TurnDetectorOf;
