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
import { Language } from "./voice.ts";

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
  /** Somebody begins to watch the call, or the room it is in, or no longer does; `viewers` is how many do then. */
  "session.viewer": z.object({ viewer_id: z.string(), present: z.boolean(), viewers: z.number().int() }),
  "speech.started": z.object({ ...turn, at_ms: z.number() }),
  "speech.stopped": z.object({ ...turn, at_ms: z.number() }),
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
  error: RunError,
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

/** What a client may say during a call. */
export const RtcMessage = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text"), text: z.string().min(1).max(100_000) }),
  /** What is asked of every answer from now on; what is absent stays as it was. */
  z.strictObject({
    type: z.literal("configure"),
    options: RunOptions.optional(),
    /** Whether what the caller says is answered by itself, or only by `respond`. */
    answers: z.boolean().optional(),
  }),
  /** What goes with the next question: it is kept, and answered with it. */
  z.strictObject({ type: z.literal("messages"), messages: z.array(GivenMessage).min(1).max(50) }),
  /** Answers what has not been answered, if anything; `options` are for this answer alone. */
  z.strictObject({ type: z.literal("respond"), options: RunOptions.optional() }),
  z.strictObject({
    type: z.literal("interrupt"),
    /** How much of the answer's sound was heard, where the client knows it: history keeps that much. */
    heard_ms: z.number().min(0).max(86_400_000).optional(),
  }),
  /** Where turns end is found here, or said by `commit`. */
  z.strictObject({ type: z.literal("listen"), turns: z.enum(["found", "by_hand"]) }),
  /** Ends a turn by hand. */
  z.strictObject({ type: z.literal("commit") }),
  /** Forgets what was said in a turn that is not ended. */
  z.strictObject({ type: z.literal("clear") }),
  z.strictObject({ type: z.literal("mute"), who: z.enum(["caller", "agent"]) }),
  z.strictObject({ type: z.literal("unmute"), who: z.enum(["caller", "agent"]) }),
  z.strictObject({ type: z.literal("hold") }),
  z.strictObject({ type: z.literal("resume") }),
  z.strictObject({
    type: z.literal("voice"),
    voice: z.string().max(100).optional(),
    language: Language.optional(),
    speed: z.number().min(0.25).max(4).optional(),
  }),
  z.strictObject({
    type: z.literal("approval"),
    run_id: z.string(),
    tool_call_id: z.string(),
    decision: z.enum(["approve", "deny"]),
    reason: z.string().max(1000).optional(),
    arguments: z.record(z.string(), z.unknown()).optional(),
  }),
  z.strictObject({
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
    type: z.literal("tracks"),
    tracks: z.record(z.string().max(64), z.enum(["microphone", "camera", "screen"])),
  }),
  z.strictObject({ type: z.literal("offer"), sdp: Sdp }),
  z.strictObject({ type: z.literal("answer"), sdp: Sdp }),
  z.strictObject({ type: z.literal("candidate"), candidate: IceCandidate }),
  /** When the first sound of an answer was heard, by the client's own clock, after its speech ended. */
  z.strictObject({ type: z.literal("heard"), turn_id: z.string(), ms: z.number().min(0).max(600_000) }),
  z.strictObject({ type: z.literal("ping") }),
]).meta({ id: "RtcMessage" });
/** See {@linkcode RtcMessage}. */
export type RtcMessage = z.infer<typeof RtcMessage>;
