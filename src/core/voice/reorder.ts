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

/** A packet whose turn it is, and how many before it never came. */
export interface Ordered {
  packet: MediaPacket;
  missing: number;
}

/**
 * Lets packets through as long as they come in order; holds back those behind a missing one for a moment. Duplicates,
 * and what comes after its moment, are dropped.
 */
export class Reorder {
  readonly #wait_ms: number;
  #kept = new Map<number, { packet: MediaPacket; at: number }>();
  #next: number | undefined;
  #stale = 0;

  constructor({ wait_ms }: { wait_ms: number }) {
    this.#wait_ms = wait_ms;
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
    this.#next ??= packet.sequence;
    let ahead = (packet.sequence - this.#next) & 0xffff;
    if (ahead >= 0x8000) ahead -= 0x10000;
    if (Math.abs(ahead) > MAX_GAP) {
      this.#kept.clear();
      this.#next = packet.sequence;
    } else if (ahead < 0 || this.#kept.has(packet.sequence)) return void this.#stale++;
    this.#kept.set(packet.sequence, { packet, at: now });
  }

  /** Takes out what may be heard by `now`, in order. */
  *take(now: number): Generator<Ordered> {
    for (let first; (first = this.#first()) !== undefined;) {
      const { packet, at, ahead } = first;
      if (ahead > 0 && now - at < this.#wait_ms && this.#kept.size < MAX_KEPT) return;
      this.#kept.delete(packet.sequence);
      this.#next = (packet.sequence + 1) & 0xffff;
      yield { packet, missing: ahead };
    }
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
