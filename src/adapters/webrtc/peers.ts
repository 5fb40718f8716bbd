/**
 * Peers over WebRTC: ICE-lite on one UDP and one TCP port, or full ICE where servers help.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { type Clock, systemClock } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { Peer, PeerOptions, PeerPlaces, Peers } from "../../ports/peers.ts";
import type { WeriftModule } from "./insides.ts";
import { WebRtcPeer } from "./peer.ts";
import { SharedPorts } from "./shared_ports.ts";
import type { PortCounts } from "./udp_port.ts";
import { warmUp } from "./warm_up.ts";

/** Options for {@linkcode WebRtcPeers}. */
export interface WebRtcPeersOptions {
  /** A local address, or a wildcard for all. */
  host: string;
  /** Of UDP and TCP alike; 0 is any. */
  port: number;
  udp?: boolean;
  tcp?: boolean;
  ipv6?: boolean;
  /** What others see in place of the machine's addresses. */
  advertised_addresses?: readonly string[];
  /** 0: the port itself. */
  advertised_port?: number;
  /** `auto`: unless there are servers to help. */
  lite?: "auto" | boolean;
  connect_timeout_ms?: number;
  /** For how long nothing may be heard. */
  lost_ms?: number;
  stale_audio_ms?: number;
  max_message_bytes?: number;
  clock?: Clock;
  log: Log;
}

/** How often silence is looked for, as a part of how long it may last. */
const LOOKS = 8;

/** All peers of this process. */
export class WebRtcPeers implements Peers {
  readonly #options: Required<WebRtcPeersOptions>;
  readonly #peers = new Set<WebRtcPeer>();
  #opening: Promise<void> | undefined;
  readonly #ending = new AbortController();
  #warming: Promise<void> | undefined;
  #ready: { werift: WeriftModule; ports: SharedPorts; timer: Disposable } | undefined;

  constructor(options: WebRtcPeersOptions) {
    this.#options = {
      udp: true,
      tcp: true,
      ipv6: true,
      advertised_addresses: [],
      advertised_port: 0,
      lite: "auto",
      connect_timeout_ms: 15_000,
      lost_ms: 8000,
      stale_audio_ms: 200,
      max_message_bytes: 65_536,
      clock: systemClock,
      ...options,
    };
  }

  /** What happened on the ports. */
  get counts(): Readonly<PortCounts> | undefined {
    return this.#ready?.ports.counts;
  }

  /** How many connections there are, and what is remembered of them. */
  get size(): { peers: number; names: number; remotes: number; expected: number } {
    const total = { peers: this.#peers.size, names: this.#ready?.ports.tcpOwners.size ?? 0, remotes: 0, expected: 0 };
    for (const { size } of this.#ready?.ports.udp.values() ?? []) {
      total.names += size.names;
      total.remotes += size.remotes;
      total.expected += size.expected;
    }
    return total;
  }

  async open(): Promise<PeerPlaces> {
    await (this.#opening ??= this.#open());
    const { ports } = this.#ready!;
    return { addresses: ports.addresses, port: ports.port };
  }

  create(options: PeerOptions): Peer {
    if (this.#ready === undefined) throw new AppError("InternalError", "Cannot make a peer before the ports are open");
    const { werift, ports } = this.#ready;
    const { lite, advertised_addresses: advertised } = this.#options;
    const peer = new WebRtcPeer({
      ...this.#options,
      werift,
      ports,
      options,
      advertised,
      lite: lite === "auto" ? options.ice_servers.length === 0 : lite,
      onGone: (gone) => void this.#peers.delete(gone),
    });
    this.#peers.add(peer);
    return peer;
  }

  lateness(): number {
    return Math.max(0, ...[...this.#ready?.ports.udp.values() ?? []].map((socket) => socket.lateness()));
  }

  /** Opens, and makes ready for the first call. */
  async warmUp(): Promise<void> {
    await this.open();
    await (this.#warming ??= this.#warmUp());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#opening?.catch(() => {});
    await this.#warming;
    await Promise.all([...this.#peers].map((peer) => peer[Symbol.asyncDispose]()));
    this.#ready?.timer[Symbol.dispose]();
    await this.#ready?.ports[Symbol.asyncDispose]();
    this.#ready = undefined;
  }

  async #open(): Promise<void> {
    const { clock, lost_ms } = this.#options;
    const werift = await import("werift");
    // Making the certificate takes a tenth of a second, which the first call would wait for.
    await werift.RTCDtlsTransport.SetupCertificate();
    const ports = await SharedPorts.open({ ...this.#options, werift });
    const timer = clock.every(lost_ms / LOOKS, () => {
      for (const peer of this.#peers) peer.look(clock.now());
    });
    this.#ready = { werift, ports, timer };
  }

  async #warmUp(): Promise<void> {
    const { log } = this.#options;
    const open = ({ lite }: { lite: boolean }) =>
      new WebRtcPeers({ host: "127.0.0.1", port: 0, tcp: false, ipv6: false, lite, log });
    await warmUp(open, { signal: this.#ending.signal }).catch((error) => {
      log.warn("Cannot make ready for the first call", { reason: String(error) });
    });
  }
}
