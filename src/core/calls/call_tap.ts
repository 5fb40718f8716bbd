/**
 * Who follows everything in a call: its packets, events and end.
 *
 * @module
 */
import type { Owner, Principal } from "../../domain/access.ts";
import type { LookSource, NewRtcEvent } from "../../domain/rtc_event.ts";
import type { MediaPacket, OutgoingPacket } from "../../ports/peers.ts";

/**
 * Whose something is, where there are several who speak, as in a room. Absent: the one caller's what comes in, the
 * agent's what goes out.
 */
export type Speaker = string;

/** A packet, and whether it comes from somebody or goes to them. */
export type DirectedPacket =
  | [direction: "in", packet: MediaPacket, from?: Speaker]
  | [direction: "out", packet: OutgoingPacket, from?: Speaker];

/** What tracks are, by `mid`. */
export type TrackNames = Readonly<Record<string, "microphone" | LookSource>>;

/** Who is told. Must not throw, and must not keep a packet's bytes. */
export interface CallTap {
  onPacket(...packet: DirectedPacket): void;
  onEvent(event: NewRtcEvent, from?: Speaker): void;
  /**
   * Who is to be heard, where one alone can be: one of those who send, or of those who speak to them; absent: nobody of
   * these in particular. Rooms say so.
   */
  onTurn?(direction: "in" | "out", from: Speaker | undefined): void;
  /** What somebody's tracks are, as their client says. */
  nameTracks(tracks: TrackNames, from?: Speaker): void;
  /** The call is over. */
  onEnd(): void;
}

/** A call, or a room, that can be followed. */
export interface TappedCall {
  readonly id: string;
  /** The room that it is, or is in. */
  readonly room_id: string | null;
  /** Who answers in it, the first of several. */
  readonly agent_id?: string | undefined;
  /** Whose it is. */
  readonly owner: Owner;
  /** Asks the end that sends a track for a whole picture. */
  requestKeyframe(mid: string, from?: Speaker): void;
  /** Tells everybody who is in it. */
  announce(event: NewRtcEvent): void;
  /** Tells `tap` of everything from now on, until it is disposed. */
  tap(tap: CallTap): Disposable;
}

/** From where something was asked for, for the record. */
export interface Origin {
  address: string;
  request_id: string;
}

/** Records calls. */
export interface CallRecorder {
  /** Begins to record `call`, or rejects. */
  start(principal: Principal, call: TappedCall, origin: Origin): Promise<unknown>;
}

/** The taps of one call, or room. */
export class CallTaps {
  readonly #taps = new Set<CallTap>();
  readonly #names = new Map<Speaker | undefined, TrackNames>();
  #over = false;
  /** Makes packets for others of this call's own; absent: they are the same. */
  pack: ((...packet: DirectedPacket) => DirectedPacket[]) | undefined;

  /** Tells `tap` of everything from now on, and what the tracks are. When all is over, of that. */
  add(tap: CallTap): Disposable {
    if (this.#over) tap.onEnd();
    else this.#taps.add(tap);
    for (const [from, tracks] of this.#names) tap.nameTracks(tracks, from);
    return { [Symbol.dispose]: () => void this.#taps.delete(tap) };
  }

  /** A packet came, or goes. */
  packet(...packet: DirectedPacket): void {
    if (this.#taps.size === 0) return;
    for (const one of this.pack?.(...packet) ?? [packet]) for (const tap of this.#taps) tap.onPacket(...one);
  }

  /** Something happened. */
  event(event: NewRtcEvent, from?: Speaker): void {
    for (const tap of this.#taps) tap.onEvent(event, from);
  }

  /** Somebody else is to be heard. */
  turn(direction: "in" | "out", from: Speaker | undefined): void {
    for (const tap of this.#taps) tap.onTurn?.(direction, from);
  }

  /** A client said what its tracks are. */
  name(tracks: TrackNames, from?: Speaker): void {
    this.#names.set(from, tracks);
    for (const tap of this.#taps) tap.nameTracks(tracks, from);
  }

  /** Nobody is called so any more. */
  forget(from: Speaker): void {
    this.#names.delete(from);
  }

  /** The call is over. */
  end(): void {
    this.#over = true;
    for (const tap of this.#taps) tap.onEnd();
    this.#taps.clear();
  }
}
