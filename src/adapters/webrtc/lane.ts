/**
 * What werift takes for a UDP socket of its own: one peer's share of a socket that all use.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import { isIPv6 } from "node:net";
import type { Address } from "./insides.ts";

/** The socket behind a lane. */
export interface LaneSocket {
  readonly local: Address;
  send(data: Buffer, to: Address): void;
  /** Expects the answer to a request, which says of itself only which request it answers. */
  expect(transaction: string, lane: Lane): void;
  drop(lane: Lane): void;
}

/** Options for {@linkcode Lane}. */
export interface LaneOptions {
  socket: LaneSocket;
  /** The password that goes with a name that others call this peer by. */
  passwordOf(ufrag: string): string | undefined;
  onData(data: Buffer, from: Address): void;
  /** The other end, or a server, answered a request. */
  onAnswered(): void;
  /** A remote address was given up for a newer one. */
  onForgotten(remote: Address): void;
  /** Whether media flows to this address, so that it is kept. */
  inUse(remote: Address): boolean;
}

/** The most remote addresses a peer has on a socket. */
const MAX_REMOTES = 16;
/** The most requests whose answers are waited for. */
const MAX_EXPECTED = 128;

/** One peer's share of a socket. */
export class Lane {
  readonly type = "udp";
  readonly addressFamily: 4 | 6;
  closed = false;
  #options: LaneOptions;
  #remotes = new Map<string, Address>();
  #expected = new Set<string>();

  constructor(options: LaneOptions) {
    this.#options = options;
    this.addressFamily = isIPv6(options.socket.local[0]) ? 6 : 4;
  }

  get address(): { address: string; port: number; family: string } {
    return { address: this.host, port: this.port, family: `IPv${this.addressFamily}` };
  }

  get host(): string {
    return this.#options.socket.local[0];
  }

  get port(): number {
    return this.#options.socket.local[1];
  }

  /** The remote addresses it has, and the requests it waits for. */
  get held(): { remotes: Iterable<string>; expected: Iterable<string> } {
    return { remotes: this.#remotes.keys(), expected: this.#expected };
  }

  /** See {@linkcode LaneOptions}. */
  passwordOf(ufrag: string): string | undefined {
    return this.#options.passwordOf(ufrag);
  }

  /** Hands on what came for this peer. */
  receive(data: Buffer, from: Address): void {
    if (!this.closed) this.#options.onData(data, from);
  }

  /** Sends, as werift asks for it. */
  send = async (data: Buffer, to?: Address): Promise<void> => {
    if (this.closed || to === undefined) return;
    const isRequest = data.length >= 20 && data[0] === 0 && data[1] === 1;
    if (isRequest) this.#expect(data.toString("latin1", 8, 20));
    this.#options.socket.send(data, to);
  };

  /** Ends it, as werift asks for it. */
  close = async (): Promise<void> => {
    this.closed = true;
    this.#options.socket.drop(this);
    this.#remotes.clear();
    this.#expected.clear();
  };

  /** Remembers a remote address; returns the key of the one that is given up for it, if any. */
  remember(key: string, remote: Address): string | undefined {
    this.#remotes.delete(key);
    this.#remotes.set(key, remote);
    if (this.#remotes.size <= MAX_REMOTES) return undefined;
    const [oldest, address] = [...this.#remotes].find(([, one]) => !this.#options.inUse(one))!;
    this.#remotes.delete(oldest);
    this.#options.onForgotten(address);
    return oldest;
  }

  /** Forgets a remote address, which is another peer's now. */
  forget(key: string): void {
    this.#remotes.delete(key);
  }

  /** The answer to a request came. */
  answered(transaction: string): void {
    this.#expected.delete(transaction);
    this.#options.onAnswered();
  }

  #expect(transaction: string): void {
    const [first] = this.#expected;
    if (this.#expected.size >= MAX_EXPECTED && first !== undefined) this.#expected.delete(first);
    this.#expected.add(transaction);
    this.#options.socket.expect(transaction, this);
  }
}
