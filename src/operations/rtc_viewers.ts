/**
 * Watching calls and rooms.
 *
 * @module
 */
import { z } from "zod";
import { UserId } from "../domain/conversation.ts";
import { RtcRoomId } from "../domain/rtc_room.ts";
import { Modality, RtcSessionId } from "../domain/rtc_session.ts";
import { Sdp } from "../domain/rtc_signal.ts";
import type { Viewers } from "../core/viewers/viewers.ts";
import { type Bound, call, onCall } from "./operation.ts";

const Viewer = {
  sdp: Sdp.describe("An offer that only receives"),
  modalities: z.array(Modality).min(1).max(4).default(["audio", "camera"]).describe("What the offer receives"),
  user_id: UserId.optional(),
};
const Answered = z.object({
  session_id: z.string().describe("The viewer's own session"),
  type: z.enum(["answer", "offer"]),
  sdp: z.string(),
  candidates_follow: z.boolean(),
});

/** Begins to watch a call. */
export const rtcViewerCreate = call({
  id: "rtc_viewer_create",
  summary: "Watch and hear a call, without a voice in it; who is in the call is told. It ends with the call",
  access: "user",
  input: z.strictObject({ session_id: RtcSessionId, ...Viewer }),
  output: Answered,
  status: 201,
  errors: ["SessionNotFoundError", "ConflictError", "GoneError", "UnavailableError"],
  http: "POST /rtc/sessions/{session_id}/viewers",
  limit: "run",
});

/** Begins to watch a room. */
export const rtcRoomViewerCreate = call({
  id: "rtc_room_viewer_create",
  summary: "Watch and hear a room, without a place or a voice in it; everybody in it is told. It ends with the room",
  access: "user",
  input: z.strictObject({ room_id: RtcRoomId, ...Viewer }),
  output: Answered,
  status: 201,
  errors: ["NotFoundError", "GoneError", "UnavailableError"],
  http: "POST /rtc/rooms/{room_id}/viewers",
  limit: "run",
});

/** Every operation of this file. */
export const rtcViewerOperations = [rtcViewerCreate, rtcRoomViewerCreate] as const;

/** What a secret is good for that is for watching a call, or a room. */
export const WATCHING_OPERATIONS = [
  "rtc_viewer_create",
  "rtc_room_viewer_create",
  "rtc_ice_servers",
  "rtc_fragment",
  "rtc_session_get",
  "rtc_session_events",
  "rtc_session_delete",
] as const;

/** Binds this file's operations. */
export function bindRtcViewers({ viewers }: { viewers: Viewers }): Bound[] {
  return [
    onCall(rtcViewerCreate, ({ session_id, user_id: _, ...wanted }, { principal, address, request_id }) => {
      return viewers.open(principal, { of: { session_id }, ...wanted, origin: { address, request_id } });
    }),
    onCall(rtcRoomViewerCreate, ({ room_id, user_id: _, ...wanted }, { principal, address, request_id }) => {
      return viewers.open(principal, { of: { room_id }, ...wanted, origin: { address, request_id } });
    }),
  ];
}
