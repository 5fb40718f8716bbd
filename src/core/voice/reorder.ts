/**
 * Packets in the order in which they were sent.
 *
 * @module
 */
import type { MediaPacket } from "../../ports/peers.ts";

/** How many packets may be missing before a jump counts as a new beginning. */
const MAX_GAP = 1000;
/** How many packets are kept at most, however short they are. */
const MAX_KEPT = 50;
/** How long a missing packet is waited for at most, where packets overtake each other by much. */
const MAX_WAIT_MS = 200;
/** How much longer than the last late one took, and how much of that each packet in its time takes back. */
const MARGIN_MS = 10;
const CALM_MS = 0.2;

/** A packet whose turn it is, and how many before it never came. */
export interface Ordered {
  packet: MediaPacket;
  missing: number;
}

/**
 * Lets packets through as long as they come in order; holds back those behind a missing one for a moment, which grows
 * with how late missing ones come. Duplicates, and what comes after its moment, are dropped.
 */
export class Reorder {
  readonly #wait_ms: number;
  #kept = new Map<number, { packet: MediaPacket; at: number }>();
  #next: number | undefined;
  #ssrc: number | undefined;
  #stale = 0;
  /** How long is waited now. */
  #patience: number;
  /** Packets that were given up, and when what follows them came. */
  #missed = new Map<number, number>();

  constructor({ wait_ms }: { wait_ms: number }) {
    this.#wait_ms = this.#patience = wait_ms;
  }

  /** Packets that came too late, or twice. */
  get stale(): number {
    return this.#stale;
  }

  /** Packets that wait. */
  get size(): number {
    return this.#kept.size;
  }

  /** Takes `packet`, which came at `now`. */
  push(packet: MediaPacket, now: number): void {
    if (this.#next === undefined || packet.ssrc !== this.#ssrc) this.#begin(packet);
    let ahead = (packet.sequence - this.#next!) & 0xffff;
    if (ahead >= 0x8000) ahead -= 0x10000;
    if (Math.abs(ahead) > MAX_GAP) this.#begin(packet);
    else if (ahead < 0 || this.#kept.has(packet.sequence)) {
      this.#learn(packet.sequence, now);
      return void this.#stale++;
    }
    this.#patience = Math.max(this.#wait_ms, this.#patience - CALM_MS);
    this.#kept.set(packet.sequence, { packet, at: now });
  }

  /** Takes out what may be heard by `now`, in order. */
  *take(now: number): Generator<Ordered> {
    for (let first; (first = this.#first()) !== undefined;) {
      const { packet, at, ahead } = first;
      if (ahead > 0 && now - at < this.#patience && this.#kept.size < MAX_KEPT) return;
      this.#kept.delete(packet.sequence);
      this.#miss(ahead, at);
      this.#next = (packet.sequence + 1) & 0xffff;
      yield { packet, missing: ahead };
    }
  }

  #begin({ sequence, ssrc }: MediaPacket): void {
    this.#kept.clear();
    this.#missed.clear();
    this.#next = sequence;
    this.#ssrc = ssrc;
  }

  /** Notes the `count` packets before the one that came at `at`, which won't be waited for any more. */
  #miss(count: number, at: number): void {
    for (let left = Math.min(count, MAX_KEPT); left > 0; left--) {
      this.#missed.set((this.#next! + count - left) & 0xffff, at);
    }
    for (const oldest of this.#missed.keys()) {
      if (this.#missed.size <= MAX_KEPT) break;
      this.#missed.delete(oldest);
    }
  }

  /** One came after all: had it been waited for so long, it would have been heard. */
  #learn(sequence: number, now: number): void {
    const at = this.#missed.get(sequence);
    if (at === undefined) return;
    this.#missed.delete(sequence);
    const needed = Math.min(MAX_WAIT_MS, now - at + MARGIN_MS);
    this.#patience = Math.max(this.#patience, needed);
  }

  #first(): { packet: MediaPacket; at: number; ahead: number } | undefined {
    let found: { packet: MediaPacket; at: number; ahead: number } | undefined;
    for (const { packet, at } of this.#kept.values()) {
      const ahead = (packet.sequence - this.#next!) & 0xffff;
      if (found === undefined || ahead < found.ahead) found = { packet, at, ahead };
    }
    return found;
  }
}
