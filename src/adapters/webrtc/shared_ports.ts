/**
 * The ports that all peers share: one number, on every local address, for UDP and for TCP.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { WeriftModule } from "./insides.ts";
import { isWildcard, localAddresses } from "./local_addresses.ts";
import { TcpListener, type TcpOwner } from "./tcp_port.ts";
import { noCounts, UdpSocket } from "./udp_port.ts";

/** Options for {@linkcode SharedPorts.open}. */
export interface SharedPortsOptions {
  host: string;
  /** 0 is any. */
  port: number;
  udp: boolean;
  tcp: boolean;
  ipv6: boolean;
  werift: WeriftModule;
  clock: Clock;
  log: Log;
}

/** How often the machine's addresses are looked at, which come and go. */
const LOOK_MS = 30_000;
/** How often another number is tried where any will do, since all addresses must have the same. */
const TRIES = 20;

/** Everything that listens. */
export class SharedPorts implements AsyncDisposable {
  readonly counts = noCounts();
  /** Who is called by which name, over TCP. */
  readonly tcpOwners = new Map<string, TcpOwner>();
  /** By local address. */
  readonly udp = new Map<string, UdpSocket>();
  readonly tcp = new Map<string, TcpListener>();
  readonly #options: SharedPortsOptions;
  #port: number;
  #timer: Disposable | undefined;
  #looking: Promise<void> | undefined;

  private constructor(options: SharedPortsOptions) {
    this.#options = options;
    this.#port = options.port;
  }

  /** Opens them. Rejects with `ConfigurationError` naming what is in the way. */
  static async open(options: SharedPortsOptions): Promise<SharedPorts> {
    const { host, port, clock } = options;
    const addresses = await localAddresses(options).catch((cause) => {
      throw new AppError("ConfigurationError", `Cannot open the ports of calls on "${host}": ${reasonOf(cause)}`, {
        cause,
      });
    });
    if (addresses.length === 0) {
      throw new AppError("ConfigurationError", `Cannot open the ports of calls on "${host}": it has no usable address`);
    }
    for (let tries = 1;; tries++) {
      const ports = new SharedPorts(options);
      try {
        for (const address of addresses) {
          await ports.#add(address).catch((error) => {
            // One of several that isn't ready, such as a new one of IPv6, is looked at again later.
            if (!isWildcard(host) || !reasonOf(error).includes("EADDRNOTAVAIL")) throw error;
            options.log.warn("Cannot use an address for calls yet", { address, reason: reasonOf(error) });
          });
        }
        if (isWildcard(host)) ports.#timer = clock.every(LOOK_MS, () => void ports.#look());
        return ports;
      } catch (cause) {
        await ports[Symbol.asyncDispose]();
        if (port === 0 && tries < TRIES && reasonOf(cause).includes("EADDRINUSE")) continue;
        throw new AppError(
          "ConfigurationError",
          `Cannot open port ${port} for calls on "${host}": ${reasonOf(cause)}`,
          { cause },
        );
      }
    }
  }

  /** The number they all have. */
  get port(): number {
    return this.#port;
  }

  /** Such as `192.0.2.1:8001/udp`. */
  get addresses(): string[] {
    const written = (host: string) => host.includes(":") ? `[${host}]` : host;
    const list = (hosts: Iterable<string>, kind: string) =>
      [...hosts].map((host) => `${written(host)}:${this.#port}/${kind}`);
    return [...list(this.udp.keys(), "udp"), ...list(this.tcp.keys(), "tcp")];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    await this.#looking;
    const all = [...this.udp.values(), ...this.tcp.values()];
    this.udp.clear();
    this.tcp.clear();
    this.tcpOwners.clear();
    await Promise.all(all.map((one) => one.close()));
  }

  async #add(address: string): Promise<void> {
    const { werift, udp, tcp, clock } = this.#options;
    const counts = this.counts;
    if (udp) {
      const socket = await UdpSocket.bind([address, this.#port], { werift, counts });
      this.udp.set(address, socket);
      this.#port = socket.local[1];
    }
    if (tcp) {
      const owners = this.tcpOwners;
      const listener = await TcpListener.listen([address, this.#port], { owners, werift, counts, clock });
      this.tcp.set(address, listener);
      this.#port = listener.local[1];
    }
  }

  /** Follows the machine's addresses. */
  async #look(): Promise<void> {
    this.#looking ??= this.#follow().finally(() => this.#looking = undefined);
    await this.#looking;
  }

  async #follow(): Promise<void> {
    const { log } = this.#options;
    const now = await localAddresses(this.#options).catch((): string[] => []);
    // Without any the look itself went wrong, or the network is away for a moment.
    if (now.length === 0) return;
    const had = new Set([...this.udp.keys(), ...this.tcp.keys()]);
    for (const address of had) {
      if (now.includes(address)) continue;
      const gone = [this.udp.get(address), this.tcp.get(address)];
      this.udp.delete(address);
      this.tcp.delete(address);
      await Promise.all(gone.map((one) => one?.close()));
      log.info("An address of calls is gone", { address });
    }
    for (const address of now) {
      if (had.has(address)) continue;
      await this.#add(address).then(
        () => log.info("A new address for calls", { address }),
        (error) => log.warn("Cannot use a new address for calls", { address, reason: reasonOf(error) }),
      );
    }
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
