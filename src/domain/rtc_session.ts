/**
 * A call: one caller's live connection with an agent.
 *
 * @module
 */
import { z } from "zod";
import { Voice } from "./voice.ts";

/** A session's id. */
export const RtcSessionId = z.string().regex(/^rtc_[0-9a-z]+$/).describe("The call's id");

/**
 * Where a call can be. `created` waits for the first description, `connecting` for media, `lost` for the caller to come
 * back. Nothing comes after `ended`.
 */
export const RTC_STATE = ["created", "connecting", "active", "lost", "ended"] as const;
/** One of {@linkcode RTC_STATE}. */
export type RtcState = typeof RTC_STATE[number];

/** Why a call ended. */
export const RTC_END = [
  "hung_up",
  "deleted",
  "lost",
  "connect_timeout",
  "idle",
  "too_long",
  "key_revoked",
  "failed",
  "left",
  "room_ended",
  "shutdown",
  "process_ended",
] as const;
/** One of {@linkcode RTC_END}. */
export type RtcEnd = typeof RTC_END[number];

/** What a call carries. */
export const Modality = z.enum(["audio", "text", "camera", "screen"]);
/** See {@linkcode Modality}. */
export type Modality = z.infer<typeof Modality>;

/** In whose words a call is signalled and spoken about. */
export const RTC_DIALECT = ["muxi", "openai", "whip", "whep"] as const;
/** One of {@linkcode RTC_DIALECT}. */
export type RtcDialect = typeof RTC_DIALECT[number];

/** What was counted of a call's media. Times are milliseconds. */
export const RtcStats = z.object({
  packets_received: z.number().int(),
  packets_sent: z.number().int(),
  bytes_received: z.number().int(),
  bytes_sent: z.number().int(),
  /** Of what comes in. */
  packets_lost: z.number().int(),
  /** Sound that came too late to be heard. */
  packets_stale: z.number().int(),
  /** Pieces of 20 ms that never came, and were made up. */
  frames_concealed: z.number().int(),
  /** The loss that what is sent is made redundant for, by what the other end reports that it missed; null: nothing yet. */
  expected_loss_percent: z.number().int().nullable(),
  jitter_ms: z.number().nullable(),
  round_trip_ms: z.number().nullable(),
  /** The way that media took last, such as `udp host`, `tcp host` or `udp relay`. */
  path: z.string().nullable(),
  /** From the end of speech to the first sound of the answer, the last time. */
  answer_latency_ms: z.number().nullable(),
  interruptions: z.number().int(),
}).meta({ id: "RtcStats" });
/** See {@linkcode RtcStats}. */
export type RtcStats = z.infer<typeof RtcStats>;

/** A call as shown. */
export const RtcSession = z.object({
  id: z.string(),
  agent_id: z.string(),
  conversation_id: z.string().nullable(),
  room_id: z.string().nullable(),
  /** The recording that is being made of it; null: none. */
  recording_id: z.string().nullable(),
  user_id: z.string().nullable(),
  dialect: z.enum(RTC_DIALECT),
  state: z.enum(RTC_STATE),
  held: z.boolean(),
  modalities: z.array(Modality),
  voice: Voice,
  reason: z.enum(RTC_END).nullable(),
  stats: RtcStats.nullable(),
  metadata: z.record(z.string(), z.unknown()),
  created_at: z.string(),
  connected_at: z.string().nullable(),
  ended_at: z.string().nullable(),
}).meta({ id: "RtcSession" });
/** See {@linkcode RtcSession}. */
export type RtcSession = z.infer<typeof RtcSession>;
