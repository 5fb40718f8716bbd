/**
 * A person in a room: what they send, what is sent to them, and their place in the room's talk.
 *
 * @module
 */
import type { NewRtcEvent } from "../../domain/rtc_event.ts";
import type { RoomSource } from "../../domain/rtc_room.ts";
import type { RtcEnd } from "../../domain/rtc_session.ts";
import type { Clock } from "../../kit/clock.ts";
import type { OutgoingPacket, Peer } from "../../ports/peers.ts";
import type { CallTap, CallTaps, DirectedPacket, TrackNames } from "../calls/call_tap.ts";
import type { ConversationLink } from "../calls/conversation_link.ts";
import { Forwarding, MediaSource } from "../calls/forwarding.ts";
import type { LeftTalk, Seat } from "../calls/seat.ts";
import type { CallSession } from "../calls/session.ts";
import type { Brain } from "../voice/brain.ts";
import type { Company } from "../voice/company.ts";
import type { VoiceLoop } from "../voice/voice_loop.ts";
import { Relay } from "./relay.ts";
import { type Shared, SharedMedia } from "./shared_media.ts";

/** What a {@linkcode Member} needs of its room. */
export interface MemberDeps {
  id: string;
  name: string;
  room_id: string;
  joined_at: string;
  clock: Clock;
  /** Who follows the room. */
  taps: CallTaps;
  company(member: Member): Company;
  brain(member: Member, link: ConversationLink): Brain;
  /** A packet of the member's voice was as loud as that. */
  onLevel(member: Member, level: number): void;
  /** A packet of what an agent says to the member. */
  onSaid(member: Member, packet: OutgoingPacket): void;
  /** The member's end missed more or less than before. */
  onLoss(member: Member): void;
  onEvent(member: Member, event: NewRtcEvent): void;
  /** The member leaves. Whether what is said to them goes on. */
  inherit(member: Member, talk: LeftTalk, reason: RtcEnd): boolean;
  onEnd(member: Member): void;
}

/** What each section of a member's description carries. */
export type Slots = Record<string, { member_id: string; source: RoomSource } | null>;

/** See the module. */
export class Member implements Seat, CallTap {
  readonly id: string;
  readonly name: string;
  readonly room_id: string;
  readonly joined_at: string;
  readonly company: Company;
  readonly shared: SharedMedia;
  /** What agents say to the member. */
  readonly voice: MediaSource;
  readonly relay: Relay;
  /** The member id of the agent that answers the member, or did last. */
  answering: string | undefined;
  /** When the member began to say what was said last, and in which turn. */
  began = { turn_id: "", at: 0 };
  /** How much of what was sent the member's end missed, in percent. */
  loss = 0;
  /** Whether the member's end says how loud it is. */
  measured = false;
  readonly #deps: MemberDeps;
  readonly #outlets = new Map<string, Forwarding>();
  #session: CallSession | undefined;
  /** The connection whose sections these are. */
  #peer: Peer | undefined;
  #loop: VoiceLoop | undefined;
  #told = "{}";

  constructor(deps: MemberDeps) {
    const { id, name, room_id, joined_at, clock } = this.#deps = deps;
    this.id = id;
    this.name = name;
    this.room_id = room_id;
    this.joined_at = joined_at;
    this.company = deps.company(this);
    this.voice = new MediaSource({ kind: "audio", clock });
    this.relay = new Relay(clock);
    const requestKeyframe = (mid: string) => this.#session?.signalling.peer?.requestKeyframe(mid);
    this.shared = new SharedMedia({ member_id: id, clock, requestKeyframe });
  }

  /** The member's call, once it is there. */
  get session(): CallSession {
    return this.#session!;
  }

  /** The voice of the call. */
  get loop(): VoiceLoop | undefined {
    return this.#loop;
  }

  /** The call is there. */
  enter(session: CallSession): void {
    this.#session = session;
    session.taps.add(this);
  }

  brain(link: ConversationLink): Brain {
    return this.#deps.brain(this, link);
  }

  inherit(talk: LeftTalk, reason: RtcEnd): boolean {
    return this.#deps.inherit(this, talk, reason);
  }

  onVoice(loop: VoiceLoop): void {
    this.#loop = loop;
  }

  onSaid(packet: OutgoingPacket): void {
    this.voice.push(packet);
    this.#deps.onSaid(this, packet);
  }

  onLoss(percent: number): void {
    this.loss = percent;
    this.#deps.onLoss(this);
  }

  onKeyframeAsked(mid: string): void {
    this.#outlets.get(mid)?.requestKeyframe();
  }

  onPacket(...[direction, packet]: DirectedPacket): void {
    if (direction === "out") return;
    const { kind, level } = packet;
    if (kind === "audio" && level !== undefined) {
      this.measured = true;
      this.#deps.onLevel(this, level);
    }
    if (this.shared.push(packet)) this.#deps.taps.packet("in", packet, this.name);
  }

  onEvent(event: NewRtcEvent): void {
    if (event.type === "speech.started") {
      this.began = { turn_id: event.data.turn_id, at: this.#deps.clock.now() };
    }
    this.#deps.onEvent(this, event);
  }

  nameTracks(tracks: TrackNames): void {
    this.shared.name(tracks);
    this.#deps.taps.name(tracks, this.name);
  }

  onEnd(): void {
    this.shared.end();
    for (const follower of [...this.voice.followers]) follower.follow(undefined);
    this.#forget();
    this.#deps.onEnd(this);
  }

  /** The sections in which something can be sent to the member. Agents speak in the first one of sound. */
  sections(): { main: string | undefined; audio: string[]; video: string[] } {
    const { peer } = this.session.signalling;
    if (peer !== this.#peer) this.#forget();
    this.#peer = peer;
    const outlets = this.session.row.held ? [] : peer?.outlets ?? [];
    const of = (kind: string) => outlets.filter((one) => one.kind === kind).map(({ mid }) => mid);
    const [main, ...audio] = of("audio");
    for (const { mid, kind } of outlets) if (!this.#outlets.has(mid)) this.#open(mid, { kind, main: mid === main });
    return { main, audio, video: of("video") };
  }

  /** What section `mid` carries now. */
  carried(mid: string): MediaSource | undefined {
    return this.#outlets.get(mid)?.source;
  }

  /** Lets sections carry what they are to, the others nothing, and tells the member what is new of it. */
  carry(carried: ReadonlyMap<string, MediaSource>, shown: ReadonlyMap<string, Shared>): void {
    const slots: Slots = {};
    for (const [mid, outlet] of this.#outlets) {
      const shared = shown.get(mid);
      // A section that carries nothing is kept: its numbers may not begin again in the same connection.
      outlet.follow(carried.get(mid));
      slots[mid] = shared ? { member_id: shared.member_id, source: shared.name } : null;
    }
    const told = JSON.stringify(slots);
    if (told === this.#told) return;
    this.#told = told;
    this.session.events.emit({ type: "room.tracks", data: { slots } });
  }

  #forget(): void {
    for (const outlet of this.#outlets.values()) outlet.follow(undefined);
    this.#outlets.clear();
  }

  #open(mid: string, { kind, main }: { kind: "audio" | "video"; main: boolean }): void {
    const send = (packet: OutgoingPacket) => {
      if (kind === "video") this.session.signalling.peer?.sendVideo({ ...packet, mid });
      else if (main) this.session.say({ ...packet, mid });
      else this.session.signalling.peer?.sendAudio({ ...packet, mid });
    };
    this.#outlets.set(mid, new Forwarding({ clock: this.#deps.clock, send }));
  }
}
