/**
 * Rooms: several people and agents in one conversation.
 *
 * @module
 */
import { z } from "zod";
import { toSession } from "../core/calls/session_row.ts";
import type { Rooms } from "../core/rooms/rooms.ts";
import { Metadata, UserId } from "../domain/conversation.ts";
import { PageInput, pageOf } from "../domain/page.ts";
import { MemberName, RoomAgent, RoomSignal, RtcMember, RtcMemberId, RtcRoom, RtcRoomId } from "../domain/rtc_room.ts";
import { Modality, RtcSession, RtcSessionId } from "../domain/rtc_session.ts";
import { type Bound, call, onCall } from "./operation.ts";

const One = z.strictObject({ room_id: RtcRoomId, user_id: UserId.optional() });

/** Makes a room. */
export const rtcRoomCreate = call({
  id: "rtc_room_create",
  summary: "Make a room for several people and agents; what is said in it is one conversation",
  access: "user",
  input: z.strictObject({
    name: z.string().trim().min(1).max(100).describe("What the room is called"),
    agents: z.array(RoomAgent).max(4).default([]).describe("Who answers when called by name"),
    max_members: z.number().int().min(1).max(100).optional().describe(
      "How many people it takes; absent: as many as the settings allow",
    ),
    user_id: UserId.optional(),
  }),
  output: RtcRoom,
  status: 201,
  errors: ["AgentNotFoundError", "UnavailableError"],
  http: "POST /rtc/rooms",
  limit: "write",
});

/** Lists rooms. */
export const rtcRoomList = call({
  id: "rtc_room_list",
  summary: "List rooms, with who is in them",
  access: "user",
  input: z.strictObject({
    ...PageInput,
    user_id: UserId.optional(),
    ended: z.boolean().optional().describe("Only those that have ended, or only those that have not"),
  }),
  output: pageOf(RtcRoom),
  errors: [],
  http: "GET /rtc/rooms",
  limit: "read",
});

/** Shows a room. */
export const rtcRoomGet = call({
  id: "rtc_room_get",
  summary: "Get a room with who is in it",
  access: "user",
  input: One,
  output: RtcRoom,
  errors: ["NotFoundError"],
  http: "GET /rtc/rooms/{room_id}",
  limit: "read",
});

/** Ends a room. */
export const rtcRoomDelete = call({
  id: "rtc_room_delete",
  summary: "End a room and the calls of everybody in it; what was said stays in its conversation",
  access: "user",
  input: One,
  output: z.null(),
  status: 204,
  errors: ["NotFoundError"],
  http: "DELETE /rtc/rooms/{room_id}",
  limit: "write",
});

/** Joins a room. */
export const rtcRoomJoin = call({
  id: "rtc_room_join",
  summary: "Join a room: begins a call in it, whose first description has to follow (`rtc_offer` with its session_id)",
  access: "user",
  input: z.strictObject({
    room_id: RtcRoomId,
    name: MemberName.describe("What the others see, and agents call the member"),
    modalities: z.array(Modality).min(1).max(4).default(["audio", "text", "camera", "screen"])
      .describe("What the member's call carries"),
    metadata: Metadata.default({}),
    user_id: UserId.optional(),
  }),
  output: z.object({ room: RtcRoom, member: RtcMember, session: RtcSession }),
  status: 201,
  errors: ["NotFoundError", "ConflictError", "GoneError", "AgentNotFoundError", "UnavailableError"],
  http: "POST /rtc/rooms/{room_id}/members",
  limit: "run",
});

/** Takes somebody out of a room. */
export const rtcRoomLeave = call({
  id: "rtc_room_leave",
  summary: "Take a member out of a room: their call ends. Who leaves by themselves may as well end it",
  access: "user",
  input: z.strictObject({ room_id: RtcRoomId, member_id: RtcMemberId, user_id: UserId.optional() }),
  output: z.null(),
  status: 204,
  errors: ["NotFoundError", "GoneError"],
  http: "DELETE /rtc/rooms/{room_id}/members/{member_id}",
  limit: "write",
});

/** Lets two members connect directly. */
export const rtcRoomSignal = call({
  id: "rtc_room_signal",
  summary:
    "Tell another member alone an offer, an answer or a candidate, to connect directly; nothing of it is read here",
  access: "user",
  input: z.strictObject({
    room_id: RtcRoomId,
    member_id: RtcMemberId.describe("For whom it is"),
    session_id: RtcSessionId.describe("The sender's own call in the room"),
    signal: RoomSignal.describe("An object with its `type`: offer or answer with `sdp`, candidate with `candidate`"),
    user_id: UserId.optional(),
  }),
  output: z.null(),
  status: 204,
  errors: ["NotFoundError", "GoneError"],
  http: "POST /rtc/rooms/{room_id}/members/{member_id}/signal",
  limit: "write",
});

/** Every operation of this file. */
export const rtcRoomOperations = [
  rtcRoomCreate,
  rtcRoomList,
  rtcRoomGet,
  rtcRoomDelete,
  rtcRoomJoin,
  rtcRoomLeave,
  rtcRoomSignal,
] as const;

/** Binds this file's operations. */
export function bindRtcRooms({ rooms }: { rooms: Rooms }): Bound[] {
  return [
    onCall(rtcRoomCreate, ({ user_id: _, ...given }, { principal }) => rooms.create(principal, given)),
    onCall(rtcRoomList, ({ ended, limit, cursor, order }, { principal }) => {
      return rooms.list(principal, { limit, cursor, order }, { ended });
    }),
    onCall(rtcRoomGet, ({ room_id }, { principal }) => rooms.get(principal, room_id)),
    onCall(rtcRoomDelete, async ({ room_id }, { principal }) => {
      await rooms.delete(principal, room_id);
      return null;
    }),
    onCall(rtcRoomJoin, async ({ room_id, user_id: _, ...given }, { principal }) => {
      const { room, member, session } = await rooms.join(principal, room_id, given);
      return { room, member, session: toSession(session) };
    }),
    onCall(rtcRoomLeave, async ({ room_id, member_id }, { principal }) => {
      await rooms.leave(principal, room_id, member_id);
      return null;
    }),
    onCall(rtcRoomSignal, async ({ room_id, user_id: _, ...given }, { principal }) => {
      await rooms.signal(principal, room_id, given);
      return null;
    }),
  ];
}
