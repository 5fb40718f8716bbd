/**
 * A call's place in a room: what the call asks of the room, instead of doing it alone.
 *
 * @module
 */
import type { NewRtcEvent } from "../../domain/rtc_event.ts";
import type { RtcEnd } from "../../domain/rtc_session.ts";
import type { OutgoingPacket } from "../../ports/peers.ts";
import type { Brain } from "../voice/brain.ts";
import type { Company } from "../voice/company.ts";
import type { VoiceLoop } from "../voice/voice_loop.ts";
import type { ConversationLink } from "./conversation_link.ts";

/** What is left of a call that is over: its voice, and what is under way in it until disposed. */
export interface LeftTalk extends AsyncDisposable {
  readonly loop: VoiceLoop;
}

/** See the module. */
export interface Seat {
  readonly room_id: string;
  /** The others' voices. */
  readonly company: Company;
  /** Who answers: `link`, where the room finds that an answer is wanted, and by whom. */
  brain(link: ConversationLink): Brain;
  /** The call is over: whether the room goes on with what an agent says in it. The talk is the room's then. */
  inherit(talk: LeftTalk, reason: RtcEnd): boolean;
  /** Something happened in such a talk. */
  onEvent(event: NewRtcEvent): void;
  /** The call's own voice is there. */
  onVoice(loop: VoiceLoop): void;
  /** A packet of what an agent says in this call. The room sends it, to the caller as well. */
  onSaid(packet: OutgoingPacket): void;
  /** The caller's end missed that much of what was sent to it, in percent. What agents say goes to all. */
  onLoss(percent: number): void;
  /** The caller's end needs a whole picture in section `mid`. */
  onKeyframeAsked(mid: string): void;
}
