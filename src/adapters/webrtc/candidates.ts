/**
 * How a peer's ICE uses the shared ports: which candidates it shows, who may speak to it, and which way it takes.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { isIP } from "node:net";
import type { Clock } from "../../kit/clock.ts";
import type { Address, Connection, Pair, Protocol, TcpProtocol, UdpProtocol, WeriftModule } from "./insides.ts";
import { Lane } from "./lane.ts";
import type { SharedPorts } from "./shared_ports.ts";
import { isVerified } from "./stun_request.ts";
import type { UdpSocket } from "./udp_port.ts";

/** More than a slow reader may owe: what is sent beyond is dropped, as a full network would. */
const MAX_TCP_WAITING = 256 * 1024;
const MAX_SEEN_REQUESTS = 64;
/**
 * How long the other end may be nominating all ways that it tries, as Firefox does. It uses the best of them itself; one
 * that is nominated later is where it goes.
 */
const SETTLE_MS = 5000;
/** How long an answer waits for candidates of servers, and how long if there are no others. */
const WAIT_MS = { servers: 1000, relay_only: 5000 };

/** Options for {@linkcode LocalPaths}. */
export interface LocalPathsOptions {
  connection: Connection;
  werift: WeriftModule;
  ports: SharedPorts;
  /** Addresses that are shown in place of the machine's own. */
  advertised: readonly string[];
  advertised_port: number;
  relay_only: boolean;
  /** A server that tells how others see us. */
  stun: boolean;
  turn: boolean;
  clock: Clock;
  /** The other end showed that it lives. */
  onAlive(): void;
  onGathered(): void;
}

/** Random text of ICE's characters; two for each byte. */
function randomText(bytes: number): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString("hex");
}

/** The ways of one peer. */
export class LocalPaths {
  readonly #options: LocalPathsOptions;
  readonly #connection: Connection;
  readonly #lanes = new Map<UdpSocket, Lane>();
  #tcp: TcpProtocol | undefined;
  /** What others may call this peer; the last is the one in force. */
  #names: string[] = [];
  /** Until when the other end, calling this name, settles on a way; and what it thinks of those it nominates. */
  #settling = { name: "", until: 0 };
  readonly #priorities = new WeakMap<Pair, number>();
  /** The way before a restart. */
  #before: Pair | undefined;
  #closed = false;

  constructor(options: LocalPathsOptions) {
    this.#options = options;
    this.#connection = options.connection;
  }

  /** Puts itself in the place of what werift would do on its own. */
  attach(): void {
    const connection = this.#connection;
    const [restart, ensure, send, close] = [
      connection.restart.bind(connection),
      connection.ensureProtocol.bind(connection),
      connection.send,
      connection.close.bind(connection),
    ];
    connection.stunServer = this.#options.stun ? connection.stunServer : undefined;
    connection.gatherCandidates = () => this.#gather();
    connection.ensureProtocol = (protocol) => {
      this.#guard(protocol);
      ensure(protocol);
    };
    connection.restart = () => {
      this.#before = connection.nominated ?? this.#before;
      const done = restart();
      this.#rename();
      return done;
    };
    connection.send = async (data) => {
      // Until a restart has found its way, the one before is used (RFC 8445, section 9).
      const before = connection.nominated === undefined ? this.#before : undefined;
      try {
        await (before ? before.protocol.sendData(data, before.remoteAddr) : send(data));
      } catch {
        // Whoever sends doesn't wait for it: what is lost is sent again, or not missed.
        this.#options.ports.counts.dropped++;
      }
    };
    connection.close = async () => {
      this.#closed = true;
      this.#before = undefined;
      for (const name of this.#names.splice(0)) this.#unname(name);
      await close();
    };
    this.#rename();
  }

  /** The names are long, since who knows one and its password takes the media's path. */
  #rename(): void {
    const connection = this.#connection;
    delete connection.userHistory[connection.localUsername];
    connection.localUsername = randomText(8);
    connection.localPassword = randomText(16);
    connection.userHistory[connection.localUsername] = connection.localPassword;
    this.#names.push(connection.localUsername);
    for (const old of this.#names.splice(0, this.#names.length - 4)) this.#unname(old);
    for (const [socket, lane] of this.#lanes) socket.name(connection.localUsername, lane);
    this.#nameTcp();
  }

  #nameTcp(): void {
    if (this.#tcp === undefined) return;
    const owner = { protocol: this.#tcp, passwordOf: (name: string) => this.#passwordOf(name) };
    for (const name of this.#names) this.#options.ports.tcpOwners.set(name, owner);
  }

  #unname(name: string): void {
    delete this.#connection.userHistory[name];
    for (const socket of this.#lanes.keys()) socket.unname(name);
    this.#options.ports.tcpOwners.delete(name);
  }

  #passwordOf(name: string): string | undefined {
    return this.#names.includes(name) ? this.#connection.userHistory[name] : undefined;
  }

  /** Shows the candidates. Those of servers follow when they answer. */
  async #gather(): Promise<void> {
    const connection = this.#connection;
    if (connection.localCandidatesStart) return;
    connection.localCandidatesStart = true;
    if (!this.#options.relay_only) {
      this.#openUdp();
      this.#openTcp();
      this.#announce();
    }
    const rest = this.#askServers().finally(() => {
      connection.localCandidatesEnd = true;
      if (!this.#closed) this.#options.onGathered();
    });
    const { turn, stun, relay_only } = this.#options;
    if (!turn && !stun) return await rest;
    const { promise, resolve } = Promise.withResolvers<void>();
    using _timer = this.#options.clock.after(relay_only ? WAIT_MS.relay_only : WAIT_MS.servers, resolve);
    await Promise.race([rest, promise]);
  }

  async #askServers(): Promise<void> {
    const connection = this.#connection;
    const { turn, stun, relay_only, werift } = this.#options;
    const asked: Promise<unknown>[] = [];
    const known = connection.protocols.find(({ type }) => type === "turn");
    if (known?.localCandidate) connection.appendLocalCandidate(known.localCandidate);
    else if (turn) {
      const relayed = connection.getCandidatePromises([], undefined);
      asked.push(Promise.allSettled(relayed).then(() => this.#pairLate()));
    }
    if (stun && !relay_only && connection.stunServer !== undefined) {
      const server = connection.stunServer;
      for (const protocol of connection.protocols) {
        if (protocol.type !== "stun" || isIP(protocol.localIp ?? "") !== 4) continue;
        const found = werift.serverReflexiveCandidate(protocol as never, server as never);
        asked.push(found.then((candidate) => {
          if (candidate === undefined || this.#closed) return;
          candidate.generation = connection.generation;
          candidate.ufrag = connection.localUsername;
          connection.appendLocalCandidate(candidate);
        }));
      }
    }
    await Promise.allSettled(asked);
  }

  /** A way that came late meets the candidates that were there before. */
  #pairLate(): void {
    const connection = this.#connection;
    if (this.#closed) return;
    for (const protocol of connection.protocols) {
      if (protocol.type === "turn") connection.pairLocalProtocol(protocol);
    }
    connection.sortCheckList();
  }

  #openUdp(): void {
    const { werift, ports } = this.#options;
    const connection = this.#connection;
    for (const socket of ports.udp.values()) {
      if (this.#lanes.has(socket)) continue;
      const protocol = new werift.StunProtocol() as unknown as UdpProtocol;
      const lane = new Lane({
        socket,
        passwordOf: (name) => this.#passwordOf(name),
        onData: (data, from) => protocol.datagramReceived(data, from),
        onAnswered: this.#options.onAlive,
        onForgotten: (remote) => this.#forget(protocol, remote),
        inUse: (remote) => isPairOf(connection.nominated, { protocol, remote }),
      });
      this.#lanes.set(socket, lane);
      for (const name of this.#names) socket.name(name, lane);
      protocol.transport = lane;
      protocol.localIp = socket.local[0];
      protocol.localCandidate = this.#candidate("udp", socket.local);
      connection.ensureProtocol(protocol);
      connection.protocols.push(protocol);
      connection.pairLocalProtocol(protocol);
    }
  }

  #openTcp(): void {
    const { werift, ports } = this.#options;
    const [first] = ports.tcp.values();
    if (first === undefined || this.#tcp !== undefined) return;
    const protocol = new werift.TcpPassiveProtocol() as unknown as TcpProtocol;
    const write = protocol.sendData.bind(protocol);
    protocol.sendData = async (data, to) => {
      const waiting = protocol.getOpenSocket(to)?.socket.writableLength ?? 0;
      if (waiting > MAX_TCP_WAITING) return void ports.counts.dropped++;
      await write(data, to);
    };
    protocol.localIp = first.local[0];
    protocol.localCandidate = this.#candidate("tcp", first.local);
    this.#tcp = protocol;
    this.#connection.ensureProtocol(protocol);
    this.#connection.protocols.push(protocol);
    this.#nameTcp();
  }

  #announce(): void {
    const { ports, advertised, advertised_port } = this.#options;
    const port = advertised_port || ports.port;
    const shown = (own: Iterable<string>) =>
      advertised.length > 0
        ? advertised.map((host): Address => [host, port])
        : [...own].map((host): Address => [host, ports.port]);
    const udp = ports.udp.size > 0 ? shown(ports.udp.keys()) : [];
    const tcp = ports.tcp.size > 0 ? shown(ports.tcp.keys()) : [];
    for (const address of udp) this.#connection.appendLocalCandidate(this.#candidate("udp", address));
    for (const address of tcp) this.#connection.appendLocalCandidate(this.#candidate("tcp", address));
  }

  #candidate(transport: "udp" | "tcp", [host, port]: Address) {
    const { werift: { Candidate, candidateFoundation, candidatePriority } } = this.#options;
    const tcptype = transport === "tcp" ? "passive" : undefined;
    return new Candidate(
      candidateFoundation("host", transport, host),
      1,
      transport,
      candidatePriority("host", { transport, ...tcptype && { tcptype } }),
      host,
      port,
      "host",
      undefined,
      undefined,
      tcptype,
      this.#connection.generation,
      this.#connection.localUsername,
    );
  }

  /** Nobody is answered who doesn't know the password. */
  #guard(protocol: Protocol): void {
    const { werift, ports, onAlive } = this.#options;
    const event = protocol.onRequestReceived;
    const hand = event.execute;
    event.execute = (message, address, data) => {
      const username = message.getAttributeValue("USERNAME");
      const [name = ""] = typeof username === "string" ? username.split(":") : [];
      const password = this.#passwordOf(name);
      if (password === undefined || !isVerified(werift, data, password)) return void ports.counts.forged++;
      hand(message, address, data);
      const nominates = message.attributesKeys.includes("USE-CANDIDATE");
      const priority = Number(message.getAttributeValue("PRIORITY") ?? 0);
      this.#follow({ protocol, remote: address, name, nominates, priority });
      onAlive();
    };
  }

  /** An agent of ICE-lite takes the way that the other end nominated last; of those at the beginning, the best. */
  #follow(
    { protocol, remote, name, nominates, priority }: {
      protocol: Protocol;
      remote: Address;
      name: string;
      nominates: boolean;
      priority: number;
    },
  ): void {
    const connection = this.#connection;
    const pair = connection.checkList.find((one) => isPairOf(one, { protocol, remote }));
    if (pair !== undefined && pair.requestTransactionIds.size > MAX_SEEN_REQUESTS) pair.requestTransactionIds.clear();
    // Who nominates all ways that it tries does so with every check; who doesn't has chosen.
    if (!nominates && this.#settling.name === name) this.#settling.until = 0;
    if (!nominates || pair === undefined || !connection.iceLite) return;
    this.#priorities.set(pair, priority);
    const now = this.#options.clock.now();
    if (this.#settling.name !== name) this.#settling = { name, until: now + SETTLE_MS };
    const isSettled = now >= this.#settling.until;
    if (connection.nominated !== undefined && (isSettled || !this.#isWorse(pair, connection.nominated))) {
      pair.nominated = true;
      connection.nominated = pair;
    }
    if (connection.state === "failed") connection.setState("connected");
    if (name !== connection.localUsername) return;
    for (const old of this.#names.splice(0, this.#names.length - 1)) this.#unname(old);
  }

  /** Whether a way is worse than another, as RFC 8445 compares them (section 6.1.2.3). */
  #isWorse(pair: Pair, other: Pair): boolean {
    const [one, two] = [this.#prioritiesOf(pair), this.#prioritiesOf(other)];
    return one.least < two.least || (one.least === two.least && one.most < two.most);
  }

  /** The priorities of a way's ends. What its checks say of the other is alike for all, what was signalled isn't. */
  #prioritiesOf(pair: Pair): { least: number; most: number } {
    const here = pair.localCandidate.priority;
    const there = this.#priorities.get(pair) ?? pair.remoteCandidate.priority;
    return { least: Math.min(here, there), most: Math.max(here, there) };
  }

  /** Gives up what is remembered of a remote address. */
  #forget(protocol: Protocol, remote: Address): void {
    const connection = this.#connection;
    const gone = connection.checkList.filter((pair) => isPairOf(pair, { protocol, remote }));
    connection.checkList = connection.checkList.filter((pair) => !gone.includes(pair));
    const left = new Set(connection.checkList.map(({ remoteCandidate }) => remoteCandidate));
    connection._remoteCandidates = connection._remoteCandidates.filter((candidate) =>
      candidate.type !== "prflx" || left.has(candidate)
    );
  }
}

function isPairOf(pair: Pair | undefined, { protocol, remote }: { protocol: Protocol; remote: Address }): boolean {
  if (pair?.protocol !== protocol) return false;
  const [host, port] = pair.remoteAddr;
  return host === remote[0] && port === remote[1];
}
