/**
 * Calls: voice, camera and screen over WebRTC.
 *
 * @module
 */
import { z } from "zod";
import type { Calls } from "../core/calls/calls.ts";
import { toSession } from "../core/calls/session_row.ts";
import { AgentId } from "../domain/agent.ts";
import { ConversationId, Metadata, UserId } from "../domain/conversation.ts";
import { PageInput, pageOf } from "../domain/page.ts";
import { RTC_EVENT_DATA, type RtcEvent, type RtcEventType } from "../domain/rtc_event.ts";
import { Modality, RTC_STATE, RtcSession, RtcSessionId } from "../domain/rtc_session.ts";
import { Voice } from "../domain/voice.ts";
import { type Bound, call, duplex, onCall, onDuplex, onStream, stream } from "./operation.ts";

const one = { session_id: RtcSessionId, user_id: UserId.optional() };
const starting_after = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional()
  .describe("The last event seen (`Last-Event-ID`); absent: from the oldest that is kept");

/** What a call is begun with. */
export const CallInput = {
  agent_id: AgentId.optional().describe("Who answers; absent: the conversation's, or the default one"),
  conversation_id: ConversationId.optional().describe("Absent: a new one, made with the first words"),
  modalities: z.array(Modality).min(1).max(4).default(["audio", "text"]).describe("What the call carries"),
  // By whom an agent is spoken for is its maker's to say.
  voice: Voice.omit({ upstream: true }).optional().describe(
    "How the agent speaks and listens, over what it has of its own",
  ),
  metadata: Metadata.default({}),
  record: z.boolean().default(false)
    .describe("Whether the call is recorded from its beginning; where that can't be, there is no call"),
  user_id: UserId.optional(),
};

const BEGIN = [
  "AgentNotFoundError",
  "ConversationNotFoundError",
  "UnavailableError",
] as const;

/** Begins a call. */
export const rtcSessionCreate = call({
  id: "rtc_session_create",
  summary: "Begin a call with an agent; its first description has to follow",
  access: "user",
  input: z.strictObject(CallInput),
  output: RtcSession,
  status: 201,
  errors: BEGIN,
  http: "POST /rtc/sessions",
  limit: "run",
});

/** Lists calls. */
export const rtcSessionList = call({
  id: "rtc_session_list",
  summary: "List calls",
  access: "user",
  input: z.strictObject({
    ...PageInput,
    user_id: UserId.optional(),
    agent_id: AgentId.optional(),
    state: z.enum(RTC_STATE).optional(),
  }),
  output: pageOf(RtcSession),
  errors: [],
  http: "GET /rtc/sessions",
  limit: "read",
});

/** Shows a call. */
export const rtcSessionGet = call({
  id: "rtc_session_get",
  summary: "Get a call with its state and what was counted",
  access: "user",
  input: z.strictObject(one),
  output: RtcSession,
  errors: ["SessionNotFoundError"],
  http: "GET /rtc/sessions/{session_id}",
  limit: "read",
});

/** Changes a call. */
export const rtcSessionUpdate = call({
  id: "rtc_session_update",
  summary: "Hold a call, mute one side, or change the agent's voice",
  access: "user",
  input: z.strictObject({
    ...one,
    held: z.boolean().optional().describe("Both are silent; what is being answered goes on"),
    muted: z.strictObject({
      caller: z.boolean().optional().describe("The caller is not listened to"),
      agent: z.boolean().optional().describe("The agent answers in text"),
    }).optional(),
    voice: Voice.pick({ voice: true, language: true, speed: true }).optional()
      .describe("How the agent sounds from its next sentence on"),
  }),
  output: RtcSession,
  errors: ["SessionNotFoundError", "GoneError"],
  http: "PATCH /rtc/sessions/{session_id}",
  limit: "write",
});

/** Ends a call. */
export const rtcSessionDelete = call({
  id: "rtc_session_delete",
  summary: "End a call; what was said stays in its conversation",
  access: "user",
  input: z.strictObject(one),
  output: z.null(),
  status: 204,
  errors: ["SessionNotFoundError"],
  http: "DELETE /rtc/sessions/{session_id}",
  limit: "write",
});

/** Follows a call. */
export const rtcSessionEvents = stream({
  id: "rtc_session_events",
  summary: "Follow a call: candidates, offers, transcripts, run events; without streaming: what is kept of them",
  access: "user",
  input: z.strictObject({ ...one, starting_after }),
  items: RTC_EVENT_DATA,
  output: z.object({
    data: z.array(z.object({
      seq: z.number().int(),
      type: z.enum(Object.keys(RTC_EVENT_DATA) as [RtcEventType]),
      data: z.unknown(),
    })),
  }),
  cursor: "starting_after",
  errors: ["SessionNotFoundError", "ConflictError", "GoneError"],
  http: "GET /rtc/sessions/{session_id}/events",
  limit: "read",
});

/** Joins a call without media. */
export const rtcSessionAttach = duplex<
  z.ZodObject<{ session_id: typeof RtcSessionId; user_id: typeof one.user_id; starting_after: typeof starting_after }>,
  string,
  string
>({
  id: "rtc_session_attach",
  summary: "Join a call over a WebSocket: the same texts both ways as on its data channel",
  access: "user",
  input: z.strictObject({ ...one, starting_after }),
  errors: ["SessionNotFoundError", "ConflictError", "GoneError"],
  http: "GET /rtc/sessions/{session_id}/attach",
  texts: true,
  limit: "read",
});

/** Every operation of this file. */
export const rtcSessionOperations = [
  rtcSessionCreate,
  rtcSessionList,
  rtcSessionGet,
  rtcSessionUpdate,
  rtcSessionEvents,
  rtcSessionAttach,
  rtcSessionDelete,
] as const;

/** Binds this file's operations. */
export function bindRtcSessions({ calls }: { calls: Calls }): Bound[] {
  return [
    onCall(rtcSessionCreate, async ({ user_id: _, record, ...given }, { principal, address, request_id }) => {
      const call = { ...given, ...record && { record: { address, request_id } } };
      return toSession(await calls.create(principal, call));
    }),
    onCall(rtcSessionList, async ({ state, agent_id, ...page }, { principal }) => {
      const { data, next_cursor } = await calls.list(principal, page, { state, agent_id });
      return { data: data.map(toSession), next_cursor };
    }),
    onCall(rtcSessionGet, async ({ session_id }, { principal }) => toSession(await calls.get(principal, session_id))),
    onCall(rtcSessionUpdate, async ({ session_id, user_id: _, ...change }, { principal }) => {
      return toSession(await calls.update(principal, session_id, change));
    }),
    onCall(rtcSessionDelete, async ({ session_id }, { principal }) => {
      await calls.delete(principal, session_id);
      return null;
    }),
    onStream(rtcSessionEvents, async ({ session_id, starting_after: cursor }, { principal, signal }) => {
      const kept = () => calls.follow(principal, session_id, { cursor, signal, follow: false });
      return {
        items: await calls.follow(principal, session_id, { cursor, signal }),
        collect: async () => ({ data: await Array.fromAsync(await kept() ?? [], toShown) }),
      };
    }),
    onDuplex(rtcSessionAttach, ({ session_id, starting_after: cursor }, { principal, signal }, incoming) => {
      return calls.attach(principal, session_id, { incoming, cursor, signal });
    }),
  ];
}

function toShown({ seq, type, data }: RtcEvent) {
  return { seq, type, data: JSON.parse(data) };
}
