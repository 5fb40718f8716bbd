/**
 * One stream of media that goes out, with numbers of its own.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { RTCRtpSender } from "werift";
import type { OutgoingPacket } from "../../ports/peers.ts";
import type { WeriftModule } from "./insides.ts";

/** More that wait to be sent than this are behind, and dropped: media that is late is worth nothing. */
const MAX_WAITING = 32;

/** Random whole number below `end`. */
function randomBelow(end: number): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]! % end;
}

/** A stream. */
export class Outbound {
  /** What was counted. */
  readonly counts = { packets: 0, bytes: 0, dropped: 0 };
  readonly #sender: RTCRtpSender;
  readonly #werift: WeriftModule;
  readonly #base = randomBelow(2 ** 15);
  #sequence = this.#base;
  #offset = randomBelow(2 ** 31);
  #waiting = 0;

  constructor({ sender, werift }: { sender: RTCRtpSender; werift: WeriftModule }) {
    this.#sender = sender;
    this.#werift = werift;
  }

  /** Sends, or drops when behind. The stream's name and kind of payload are the sender's. */
  send({ payload, sequence, timestamp, marker }: OutgoingPacket): void {
    if (this.#waiting >= MAX_WAITING) return void this.counts.dropped++;
    const { RtpHeader, RtpPacket } = this.#werift;
    const header = new RtpHeader({
      sequenceNumber: sequence === undefined ? this.#sequence : (this.#base + sequence) & 0xffff,
      timestamp: (timestamp + this.#offset) >>> 0,
      marker,
      padding: false,
      extension: true,
    });
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.counts.packets++;
    this.counts.bytes += payload.length;
    this.#waiting++;
    const data = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    this.#sender.sendRtp(new RtpPacket(header, data)).catch(() => void this.counts.dropped++)
      .finally(() => void this.#waiting--);
  }
}
