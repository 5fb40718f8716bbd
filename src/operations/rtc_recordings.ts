/**
 * Recordings of calls, and of rooms.
 *
 * @module
 */
import { z } from "zod";
import type { Origin } from "../core/calls/call_tap.ts";
import type { Calls } from "../core/calls/calls.ts";
import type { Recordings } from "../core/recordings/recordings.ts";
import type { Rooms } from "../core/rooms/rooms.ts";
import { UserId } from "../domain/conversation.ts";
import { PageInput, pageOf } from "../domain/page.ts";
import { RtcRecording, RtcRecordingId, type RtcRecordingRow, toWebVtt } from "../domain/rtc_recording.ts";
import { RtcRoomId } from "../domain/rtc_room.ts";
import { RtcSessionId } from "../domain/rtc_session.ts";
import { type Bound, call, type Context, Download, onCall } from "./operation.ts";

const OfCall = z.strictObject({ session_id: RtcSessionId, user_id: UserId.optional() });
const OfRoom = z.strictObject({ room_id: RtcRoomId, user_id: UserId.optional() });
const One = z.strictObject({ recording_id: RtcRecordingId, user_id: UserId.optional() });

/** Begins to record. */
export const rtcRecordingStart = call({
  id: "rtc_recording_start",
  summary: "Record a call: who is in it is told",
  access: "user",
  input: OfCall,
  output: RtcRecording,
  status: 201,
  errors: ["SessionNotFoundError", "ConflictError", "GoneError", "UnavailableError"],
  http: "POST /rtc/sessions/{session_id}/recording",
  limit: "write",
});

/** Ends recording. */
export const rtcRecordingStop = call({
  id: "rtc_recording_stop",
  summary: "Stop recording a call; the file is made afterwards",
  access: "user",
  input: OfCall,
  output: RtcRecording,
  errors: ["NotFoundError", "ConflictError"],
  http: "DELETE /rtc/sessions/{session_id}/recording",
  limit: "write",
});

/** Shows the newest recording of a call. */
export const rtcRecordingGet = call({
  id: "rtc_recording_get",
  summary: "Get the newest recording of a call",
  access: "user",
  input: OfCall,
  output: RtcRecording,
  errors: ["NotFoundError"],
  http: "GET /rtc/sessions/{session_id}/recording",
  limit: "read",
});

/** Begins to record a room. */
export const rtcRoomRecordingStart = call({
  id: "rtc_room_recording_start",
  summary: "Record a room: everybody in it is told, and whoever joins",
  access: "user",
  input: OfRoom,
  output: RtcRecording,
  status: 201,
  errors: ["NotFoundError", "ConflictError", "GoneError", "UnavailableError"],
  http: "POST /rtc/rooms/{room_id}/recording",
  limit: "write",
});

/** Ends recording a room. */
export const rtcRoomRecordingStop = call({
  id: "rtc_room_recording_stop",
  summary: "Stop recording a room; the file is made afterwards",
  access: "user",
  input: OfRoom,
  output: RtcRecording,
  errors: ["NotFoundError", "ConflictError"],
  http: "DELETE /rtc/rooms/{room_id}/recording",
  limit: "write",
});

/** Lists recordings. */
export const rtcRecordingList = call({
  id: "rtc_recording_list",
  summary: "List recordings of calls and rooms",
  access: "user",
  input: z.strictObject({
    ...PageInput,
    session_id: RtcSessionId.optional(),
    room_id: RtcRoomId.optional(),
    user_id: UserId.optional(),
  }),
  output: pageOf(RtcRecording),
  errors: [],
  http: "GET /rtc/recordings",
  limit: "read",
});

/** Gives a recording's file. */
export const rtcRecordingDownload = call({
  id: "rtc_recording_download",
  summary: "Download a recording as WebM: each speaker a track of sound, and what was shown",
  access: "user",
  input: One,
  output: Download,
  download: "call.webm",
  ranges: true,
  errors: ["NotFoundError", "ConflictError", "GoneError", "RangeNotSatisfiableError"],
  http: "GET /rtc/recordings/{recording_id}/content",
  limit: "read",
});

/** Gives what was said. */
export const rtcRecordingTranscript = call({
  id: "rtc_recording_transcript",
  summary: "Download what was said in a recording as WebVTT, in the recording's time",
  access: "user",
  input: One,
  output: Download,
  download: "call.vtt",
  errors: ["NotFoundError"],
  http: "GET /rtc/recordings/{recording_id}/transcript",
  limit: "read",
});

/** Removes a recording. */
export const rtcRecordingDelete = call({
  id: "rtc_recording_delete",
  summary: "Delete a recording, also one that is being made",
  access: "user",
  input: One,
  output: z.null(),
  status: 204,
  errors: ["NotFoundError"],
  http: "DELETE /rtc/recordings/{recording_id}",
  limit: "write",
});

/** Every operation of this file. */
export const rtcRecordingOperations = [
  rtcRecordingStart,
  rtcRecordingStop,
  rtcRecordingGet,
  rtcRoomRecordingStart,
  rtcRoomRecordingStop,
  rtcRecordingList,
  rtcRecordingDownload,
  rtcRecordingTranscript,
  rtcRecordingDelete,
] as const;

/** Binds this file's operations. */
export function bindRtcRecordings(
  { calls, rooms, recordings }: { calls: Calls; rooms: Rooms; recordings: Recordings },
): Bound[] {
  return [
    onCall(rtcRecordingStart, async ({ session_id }, ctx) => {
      const call = await calls.tapped(ctx.principal, session_id);
      return toRecording(await recordings.start(ctx.principal, call, originOf(ctx)));
    }),
    onCall(rtcRecordingStop, async ({ session_id }, ctx) => {
      return toRecording(await recordings.stop(ctx.principal, { session_id }, originOf(ctx)));
    }),
    onCall(rtcRecordingGet, async ({ session_id }, { principal }) => {
      return toRecording(await recordings.newest(principal, { session_id }));
    }),
    onCall(rtcRoomRecordingStart, async ({ room_id }, ctx) => {
      const room = await rooms.tapped(ctx.principal, room_id);
      return toRecording(await recordings.start(ctx.principal, room, originOf(ctx)));
    }),
    onCall(rtcRoomRecordingStop, async ({ room_id }, ctx) => {
      return toRecording(await recordings.stop(ctx.principal, { room_id }, originOf(ctx)));
    }),
    onCall(rtcRecordingList, async ({ session_id, room_id, limit, cursor, order }, { principal }) => {
      const { data, next_cursor } = await recordings.list(principal, { limit, cursor, order }, { session_id, room_id });
      return { data: data.map(toRecording), next_cursor };
    }),
    onCall(rtcRecordingDownload, async ({ recording_id }, ctx) => {
      const { row: { id, size }, body, part } = await recordings.open(ctx.principal, recording_id, originOf(ctx));
      return { name: `${id}.webm`, media_type: "video/webm", size: size!, etag: id, body, part };
    }),
    onCall(rtcRecordingTranscript, async ({ recording_id }, ctx) => {
      const { id, transcript } = await recordings.transcript(ctx.principal, recording_id, originOf(ctx));
      const bytes = new TextEncoder().encode(toWebVtt(transcript));
      const body = new Blob([bytes]).stream();
      return { name: `${id}.vtt`, media_type: "text/vtt", size: bytes.length, body };
    }),
    onCall(rtcRecordingDelete, async ({ recording_id }, ctx) => {
      await recordings.delete(ctx.principal, recording_id, originOf(ctx));
      return null;
    }),
  ];
}

function originOf({ address, request_id }: Context): Origin {
  return { address, request_id };
}

function toRecording(row: RtcRecordingRow): RtcRecording {
  const { tenant_id: _, key_id: __, transcript: ___, ...shown } = row;
  return shown;
}
