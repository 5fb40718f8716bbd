/**
 * What is said during a call beside its media: on the data channel `muxi`, as events of the session, and on the
 * WebSocket that attaches to it. One JSON object a message.
 *
 * @module
 */
import { z } from "zod";
import { EVENT_DATA, type EventType } from "./event.ts";
import { GivenMessage } from "./message.ts";
import { RunError, RunOptions } from "./run.ts";
import { RTC_RECORDING_END } from "./rtc_recording.ts";
import { IceCandidate, Sdp } from "./rtc_signal.ts";
import { MEMBER_ROLE, ROOM_SOURCE } from "./rtc_room.ts";
import { RTC_END, RTC_STATE, RtcSession, RtcStats } from "./rtc_session.ts";
import { Language, TurnDetectionOptions } from "./voice.ts";

/** What a look is at. */
export const LOOK_SOURCE = ["camera", "screen"] as const;
/** One of {@linkcode LOOK_SOURCE}. */
export type LookSource = typeof LOOK_SOURCE[number];

/** What holds of a look: the person is asked, allowed it for the call, refused it, or the settings allow it. */
export const LOOK_STATE = ["ask", "call", "refused", "settings"] as const;
/** One of {@linkcode LOOK_STATE}. */
export type LookState = typeof LOOK_STATE[number];

const turn = { turn_id: z.string() };
/** An answer; without a run when nobody asked, as a greeting. */
const answer = { ...turn, run_id: z.string().nullable() };

/** The data of each type that the server says. Shapes only grow. Times are milliseconds since the call began. */
export const RTC_EVENT_DATA = {
  "session.started": z.object({ session: RtcSession }),
  "session.state": z.object({ state: z.enum(RTC_STATE), held: z.boolean(), reason: z.enum(RTC_END).nullable() }),
  "session.candidate": z.object({ candidate: IceCandidate }),
  /** An offer of ours, for `rtc_answer` or the message `answer`. Null: it was answered, or is over. */
  "session.offer": z.object({ sdp: z.string().nullable() }),
  "session.answer": z.object({ sdp: z.string() }),
  /** What was said with this `id` is done or refused, or was before: it needn't be sent again. */
  "message.acknowledged": z.object({ id: z.string() }),
  /**
   * What is left of the requests for answers that the caller's key may make; told as an answer begins, where they are
   * limited. What is spoken is none.
   */
  "session.limits": z.object({
    limit: z.number().int(),
    remaining: z.number().int(),
    /** Until all are there again. */
    reset_seconds: z.number().int(),
  }),
  /** Somebody begins to watch the call, or the room it is in, or no longer does; `viewers` is how many do then. */
  "session.viewer": z.object({ viewer_id: z.string(), present: z.boolean(), viewers: z.number().int() }),
  "speech.started": z.object({ ...turn, at_ms: z.number() }),
  "speech.stopped": z.object({ ...turn, at_ms: z.number() }),
  /** Nobody has spoken for as long as the message `listen` allows: the agent goes on by itself. */
  "speech.timeout": z.object({ ...turn, since_ms: z.number(), at_ms: z.number() }),
  "transcript.partial": z.object({ ...turn, text: z.string(), language: z.string().nullable() }),
  "transcript.final": z.object({ ...turn, text: z.string(), language: z.string().nullable() }),
  "agent.speaking": z.object({
    ...answer,
    text: z.string(),
    /** False: the sentence is text alone, as for want of a voice. */
    aloud: z.boolean(),
  }),
  /** The caller's voice ended the answer; `heard` is what history keeps. */
  "agent.interrupted": z.object({ ...answer, heard: z.string() }),
  /** It was no interruption: the answer goes on. */
  "agent.resumed": z.object(answer),
  "agent.done": z.object({
    ...answer,
    /** Milliseconds from the end of speech to each stage of the answer. `turn_ms`: until the turn counted as over. */
    latency: z.object({
      turn_ms: z.number().nullable(),
      transcript_ms: z.number().nullable(),
      first_token_ms: z.number().nullable(),
      first_sound_ms: z.number().nullable(),
      heard_ms: z.number().nullable(),
    }),
  }),
  /** An event of the run's log, as it is: `data` is its JSON. */
  "run.event": z.object({
    run_id: z.string(),
    seq: z.number().int(),
    event: z.enum(Object.keys(EVENT_DATA) as [EventType, ...EventType[]]),
    data: z.unknown(),
  }),
  /** An agent wants to look. Without the person's consent it doesn't. */
  "look.asked": z.object({
    look_id: z.string(),
    source: z.enum(LOOK_SOURCE),
    reason: z.string(),
    /** Who wants to: in a room there may be several. */
    agent_id: z.string(),
    run_id: z.string(),
  }),
  /** By what leave agents look from now on; until the first such event the person is asked. */
  "look.consent": z.object({ source: z.enum(LOOK_SOURCE), state: z.enum(LOOK_STATE) }),
  /** It won't: the person said no or nothing, or there is nothing to be seen. */
  "look.refused": z.object({ look_id: z.string(), source: z.enum(LOOK_SOURCE), message: z.string() }),
  "look.done": z.object({ look_id: z.string(), source: z.enum(LOOK_SOURCE), file_id: z.string().nullable() }),
  /** From now on everything is kept: what came before isn't. */
  "recording.started": z.object({ recording_id: z.string() }),
  "recording.stopped": z.object({ recording_id: z.string(), reason: z.enum(RTC_RECORDING_END) }),
  /** Somebody is in the room: those who were there before come first, and the caller as well. */
  "room.joined": z.object({ member_id: z.string(), name: z.string(), role: z.enum(MEMBER_ROLE) }),
  "room.left": z.object({ member_id: z.string(), name: z.string() }),
  "room.speaker": z.object({ member_id: z.string().nullable() }),
  /** What somebody else in the room has said, as text. */
  "room.said": z.object({ member_id: z.string(), name: z.string(), text: z.string() }),
  /** Whose media each section of the caller's description carries now, by its `mid`; null: nobody's. */
  "room.tracks": z.object({
    slots: z.record(z.string(), z.object({ member_id: z.string(), source: z.enum(ROOM_SOURCE) }).nullable()),
  }),
  /** What another member of the room says to this one alone, to connect to it directly. */
  "room.signal": z.object({ member_id: z.string(), signal: z.unknown() }),
  stats: RtcStats,
  error: RunError.extend({
    /** What the caller said then can't be written down. */
    turn_id: z.string().optional(),
  }),
};
/** The name of an event's type. */
export type RtcEventType = keyof typeof RTC_EVENT_DATA;

/** An event of any type, before it has a place. */
export type NewRtcEvent = {
  [T in RtcEventType]: { type: T; data: z.infer<typeof RTC_EVENT_DATA[T]> };
}[RtcEventType];

/** An event of a call. `data` is the JSON that goes over the wire. */
export interface RtcEvent {
  /** 1, 2, 3 … within the call, without gaps. */
  seq: number;
  type: RtcEventType;
  data: string;
}

/**
 * Chosen by the client, another one for each message, which nobody guesses: it is acknowledged, and done or refused once
 * however often it is sent.
 */
export const RtcMessageId = z.string().min(1).max(64);

const sent = { id: RtcMessageId.optional() };

/** What a client calls a message, or a call of a tool. */
const MessageName = z.string().min(1).max(200);

/** A message that a client brings along; `id` is how it will speak of it, and no other's. */
export const CallMessage = GivenMessage.extend({ id: MessageName.optional() });
/** See {@linkcode CallMessage}. */
export type CallMessage = z.output<typeof CallMessage>;

/** What a client may say during a call. */
export const RtcMessage = z.discriminatedUnion("type", [
  z.strictObject({ ...sent, type: z.literal("text"), text: z.string().min(1).max(100_000) }),
  /** What is asked of every answer from now on; what is absent stays as it was. */
  z.strictObject({
    ...sent,
    type: z.literal("configure"),
    options: RunOptions.optional(),
    /** Whether what the caller says is answered by itself, or only by `respond`. */
    answers: z.boolean().optional(),
  }),
  /** What goes with the next question: it is kept, and answered with it. */
  z.strictObject({
    ...sent,
    type: z.literal("messages"),
    messages: z.array(CallMessage).min(1).max(50),
    /** Behind what they are read, named as in `forget`; null: before everything. Absent: at the end. */
    after: MessageName.nullable().optional(),
  }),
  /**
   * Leaves something out of what answers in this call read; the conversation keeps it. `name` is a message's id, the
   * `turn_id` in which the caller said it, the `tool_call_id` of a call that goes with its result, or a client's own.
   */
  z.strictObject({ ...sent, type: z.literal("forget"), name: MessageName }),
  /** Answers what has not been answered, if anything; `options` are for this answer alone. */
  z.strictObject({ ...sent, type: z.literal("respond"), options: RunOptions.optional() }),
  z.strictObject({
    ...sent,
    type: z.literal("interrupt"),
    /** How much of the answer's sound was heard, where the client knows it: history keeps that much. */
    heard_ms: z.number().min(0).max(86_400_000).optional(),
  }),
  /** Where turns end is found here, from now on as the rest says, or is said by `commit`. */
  TurnDetectionOptions.extend({ ...sent, type: z.literal("listen"), turns: z.enum(["found", "by_hand"]) }),
  /** Ends a turn by hand. */
  z.strictObject({ ...sent, type: z.literal("commit") }),
  /** Forgets what was said in a turn that is not ended. */
  z.strictObject({ ...sent, type: z.literal("clear") }),
  z.strictObject({ ...sent, type: z.literal("mute"), who: z.enum(["caller", "agent"]) }),
  z.strictObject({ ...sent, type: z.literal("unmute"), who: z.enum(["caller", "agent"]) }),
  z.strictObject({ ...sent, type: z.literal("hold") }),
  z.strictObject({ ...sent, type: z.literal("resume") }),
  z.strictObject({
    ...sent,
    type: z.literal("voice"),
    voice: z.string().max(100).optional(),
    language: Language.optional(),
    speed: z.number().min(0.25).max(4).optional(),
  }),
  z.strictObject({
    ...sent,
    type: z.literal("approval"),
    run_id: z.string(),
    tool_call_id: z.string(),
    decision: z.enum(["approve", "deny"]),
    reason: z.string().max(1000).optional(),
    arguments: z.record(z.string(), z.unknown()).optional(),
  }),
  z.strictObject({
    ...sent,
    type: z.literal("consent"),
    source: z.enum(LOOK_SOURCE),
    allow: z.boolean(),
    /** For this look alone, or until the call ends. */
    until: z.enum(["once", "call"]).default("once"),
    /** Which question a "once" answers; absent: the one that is open. */
    look_id: z.string().optional(),
  }),
  /** What the microphone, camera or screen of the client sends: a track's `mid` and what it is. */
  z.strictObject({
    ...sent,
    type: z.literal("tracks"),
    tracks: z.record(z.string().max(64), z.enum(["microphone", "camera", "screen"])),
  }),
  z.strictObject({ ...sent, type: z.literal("offer"), sdp: Sdp }),
  z.strictObject({ ...sent, type: z.literal("answer"), sdp: Sdp }),
  z.strictObject({ ...sent, type: z.literal("candidate"), candidate: IceCandidate }),
  /** When the first sound of an answer was heard, by the client's own clock, after its speech ended. */
  z.strictObject({ ...sent, type: z.literal("heard"), turn_id: z.string(), ms: z.number().min(0).max(600_000) }),
  z.strictObject({ ...sent, type: z.literal("ping") }),
]).meta({ id: "RtcMessage" });
/** See {@linkcode RtcMessage}. */
export type RtcMessage = z.infer<typeof RtcMessage>;
