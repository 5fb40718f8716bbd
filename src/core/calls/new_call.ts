/**
 * What is asked of calls, and what they say to it.
 *
 * @module
 */
import type { Modality, RtcDialect } from "../../domain/rtc_session.ts";
import type { Voice } from "../../domain/voice.ts";
import type { Origin } from "./call_tap.ts";
import type { Line } from "./line.ts";
import type { Seat } from "./seat.ts";

/** What a call is begun with. */
export interface NewCall {
  agent_id?: string | undefined;
  conversation_id?: string | undefined;
  modalities: readonly Modality[];
  voice?: Voice | undefined;
  metadata: Record<string, unknown>;
  dialect?: RtcDialect | undefined;
  /** Its place in a room. */
  seat?: Seat | undefined;
  /** From where it was asked to record the call from its beginning. A call that can't be recorded is none then. */
  record?: Origin | undefined;
  /** What the call's sound goes over, in place of a WebRTC connection. */
  line?: Line | undefined;
}

/** A description of ours. */
export interface Described {
  session_id: string;
  type: "offer" | "answer";
  sdp: string;
  /** Whether candidates may come as events. */
  candidates_follow: boolean;
}

/** Changes of a call. */
export interface CallChange {
  held?: boolean | undefined;
  muted?: { caller?: boolean | undefined; agent?: boolean | undefined } | undefined;
  voice?: Pick<Voice, "voice" | "language" | "speed"> | undefined;
}
