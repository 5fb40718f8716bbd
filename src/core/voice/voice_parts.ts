/**
 * What a voice loop is made of, and what it counts.
 *
 * @module
 */
import type { NewRtcEvent } from "../../domain/rtc_event.ts";
import type { Voice } from "../../domain/voice.ts";
import type { Clock } from "../../kit/clock.ts";
import type { AudioCodec } from "../../ports/audio_codec.ts";
import type { Model } from "../../ports/model.ts";
import type { OutgoingPacket } from "../../ports/peers.ts";
import type { SpeechToText } from "../../ports/speech_to_text.ts";
import type { TextToSpeech } from "../../ports/text_to_speech.ts";
import type { TurnDetectorOf } from "../../ports/turn_detector.ts";
import type { VoiceActivity } from "../../ports/voice_activity.ts";
import type { Brain } from "./brain.ts";
import type { Company } from "./company.ts";
import type { PlayoutWay } from "./playout.ts";
import type { VoiceLimits } from "./voice_limits.ts";

/** What is said besides answers; empty: nothing. */
export interface Phrases {
  /** When a person has to decide before the answer goes on. */
  waiting: string;
  /** When there is no answer. */
  failed: string;
}

/** What a `VoiceLoop` needs. */
export interface VoiceLoopDeps {
  clock: Clock;
  codec: AudioCodec;
  activity: VoiceActivity;
  /** Absent: the agent is deaf, and the caller types. */
  stt: SpeechToText | undefined;
  /** Absent: the agent is mute, and its answers are text. */
  tts: TextToSpeech | undefined;
  /** Who finds turns, also when the caller wants them found otherwise. */
  turns: TurnDetectorOf;
  brain: Brain;
  /** What runs ask in place of the agent's model, if anything. */
  model?: Model | undefined;
  voice: Voice;
  limits: VoiceLimits;
  phrases: Phrases;
  /** How sound goes out; absent: as packets. */
  playout?: PlayoutWay | undefined;
  /** Others in the same talk, if any. */
  company?: Company | undefined;
  /** Told what happens. Must not throw. */
  emit(event: NewRtcEvent): void;
  /** Sends a packet. Must not throw. */
  sendAudio(packet: OutgoingPacket): void;
}

/** What was counted of a talk. */
export interface VoiceStats {
  packets_stale: number;
  frames_concealed: number;
  /** What sound is made redundant for. */
  expected_loss_percent: number | null;
  interruptions: number;
  /** From the end of speech to the first sound of the answer, the last time. */
  answer_latency_ms: number | null;
}
