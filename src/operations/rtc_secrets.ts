/**
 * Secrets for the browsers of an application's people.
 *
 * @module
 */
import { z } from "zod";
import type { Calls } from "../core/calls/calls.ts";
import type { CallSecrets } from "../core/calls/secrets.ts";
import type { Rooms } from "../core/rooms/rooms.ts";
import { UserId } from "../domain/conversation.ts";
import { RtcRoomId } from "../domain/rtc_room.ts";
import { type Bound, call, onCall } from "./operation.ts";

/** The most that a secret's session may hold, as JSON. */
const MAX_SESSION = 65_536;

const Session = z.record(z.string(), z.unknown()).refine(
  (session) => JSON.stringify(session).length <= MAX_SESSION,
  `expected at most ${MAX_SESSION} characters`,
);

/** What a secret is good for. */
export const SECRET_OPERATIONS = [
  "rtc_offer",
  "rtc_answer",
  "rtc_ice_candidate",
  "rtc_ice_servers",
  "rtc_fragment",
  "rtc_channel_attach",
  "rtc_converse",
  "rtc_session_create",
  "rtc_session_get",
  "rtc_session_update",
  "rtc_session_delete",
  "rtc_session_events",
  "rtc_session_attach",
  "rtc_secret_session",
  "rtc_viewer_create",
  "rtc_room_get",
  "rtc_room_join",
  "rtc_room_signal",
] as const;

/** Makes a secret. */
export const rtcSecretCreate = call({
  id: "rtc_secret_create",
  summary: "Make a secret that opens calls and nothing else, for a browser; shown once",
  access: "user",
  input: z.strictObject({
    session: Session.default({}).describe("What its calls begin with, in OpenAI's words"),
    room_id: RtcRoomId.optional()
      .describe("An invitation: the secret joins this room, at `/call?room=ID#secret=…`, and begins no other call"),
    watch: z.string().regex(/^(rtc|room)_[0-9a-z]+$/).optional()
      .describe("The secret watches this call, or room, and does nothing else"),
    expires_seconds: z.number().int().min(10).max(7200).default(600)
      .describe("How long calls can begin; those that began go on"),
    user_id: UserId.optional()
      .describe("Whose calls the secret sees and begins; absent: it sees those alone that began with it"),
  }),
  output: z.object({ id: z.string(), secret: z.string(), expires_at: z.string() }),
  status: 201,
  errors: ["NotFoundError", "SessionNotFoundError", "ConflictError", "GoneError"],
  http: "POST /rtc/secrets",
  limit: "write",
});

/** Shows what the caller's secret stands for. */
export const rtcSecretSession = call({
  id: "rtc_secret_session",
  summary: "Show what calls of the secret in use begin with; null for who uses a key",
  access: "user",
  input: z.strictObject({ user_id: UserId.optional() }),
  output: z.object({ session: z.record(z.string(), z.unknown()).nullable() }),
  errors: [],
  http: "GET /rtc/secret",
  limit: "read",
});

/** Every operation of this file. */
export const rtcSecretOperations = [rtcSecretCreate, rtcSecretSession] as const;

/** Binds this file's operations. */
export function bindRtcSecrets(
  { secrets, rooms, calls }: { secrets: CallSecrets; rooms: Rooms; calls: Pick<Calls, "tapped"> },
): Bound[] {
  return [
    onCall(rtcSecretCreate, async ({ session, room_id, watch, expires_seconds }, { principal }) => {
      // What has ended is of no use to anybody.
      if (room_id !== undefined) await rooms.tapped(principal, room_id);
      if (watch?.startsWith("room_")) await rooms.tapped(principal, watch);
      else if (watch !== undefined) await calls.tapped(principal, watch);
      const meant = { ...session, room_id, watch };
      return await secrets.create(principal, { session: meant, lifetime_ms: expires_seconds * 1000 });
    }),
    onCall(rtcSecretSession, async (_, { principal }) => ({ session: await secrets.sessionOf(principal) })),
  ];
}
