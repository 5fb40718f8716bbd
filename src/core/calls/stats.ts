/**
 * What was counted of a call, whatever connections it had.
 *
 * @module
 */
import type { RtcStats } from "../../domain/rtc_session.ts";
import type { PeerStats } from "../../ports/peers.ts";
import type { VoiceStats } from "../voice/voice_parts.ts";

const SUMS = [
  "packets_received",
  "packets_sent",
  "bytes_received",
  "bytes_sent",
  "packets_lost",
  "packets_stale",
] as const;
type Sums = Record<typeof SUMS[number], number>;

/** Adds up the connections of a call. */
export class CallStats {
  #before: Sums = {
    packets_received: 0,
    packets_sent: 0,
    bytes_received: 0,
    bytes_sent: 0,
    packets_lost: 0,
    packets_stale: 0,
  };

  /** A connection is over. */
  close(peer: PeerStats): void {
    this.#before = this.#add(peer);
  }

  /** All of them, and the one that is open. */
  total(peer: PeerStats | undefined, voice: VoiceStats): RtcStats {
    const sums = peer ? this.#add(peer) : { ...this.#before };
    return {
      ...sums,
      packets_stale: sums.packets_stale + voice.packets_stale,
      jitter_ms: peer?.jitter_ms ?? null,
      round_trip_ms: peer?.round_trip_ms ?? null,
      path: peer?.path ?? null,
      frames_concealed: voice.frames_concealed,
      expected_loss_percent: voice.expected_loss_percent,
      answer_latency_ms: voice.answer_latency_ms,
      interruptions: voice.interruptions,
    };
  }

  #add(peer: PeerStats): Sums {
    return Object.fromEntries(SUMS.map((name) => [name, this.#before[name] + peer[name]])) as Sums;
  }
}
