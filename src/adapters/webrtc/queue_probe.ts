/**
 * How long what comes to a UDP port waits until it is read: the port sends to itself what waits with all the others.
 * The event loop doesn't tell, as it goes on with other tasks while the system's queue grows.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** The first byte, which no protocol of a call begins with (RFC 7983, section 7). */
const FIRST = 0xff;
const BYTES = 16;
/** What hasn't come by then was dropped at the end of a full queue. */
const LOST_MS = 1000;
/** How often it is tried until one has come: a firewall may be in between, and would note each. */
const TRIES = 3;

/** See the module. */
export class QueueProbe {
  readonly #send: (datagram: Buffer) => void;
  #datagram: Buffer | undefined;
  #sent = 0;
  /** What was found last. */
  #waited = 0;
  /** Whether one ever came: where none can, nothing is found. */
  #came = false;
  /** Whether anything else has come since it was sent: if not, nothing waits there. */
  #heard = false;
  #tries = 0;

  constructor(send: (datagram: Buffer) => void) {
    this.#send = send;
  }

  /** How long it is, in milliseconds, as found last or at least; sends the next, unless one is on its way. */
  look(): number {
    const waits = this.#datagram === undefined ? 0 : performance.now() - this.#sent;
    const isLost = waits > LOST_MS;
    // The address is gone, and nobody comes by it any more.
    if (isLost && !this.#heard) [this.#came, this.#waited] = [false, 0];
    if (this.#came) this.#waited = Math.max(this.#waited, Math.min(waits, LOST_MS));
    const isDue = this.#datagram === undefined || isLost;
    if (isDue && (this.#came || this.#tries++ < TRIES)) this.#ask();
    return this.#waited;
  }

  /** Whether `datagram` is the one that was sent. */
  take(datagram: Uint8Array): boolean {
    if (datagram[0] !== FIRST || !this.#datagram?.equals(datagram)) {
      this.#heard = true;
      return false;
    }
    this.#waited = performance.now() - this.#sent;
    this.#datagram = undefined;
    this.#came = true;
    this.#tries = 0;
    return true;
  }

  /** Strangers can't guess it. */
  #ask(): void {
    this.#datagram = Buffer.from([FIRST, ...crypto.getRandomValues(new Uint8Array(BYTES))]);
    this.#sent = performance.now();
    this.#heard = false;
    this.#send(this.#datagram);
  }
}
