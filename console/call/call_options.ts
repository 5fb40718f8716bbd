/**
 * What a call is started with, and what it tells.
 *
 * @module
 */
import type { NewRtcEvent } from "../../src/domain/rtc_event.ts";
import type { RtcMember, RtcRoom } from "../../src/domain/rtc_room.ts";
import type { Modality, RtcEnd } from "../../src/domain/rtc_session.ts";
import type { Voice } from "../../src/domain/voice.ts";
import type { Credentials } from "./api.ts";
import type { Source } from "./connection.ts";
import type { CallEvent } from "./event_order.ts";
import type { Wanted } from "./local_media.ts";

/** Where a call is, as seen from here. Nothing comes after `ended`. */
export type ConnectionState = "connecting" | "connected" | "reconnecting" | "ended";

/** A room, as whoever joined it sees it. */
export interface RoomPlace {
  room: RtcRoom;
  member: RtcMember;
}

/** Options of {@linkcode Call.start}. */
export interface CallOptions extends Credentials {
  /** Where the server is, such as `https://muxi.example.org`; empty: where the page came from. */
  base_url?: string;
  agent_id?: string;
  /** A room to join instead, and as whom. */
  room?: { id: string; name: string };
  /** A conversation to go on with. */
  conversation_id?: string;
  /** The microphone; true unless told. Without it, one can still listen and type. */
  audio?: Wanted;
  camera?: Wanted;
  screen?: Wanted;
  /** What may be sent in the course of the call; everything unless told. */
  modalities?: readonly Modality[];
  /** How the agent speaks and listens, over what it has of its own. */
  voice?: Voice;
  metadata?: Record<string, unknown>;
  /** Whether the call is recorded from its beginning; where that can't be, there is no call. */
  record?: boolean;
  /** Whether the agent's voice is played; otherwise {@linkcode Call.sound} is yours to play. */
  play?: boolean;
  /** For how long a lost connection is taken up again. */
  reattach_seconds?: number;
}

/** What a call tells, beside the server's events. */
export interface LocalEvents {
  /** Every event of the server, in order. */
  event: CallEvent;
  connection: { state: ConnectionState; reason: RtcEnd | null };
  /** A microphone, camera or screen was opened or closed. */
  media: { source: Source; open: boolean };
  sound: { stream: MediaStream };
  /** A section in which somebody else in the room is heard or seen; "room.tracks" tells who. */
  other: { mid: string; track: MediaStreamTrack };
  /** When an answer was first heard, after the caller's speech ended, by the caller's own clock. */
  heard: { turn_id: string; ms: number };
}

/** The data of each type of event. */
export type CallEvents = { [E in NewRtcEvent as E["type"]]: E["data"] } & LocalEvents;
