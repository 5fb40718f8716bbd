/**
 * Watching calls.
 *
 * @module
 */
import { z } from "zod";
import { UserId } from "../domain/conversation.ts";
import { Modality, RtcSessionId } from "../domain/rtc_session.ts";
import { Sdp } from "../domain/rtc_signal.ts";
import type { Viewers } from "../core/viewers/viewers.ts";
import { type Bound, call, onCall } from "./operation.ts";

/** Begins to watch a call. */
export const rtcViewerCreate = call({
  id: "rtc_viewer_create",
  summary: "Watch and hear a call, without a voice in it; who is in the call is told. It ends with the call",
  access: "user",
  input: z.strictObject({
    session_id: RtcSessionId,
    sdp: Sdp.describe("An offer that only receives"),
    modalities: z.array(Modality).min(1).max(4).default(["audio", "camera"]).describe("What the offer receives"),
    user_id: UserId.optional(),
  }),
  output: z.object({
    session_id: z.string().describe("The viewer's own session"),
    type: z.enum(["answer", "offer"]),
    sdp: z.string(),
    candidates_follow: z.boolean(),
  }),
  status: 201,
  errors: ["SessionNotFoundError", "ConflictError", "GoneError", "UnavailableError"],
  http: "POST /rtc/sessions/{session_id}/viewers",
  limit: "run",
});

/** Every operation of this file. */
export const rtcViewerOperations = [rtcViewerCreate] as const;

/** What a secret is good for that is for watching a call. */
export const WATCHING_OPERATIONS = [
  "rtc_viewer_create",
  "rtc_ice_servers",
  "rtc_fragment",
  "rtc_session_get",
  "rtc_session_events",
  "rtc_session_delete",
] as const;

/** Binds this file's operations. */
export function bindRtcViewers({ viewers }: { viewers: Viewers }): Bound[] {
  return [
    onCall(rtcViewerCreate, ({ user_id: _, ...wanted }, { principal, address, request_id }) => {
      return viewers.open(principal, { ...wanted, origin: { address, request_id } });
    }),
  ];
}
