/**
 * One stream of media that comes in: what is repeated, old or stale is dropped, the rest counted.
 *
 * @module
 */
import type { MediaPacket } from "../../ports/peers.ts";

/** A packet of RTP, as far as it matters here. */
export interface RtpFields {
  ssrc: number;
  sequence: number;
  timestamp: number;
  marker: boolean;
  payload: Uint8Array;
  level?: number;
}

/** Options for {@linkcode Inbound}. */
export interface InboundOptions {
  mid: string;
  kind: "audio" | "video";
  /** Sound that comes this much later than the quickest is dropped. */
  stale_ms: number;
}

/** Ticks of a clock in a millisecond. */
const TICKS = { audio: 48, video: 90 } as const;
/** How far back a packet may come and still be new. */
const WINDOW = 1024;
/** For how long the quickest packet is remembered: twice this at most. */
const QUICKEST_MS = 10_000;
/** Lateness that lasts this long is a sender whose clock jumped. */
const JUMP_MS = 5000;
/** The same, if it is steady: the sender's clock stood still, as when it paused or was busy, and nothing waits anywhere. */
const STILL_MS = 200;
/** How steady that is, in milliseconds. What was held up comes faster than it was sent. */
const STEADY_MS = 60;

/** A stream. */
export class Inbound {
  /** What was counted, in the words of RFC 3550. */
  readonly counts = { packets: 0, bytes: 0, repeated: 0, stale: 0 };
  readonly #options: InboundOptions;
  #ssrc: number | undefined;
  #seen = new Set<number>();
  #first = 0;
  #highest = 0;
  /** Of streams before this one, whose numbers were others. */
  #before = { expected: 0, packets: 0 };
  #packetsOfStream = 0;
  #transit: number | undefined;
  #jitter = 0;
  #quickest = { ticks: Infinity, older: Infinity, since: 0 };
  #late: { since: number; transit: number; steady: number } | undefined;
  #clock = { timestamp: 0, ticks: 0 };

  constructor(options: InboundOptions) {
    this.#options = options;
  }

  /** How many are missing (RFC 3550, A.3). */
  get lost(): number {
    const expected = this.#ssrc === undefined ? 0 : this.#highest - this.#first + 1;
    return Math.max(0, this.#before.expected + expected - this.#before.packets - this.#packetsOfStream);
  }

  /** The mean deviation of times between packets (RFC 3550, A.8). */
  get jitter_ms(): number {
    return this.#jitter / TICKS[this.#options.kind];
  }

  /** The packet to go on with; `now` in milliseconds. */
  take(rtp: RtpFields, now: number): MediaPacket | undefined {
    if (rtp.ssrc !== this.#ssrc) this.#begin(rtp);
    if (!this.#isNew(rtp.sequence)) return void this.counts.repeated++;
    this.counts.packets++;
    this.#packetsOfStream++;
    this.counts.bytes += rtp.payload.length;
    if (this.#isStale(rtp.timestamp, now)) return void this.counts.stale++;
    const { mid, kind } = this.#options;
    const { payload, ssrc, sequence, timestamp, marker, level } = rtp;
    return { mid, kind, payload, ssrc, sequence, timestamp, marker, ...level !== undefined && { level } };
  }

  #begin({ ssrc, sequence, timestamp }: RtpFields): void {
    if (this.#ssrc !== undefined) {
      this.#before.expected += this.#highest - this.#first + 1;
      this.#before.packets += this.#packetsOfStream;
    }
    this.#ssrc = ssrc;
    this.#seen.clear();
    this.#packetsOfStream = 0;
    this.#first = this.#highest = sequence;
    this.#clock = { timestamp, ticks: 0 };
    this.#transit = undefined;
    this.#quickest = { ticks: Infinity, older: Infinity, since: 0 };
  }

  /** Numbers go round after 65,536; they are counted on from the highest. */
  #isNew(sequence: number): boolean {
    const ahead = ((sequence - this.#highest + 32_768) & 0xffff) - 32_768;
    const number = this.#highest + ahead;
    if (number <= this.#highest - WINDOW || this.#seen.has(number)) return false;
    this.#seen.add(number);
    // What came before the first one was not expected.
    this.#first = Math.min(this.#first, number);
    if (ahead <= 0) return true;
    this.#highest = number;
    if (this.#seen.size > 2 * WINDOW) {
      for (const one of this.#seen) if (one <= this.#highest - WINDOW) this.#seen.delete(one);
    }
    return true;
  }

  #isStale(timestamp: number, now: number): boolean {
    const { kind } = this.#options;
    const ticks = this.#clock.ticks + ((timestamp - this.#clock.timestamp) | 0);
    this.#clock = { timestamp, ticks };
    const transit = now * TICKS[kind] - ticks;
    if (this.#transit !== undefined) this.#jitter += (Math.abs(transit - this.#transit) - this.#jitter) / 16;
    this.#transit = transit;
    if (kind === "video") return false;
    if (!this.#isLate(transit, now)) {
      this.#late = undefined;
      return false;
    }
    const late = this.#late ??= { since: now, transit, steady: now };
    if (Math.abs(transit - late.transit) > STEADY_MS * TICKS[kind]) Object.assign(late, { transit, steady: now });
    if (now - late.steady < STILL_MS && now - late.since < JUMP_MS) return true;
    this.#quickest = { ticks: transit, older: Infinity, since: now };
    this.#late = undefined;
    return false;
  }

  #isLate(transit: number, now: number): boolean {
    const { kind, stale_ms } = this.#options;
    const { ticks, older, since } = this.#quickest;
    this.#quickest = now - since > QUICKEST_MS
      ? { ticks: transit, older: ticks, since: now }
      : { ticks: Math.min(ticks, transit), older, since };
    return transit - Math.min(this.#quickest.ticks, this.#quickest.older) > stale_ms * TICKS[kind];
  }
}
