/**
 * A room: several people and agents in one conversation, each person in a call of their own.
 *
 * @module
 */
import { z } from "zod";
import type { Owner } from "./access.ts";
import { AgentId } from "./agent.ts";
import { IceCandidate, Sdp } from "./rtc_signal.ts";

/** A room's id. */
export const RtcRoomId = z.string().regex(/^room_[0-9a-z]+$/).describe("The room's id");
/** A member's id. It gives nothing of the member's call away. */
export const RtcMemberId = z.string().regex(/^member_[0-9a-z]+$/).describe("The member's id");

/** What somebody is called in a room. */
export const MemberName = z.string().trim().min(1).max(64).regex(/^[^\p{Cc}:]+$/u, "a name without a colon");

/** An agent of a room. */
export const RoomAgent = z.strictObject({
  agent_id: AgentId,
  name: MemberName.optional().describe("How it is called; absent: its own name"),
  aliases: z.array(MemberName).max(8).default([]).describe("Other names it answers to"),
}).meta({ examples: [{ agent_id: "assistant" }] });
/** See {@linkcode RoomAgent}. */
export type RoomAgent = z.infer<typeof RoomAgent>;

/** Who a member is. */
export const MEMBER_ROLE = ["person", "agent"] as const;
/** One of {@linkcode MEMBER_ROLE}. */
export type MemberRole = typeof MEMBER_ROLE[number];

/** A member of a room. */
export const RtcMember = z.object({
  id: z.string(),
  role: z.enum(MEMBER_ROLE),
  name: z.string(),
  agent_id: z.string().nullable(),
  joined_at: z.string(),
}).meta({ id: "RtcMember" });
/** See {@linkcode RtcMember}. */
export type RtcMember = z.infer<typeof RtcMember>;

/** Why a room ended. */
export const RTC_ROOM_END = ["deleted", "idle"] as const;
/** One of {@linkcode RTC_ROOM_END}. */
export type RtcRoomEnd = typeof RTC_ROOM_END[number];

/** A room as shown. */
export const RtcRoom = z.object({
  id: z.string(),
  name: z.string(),
  user_id: z.string().nullable(),
  /** Where everything that is said is kept. */
  conversation_id: z.string(),
  /** How many people it takes. */
  max_members: z.number().int(),
  /** Who is there now. */
  members: z.array(RtcMember),
  created_at: z.string(),
  ended_at: z.string().nullable(),
  reason: z.enum(RTC_ROOM_END).nullable(),
}).meta({ id: "RtcRoom" });
/** See {@linkcode RtcRoom}. */
export type RtcRoom = z.infer<typeof RtcRoom>;

/** A room as stored. */
export interface RtcRoomRow extends Owner, Omit<RtcRoom, "members"> {
  agents: { member_id: string; agent_id: string; name: string; aliases: string[] }[];
}

/** A person who is or was in a room, as stored. */
export interface RtcMemberRow extends Owner {
  id: string;
  room_id: string;
  session_id: string;
  name: string;
  joined_at: string;
  left_at: string | null;
}

/** What one member tells another, to connect to it directly. */
export const RoomSignal = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("offer"), sdp: Sdp }),
  z.strictObject({ type: z.literal("answer"), sdp: Sdp }),
  z.strictObject({ type: z.literal("candidate"), candidate: IceCandidate.nullable() }),
]).meta({ id: "RoomSignal" });
/** See {@linkcode RoomSignal}. */
export type RoomSignal = z.infer<typeof RoomSignal>;

/** What a member sends. */
export const ROOM_SOURCE = ["microphone", "camera", "screen"] as const;
/** One of {@linkcode ROOM_SOURCE}. */
export type RoomSource = typeof ROOM_SOURCE[number];
