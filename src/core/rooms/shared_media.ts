/**
 * What one member of a room sends to the others: a microphone, a camera, a screen.
 *
 * @module
 */
import type { RoomSource } from "../../domain/rtc_room.ts";
import type { Clock } from "../../kit/clock.ts";
import type { MediaPacket } from "../../ports/peers.ts";
import type { TrackNames } from "../calls/call_tap.ts";
import { MediaSource } from "../calls/forwarding.ts";

/** The most that a member may send at once. */
const MAX_SHARED = 4;
/** How long nothing has come of a picture that is over. */
const OVER_MS = 10_000;

/** Something that a member sends. */
export interface Shared {
  member_id: string;
  name: RoomSource;
  source: MediaSource;
}

/** What {@linkcode SharedMedia} needs. */
export interface SharedMediaDeps {
  member_id: string;
  clock: Clock;
  requestKeyframe(mid: string): void;
}

/** See the module. */
export class SharedMedia {
  readonly #deps: SharedMediaDeps;
  readonly #shared = new Map<string, Shared & { at: number }>();
  #names: TrackNames = {};

  constructor(deps: SharedMediaDeps) {
    this.#deps = deps;
  }

  /** What is sent, of one kind, in the order in which it began. */
  of(kind: "audio" | "video"): Shared[] {
    return [...this.#shared.values()].filter(({ source }) => source.kind === kind);
  }

  /** Passes a packet on. Returns whether it is for others. */
  push(packet: MediaPacket): boolean {
    const { mid, kind } = packet;
    const at = this.#deps.clock.now();
    let shared = this.#shared.get(mid);
    if (!shared) {
      const name = this.#nameOf(packet);
      if (name === undefined || this.#shared.size >= MAX_SHARED) return false;
      const { member_id, clock, requestKeyframe } = this.#deps;
      const source = new MediaSource({ kind, clock, requestKeyframe: () => requestKeyframe(mid) });
      this.#shared.set(mid, shared = { member_id, name, source, at });
    }
    shared.at = at;
    shared.source.push(packet);
    return true;
  }

  /** The member says what its tracks are: pictures that it doesn't name are not for others. */
  name(names: TrackNames): void {
    this.#names = names;
    for (const [mid, shared] of this.#shared) {
      const name = this.#nameOf({ mid, kind: shared.source.kind });
      if (name === undefined) this.#end(mid);
      else shared.name = name;
    }
  }

  /** Forgets pictures of which nothing comes any more. */
  sweep(): void {
    const now = this.#deps.clock.now();
    for (const [mid, { source, at }] of this.#shared) {
      if (source.kind === "video" && now - at > OVER_MS) this.#end(mid);
    }
  }

  /** Nothing is sent any more, to anybody. */
  end(): void {
    for (const mid of [...this.#shared.keys()]) this.#end(mid);
  }

  #end(mid: string): void {
    for (const follower of [...this.#shared.get(mid)!.source.followers]) follower.follow(undefined);
    this.#shared.delete(mid);
  }

  #nameOf({ mid, kind }: { mid: string; kind: "audio" | "video" }): RoomSource | undefined {
    const named = this.#names[mid];
    if (named !== undefined) return named;
    if (kind === "audio") return "microphone";
    return Object.keys(this.#names).length === 0 ? "camera" : undefined;
  }
}
