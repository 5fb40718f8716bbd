/**
 * What doors of other protocols do with calls, beyond what every caller does.
 *
 * @module
 */
import { z } from "zod";
import type { Calls } from "../core/calls/calls.ts";
import { UserId } from "../domain/conversation.ts";
import type { RtcEventType, RtcMessage } from "../domain/rtc_event.ts";
import { RTC_DIALECT, RtcSessionId } from "../domain/rtc_session.ts";
import { MAX_CANDIDATES } from "../domain/rtc_signal.ts";
import { type Bound, call, duplex, onCall, onDuplex } from "./operation.ts";
import { CallInput } from "./rtc_sessions.ts";

const credential = z.string().regex(/^[A-Za-z0-9+/]{4,256}$/);

/** A fragment of a description (RFC 8840), as one end has it. */
const Fragment = z.strictObject({
  ufrag: credential,
  pwd: credential,
  candidates: z.array(z.string().max(1024)).max(MAX_CANDIDATES),
});

/** Takes candidates, or finds a new path. */
export const rtcFragment = call({
  id: "rtc_fragment",
  summary: "Give a call more candidates, or find it a new path, by fragments of a description",
  access: "user",
  input: z.strictObject({
    session_id: RtcSessionId,
    user_id: UserId.optional(),
    local_ufrag: credential.nullable()
      .describe("The server's fragment that is meant; null for whichever is in force. Another one is a conflict"),
    ufrag: credential.optional().describe("Absent: that of the description. A new one finds a new path"),
    pwd: credential.optional(),
    candidates: z.array(z.string().max(1024)).max(MAX_CANDIDATES),
  }),
  output: z.object({
    restarted: Fragment.nullable().describe("The server's fragment for the new path; null: candidates were taken"),
  }),
  limit: "write",
  errors: ["SessionNotFoundError", "ConflictError", "GoneError"],
  http: "POST /rtc/sessions/{session_id}/fragment",
});

/** What comes out, each as JSON: what happens on the channel, and in the call. */
export type ChannelOutput =
  /** The channel is there, or there again. */
  | { type: "open" }
  | { type: "text"; text: string }
  | { type: "event"; event: { seq: number; type: RtcEventType; data: unknown } };

/** What goes in, each as JSON: what is sent on the channel, and said in the call. */
export type ChannelInput = { type: "text"; text: string } | { type: "message"; message: RtcMessage };

const ChannelPlace = z.strictObject({
  session_id: RtcSessionId,
  user_id: UserId.optional(),
  label: z.string().min(1).max(64),
});

/** Speaks another protocol on a data channel of a call. Ends with the call; the caller is not held to be there by it. */
export const rtcChannelAttach = duplex<typeof ChannelPlace, string, string>({
  id: "rtc_channel_attach",
  summary: "Hold a data channel of a call",
  access: "user",
  input: ChannelPlace,
  texts: true,
  limit: "read",
  errors: ["SessionNotFoundError", "ConflictError", "GoneError"],
  http: "GET /rtc/sessions/{session_id}/channels/{label}",
});

const { modalities: _, ...SpokenInput } = CallInput;
const Spoken = z.strictObject({ ...SpokenInput, dialect: z.enum(RTC_DIALECT).default("muxi") });

/** Begins a call without WebRTC, for as long as the flows go on. */
export const rtcConverse = duplex<typeof Spoken, string, string>({
  id: "rtc_converse",
  summary: "Call an agent over a WebSocket, without WebRTC: sound is among the texts, as 16-bit samples in base64",
  access: "user",
  input: Spoken,
  texts: true,
  begins: true,
  limit: "run",
  errors: ["AgentNotFoundError", "ConversationNotFoundError", "UnavailableError"],
  http: "GET /rtc/converse",
});

/** Every operation of this file. */
export const rtcDoorOperations = [rtcFragment, rtcChannelAttach, rtcConverse] as const;

/** Binds this file's operations. */
export function bindRtcDoors({ calls }: { calls: Calls }): Bound[] {
  return [
    onCall(rtcFragment, async ({ session_id, user_id: _, ...fragment }, { principal }) => {
      const restarted = await calls.fragment(principal, session_id, fragment);
      return { restarted: restarted && { ...restarted, candidates: [...restarted.candidates] } };
    }),
    onDuplex(
      rtcChannelAttach,
      ({ session_id, label }, { principal, signal }, incoming) =>
        calls.channel(principal, session_id, { label, incoming, signal }),
    ),
    onDuplex(rtcConverse, ({ user_id: _, record, ...given }, { principal, address, request_id, signal }, incoming) => {
      const modalities = ["audio", "text"] as const;
      const call = { ...given, modalities, ...record && { record: { address, request_id } } };
      return calls.converse(principal, call, { incoming, signal });
    }),
  ];
}
