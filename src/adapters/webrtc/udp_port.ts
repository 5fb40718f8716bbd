/**
 * One UDP port for every peer: a socket for each local address, so that answers leave from the address they were asked
 * at. What comes is told apart by the name a STUN request calls, and then by the address it came from.
 *
 * @module
 */
import dgram from "node:dgram";
import type { Buffer } from "node:buffer";
import { isIPv6 } from "node:net";
import type { Address, WeriftModule } from "./insides.ts";
import type { Lane, LaneSocket } from "./lane.ts";
import { QueueProbe } from "./queue_probe.ts";
import { calledName, isVerified, stunKind } from "./stun_request.ts";
import { widenQueue } from "./udp_queue.ts";

/**
 * Half of what is set aside to read a datagram into, which is more than any peer sends; 64 kilobytes would be set aside
 * for each datagram otherwise. In Deno this is not the size of the system's queue: a test tells should it become that.
 */
const READ_BYTES = 2048;
/** The most datagrams that wait for the system to take them; more are dropped, as a full network would. */
const MAX_SENDING = 2048;

/** What happened on a port. */
export interface PortCounts {
  routed: number;
  unknown: number;
  forged: number;
  malformed: number;
  dropped: number;
}

/** Counts that begin at zero. */
export function noCounts(): PortCounts {
  return { routed: 0, unknown: 0, forged: 0, malformed: 0, dropped: 0 };
}

function keyOf([host, port]: Address): string {
  return `${host}|${port}`;
}

/** One local address. */
export class UdpSocket implements LaneSocket {
  readonly local: Address;
  #werift: WeriftModule;
  #socket: dgram.Socket;
  #counts: PortCounts;
  #byName = new Map<string, Lane>();
  #byRemote = new Map<string, Lane>();
  #byTransaction = new Map<string, Lane>();
  #sending = 0;
  readonly #probe = new QueueProbe((datagram) => this.send(datagram, this.local));

  private constructor(
    { local, werift, socket, counts }: {
      local: Address;
      werift: WeriftModule;
      socket: dgram.Socket;
      counts: PortCounts;
    },
  ) {
    this.local = local;
    this.#werift = werift;
    this.#socket = socket;
    this.#counts = counts;
    // What could not be sent shows here as well; it is lost like any other datagram.
    socket.on("error", () => void counts.dropped++);
    socket.on("message", (data, { address, port }) => this.#receive(data, [address, port]));
  }

  /** Binds a socket; port 0 is any. Rejects as the system does. */
  static async bind(
    [host, port]: Address,
    { werift, counts }: { werift: WeriftModule; counts: PortCounts },
  ): Promise<UdpSocket> {
    const family = isIPv6(host) ? 6 : 4;
    const socket = dgram.createSocket({
      type: `udp${family}`,
      ipv6Only: family === 6,
      recvBufferSize: READ_BYTES,
      // Addresses are never names here, and asking for each costs a turn.
      lookup: (name, _options, found) => found(null, name, family),
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once("error", reject);
    socket.bind({ address: host, port, exclusive: true }, resolve);
    try {
      await promise;
    } catch (error) {
      socket.close();
      throw error;
    }
    socket.off("error", reject);
    widenQueue(socket.address().port);
    return new UdpSocket({ local: [host, socket.address().port], werift, socket, counts });
  }

  /** How long what comes waits until it is read, in milliseconds; to be looked at again and again. */
  lateness(): number {
    return this.#probe.look();
  }

  /** How much is remembered. */
  get size(): { names: number; remotes: number; expected: number } {
    return { names: this.#byName.size, remotes: this.#byRemote.size, expected: this.#byTransaction.size };
  }

  /** Lets `lane` be called by `name`. */
  name(name: string, lane: Lane): void {
    this.#byName.set(name, lane);
  }

  /** Ends that. */
  unname(name: string): void {
    this.#byName.delete(name);
  }

  send(data: Buffer, [host, port]: Address): void {
    if (this.#sending >= MAX_SENDING) return void this.#counts.dropped++;
    this.#sending++;
    this.#socket.send(data, port, host, () => void this.#sending--);
  }

  expect(transaction: string, lane: Lane): void {
    this.#byTransaction.set(transaction, lane);
    if (this.#byTransaction.size < 4096) return;
    const [oldest] = this.#byTransaction.keys();
    this.#byTransaction.delete(oldest!);
  }

  drop(lane: Lane): void {
    const { remotes, expected } = lane.held;
    for (const key of remotes) if (this.#byRemote.get(key) === lane) this.#byRemote.delete(key);
    for (const transaction of expected) this.#byTransaction.delete(transaction);
    for (const [name, one] of this.#byName) if (one === lane) this.#byName.delete(name);
  }

  /** Closes the socket. */
  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.close(resolve);
    await promise;
  }

  #receive(data: Buffer, from: Address): void {
    try {
      if (this.#probe.take(data)) return;
      const lane = this.#laneOf(data, from);
      if (lane === undefined) return;
      this.#counts.routed++;
      lane.receive(data, from);
    } catch {
      this.#counts.malformed++;
    }
  }

  #laneOf(data: Buffer, from: Address): Lane | undefined {
    const kind = stunKind(data);
    const lane = kind === "request"
      ? this.#callee(data)
      : kind === "response"
      ? this.#asker(data)
      : this.#byRemote.get(keyOf(from));
    if (lane === undefined) return void this.#counts.unknown++;
    if (kind !== undefined) this.#remember(lane, from);
    return lane;
  }

  #callee(data: Buffer): Lane | undefined {
    const name = calledName(data);
    const lane = name === undefined ? undefined : this.#byName.get(name);
    const password = lane?.passwordOf(name!);
    if (lane === undefined || password === undefined) return undefined;
    if (isVerified(this.#werift, data, password)) return lane;
    return void this.#counts.forged++;
  }

  #asker(data: Buffer): Lane | undefined {
    const transaction = data.toString("latin1", 8, 20);
    const lane = this.#byTransaction.get(transaction);
    this.#byTransaction.delete(transaction);
    lane?.answered(transaction);
    return lane;
  }

  /** An address that changes hands moves with the newest sign of life. */
  #remember(lane: Lane, from: Address): void {
    const key = keyOf(from);
    const before = this.#byRemote.get(key);
    if (before === lane) return;
    before?.forget(key);
    this.#byRemote.set(key, lane);
    const forgotten = lane.remember(key, from);
    if (forgotten !== undefined && this.#byRemote.get(forgotten) === lane) this.#byRemote.delete(forgotten);
  }
}
