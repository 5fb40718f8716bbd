/**
 * One connection: werift's, mended, in the port's words.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { type IceCandidate, MAX_CANDIDATES } from "../../domain/rtc_signal.ts";
import type {
  Channel,
  IceFragment,
  OutgoingPacket,
  Peer,
  PeerOptions,
  PeerState,
  PeerStats,
} from "../../ports/peers.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import { fragmentOf, withMuxOnly } from "./answer_lines.ts";
import { LocalPaths } from "./candidates.ts";
import { Channels } from "./channels.ts";
import { type Connection, insidesOf, type PeerConnection, type WeriftModule } from "./insides.ts";
import { Media } from "./media.ts";
import { checkDescription, isHidden, mendDescription, replaceFragment, withoutGeneration } from "./offer_mends.ts";
import { createConnection } from "./peer_connection.ts";
import type { SharedPorts } from "./shared_ports.ts";
import { statsOf } from "./stats.ts";
import { continueIce, mendChecks, mendDtls, type MendEvents, mendSctp, stopFlights } from "./werift_mends.ts";

/** What a peer is made of. */
export interface WebRtcPeerParts {
  werift: WeriftModule;
  ports: SharedPorts;
  options: PeerOptions;
  advertised: readonly string[];
  advertised_port: number;
  lite: boolean;
  connect_timeout_ms: number;
  lost_ms: number;
  stale_audio_ms: number;
  max_message_bytes: number;
  clock: Clock;
  log: Log;
  onGone(peer: WebRtcPeer): void;
}

/** One connection. */
export class WebRtcPeer implements Peer {
  readonly #parts: WebRtcPeerParts;
  readonly #pc: PeerConnection;
  readonly #media: Media;
  readonly #channels: Channels;
  readonly #mended = new WeakSet<object>();
  readonly #restarts = new WeakMap<object, number>();
  #state: PeerState = "new";
  #turn: Promise<unknown> = Promise.resolve();
  #timer: Disposable | undefined;
  #alive = 0;
  #candidates = 0;
  #early: IceCandidate[] = [];
  #remote: string | undefined;
  #shown = new Set<string>();
  /** Whether a description is being made, which carries the candidates that come meanwhile. */
  #describing = false;
  /** Whether servers may still show more candidates. */
  #gathering = false;
  #closing: Promise<void> | undefined;
  /** What was counted until it closed. */
  #final: PeerStats | undefined;

  constructor(parts: WebRtcPeerParts) {
    this.#parts = parts;
    const { options, werift, clock, stale_audio_ms } = parts;
    this.#pc = createConnection(parts);
    const onAlive = () => this.#live();
    this.#media = new Media({ pc: this.#pc, werift, clock, options, stale_ms: stale_audio_ms, onAlive });
    const onAbuse = (reason: string) => this.#abuse(reason);
    this.#channels = new Channels({ onChannel: options.events.onChannel, onAlive, onAbuse });
    this.#pc.onDataChannel.subscribe((raw) => void this.#channels.add(raw));
    this.#pc.onIceCandidate.subscribe((candidate) => {
      if (candidate?.candidate) this.#show(candidate);
    });
    this.#pc.connectionStateChange.subscribe((state) => {
      // What comes after the first connection is told by what is heard, not by werift.
      if (state === "failed" && this.#state === "connecting") this.#end("failed");
    });
  }

  get state(): PeerState {
    return this.#state;
  }

  get tracks(): readonly { mid: string; kind: "audio" | "video" }[] {
    return this.#media.tracks;
  }

  get outlets(): readonly { mid: string; kind: "audio" | "video" }[] {
    return this.#media.outlets;
  }

  get ice(): Peer["ice"] {
    const remote = this.#remote === undefined ? null : fragmentOf(this.#remote);
    return {
      local: fragmentOf(this.#pc.localDescription?.sdp ?? ""),
      remote: remote && { ufrag: remote.ufrag, pwd: remote.pwd },
    };
  }

  answer(offer: string): Promise<string> {
    return this.#inTurn(() => this.#answer(offer));
  }

  offer({ restart = false }: { restart?: boolean } = {}): Promise<string> {
    return this.#inTurn(async () => {
      this.#assertOpen("make an offer");
      this.#media.prepareOffer();
      this.#mend();
      if (restart) this.#pc.restartIce();
      return await this.#describe("createOffer");
    });
  }

  accept(answer: string): Promise<void> {
    return this.#inTurn(async () => {
      this.#assertOpen("take an answer");
      await this.#take({ type: "answer", sdp: answer });
      this.#connect();
    });
  }

  addCandidate(candidate: IceCandidate | null): Promise<void> {
    return this.#inTurn(async () => {
      if (candidate === null || candidate.candidate === "" || isHidden(candidate.candidate)) return;
      if (this.#closing !== undefined || ++this.#candidates > MAX_CANDIDATES) return;
      if (this.#remote === undefined) return void this.#early.push(candidate);
      await this.#apply(candidate);
    });
  }

  restart(remote: IceFragment): Promise<IceFragment> {
    return this.#inTurn(async () => {
      if (this.#remote === undefined || this.#pc.signalingState !== "stable" || this.#closing !== undefined) {
        throw new AppError("ConflictError", `Cannot restart the connection: it is "${this.#state}"`);
      }
      const answer = await this.#answer(replaceFragment(this.#remote, remote)).catch((cause) => {
        throw new AppError("ConflictError", `Cannot restart the connection: ${reasonOf(cause)}`, { cause });
      });
      return fragmentOf(answer)!;
    });
  }

  sendAudio(packet: OutgoingPacket): void {
    if (this.#state === "connected") this.#media.send(packet);
  }

  sendVideo(packet: OutgoingPacket): void {
    if (this.#state === "connected") this.#media.send(packet);
  }

  requestKeyframe(mid: string): void {
    if (this.#state === "connected") this.#media.requestKeyframe(mid);
  }

  openChannel(label: string): Channel {
    this.#assertOpen("open a channel");
    const raw = this.#pc.createDataChannel(label);
    this.#mend();
    const channel = this.#channels.add(raw);
    if (channel === undefined) {
      throw new AppError("ConflictError", `Cannot open channel "${label}": there are too many`);
    }
    return channel;
  }

  stats(): PeerStats {
    if (this.#final !== undefined) return this.#final;
    const { dtls } = insidesOf(this.#pc);
    return statsOf({ transports: dtls, inbound: this.#media.inbound, senders: this.#media.senders });
  }

  /** To be called each second or so: who isn't heard is lost. */
  look(now: number): void {
    if (this.#state !== "connected") return;
    this.#media.report();
    if (now - this.#alive > this.#parts.lost_ms) this.#become("lost");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end("closed");
    await this.#closing;
  }

  /** Descriptions and candidates take effect one after the other. */
  #inTurn<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(task);
    this.#turn = result.catch(() => {});
    return result;
  }

  #assertOpen(what: string): void {
    if (this.#closing === undefined) return;
    throw new AppError("ConflictError", `Cannot ${what}: the connection is "${this.#state}"`);
  }

  async #answer(offer: string): Promise<string> {
    this.#assertOpen("answer");
    const isFirst = this.#remote === undefined;
    try {
      await this.#take({ type: "offer", sdp: offer });
      const answer = await this.#describe("createAnswer");
      this.#connect();
      return answer;
    } catch (cause) {
      this.#assertOpen("answer");
      if (isFirst) this.#end("failed");
      else if (this.#pc.signalingState === "have-remote-offer") {
        await this.#pc.setRemoteDescription({ type: "rollback" });
      }
      if (cause instanceof AppError) throw cause;
      throw new AppError("ValidationError", `Cannot answer the offer: ${reasonOf(cause)}`, { cause });
    }
  }

  async #take({ type, sdp }: { type: "offer" | "answer"; sdp: string }): Promise<void> {
    checkDescription(sdp);
    const mended = mendDescription(sdp);
    try {
      await this.#pc.setRemoteDescription({ type, sdp: mended });
    } catch (cause) {
      throw new AppError("ValidationError", `Cannot use the ${type}: ${reasonOf(cause)}`, { cause });
    }
    this.#remote = mended;
    this.#mend();
    if (type === "offer") this.#waitForHandshake(mended);
    for (const candidate of this.#early.splice(0)) await this.#apply(candidate);
  }

  /** Who may choose lets the other end begin, which saves a pause. */
  #waitForHandshake(offer: string): void {
    if (/^a=setup:passive/m.test(offer)) return;
    for (const transport of insidesOf(this.#pc).dtls) if (transport.state === "new") transport.role = "server";
  }

  async #apply({ candidate, sdp_mid, sdp_m_line_index }: IceCandidate): Promise<void> {
    const mids = [...this.#remote!.matchAll(/^a=mid:(\S+)/gm)].map(([, mid]) => mid);
    const named = mids.indexOf(sdp_mid ?? undefined);
    const sdpMLineIndex = named >= 0 ? named : Math.min(sdp_m_line_index ?? 0, mids.length - 1);
    // One that can't be used is as good as one that leads nowhere.
    await this.#pc.addIceCandidate({ candidate: withoutGeneration(candidate), sdpMLineIndex }).catch(() => {});
  }

  /** Mends what the last step made. */
  #mend(): void {
    const { dtls, ice, sctp } = insidesOf(this.#pc);
    const events: MendEvents = {
      onDropped: () => void this.#parts.ports.counts.malformed++,
      onAbuse: (reason) => this.#abuse(reason),
      onEnded: () => this.#end("closed"),
    };
    for (const transport of ice) {
      this.#once(transport, () => {
        this.#attach(transport.connection);
        mendChecks(transport.connection);
        transport.onStateChange.subscribe((state) => {
          if (state === "failed" && this.#state === "connected") this.#become("lost");
        });
      });
    }
    for (const transport of dtls) {
      this.#once(transport, () => {
        mendDtls(transport, events);
        transport.onStateChange.subscribe((state) => this.#hearDtls(state));
      });
    }
    if (sctp === undefined) return;
    mendSctp(sctp, events);
    this.#once(sctp.sctp, () => {
      const { connected, closed } = sctp.sctp.stateChanged;
      connected.subscribe(() => closed.subscribe(() => this.#end("closed")));
    });
  }

  #once(part: object, mend: () => void): void {
    if (this.#mended.has(part)) return;
    this.#mended.add(part);
    mend();
  }

  #attach(connection: Connection): void {
    const { werift, ports, options, advertised, advertised_port, lite } = this.#parts;
    const urls = options.ice_servers.flatMap(({ urls }) => urls);
    const stun = !lite && urls.some((url) => url.startsWith("stun:"));
    const turn = !lite && urls.some((url) => url.startsWith("turn"));
    this.#gathering = stun || turn;
    new LocalPaths({
      connection,
      werift,
      ports,
      advertised,
      advertised_port,
      relay_only: options.relay_only,
      stun,
      turn,
      clock: this.#parts.clock,
      onAlive: () => this.#live(),
      onGathered: () => {
        this.#gathering = false;
        if (stun || turn) options.events.onCandidate(null);
      },
    }).attach();
  }

  #connect(): void {
    for (const transport of insidesOf(this.#pc).ice) {
      const before = this.#restarts.get(transport) ?? 0;
      this.#restarts.set(transport, continueIce(transport, before));
    }
    if (this.#state !== "new") return;
    this.#become("connecting");
    this.#timer = this.#parts.clock.after(this.#parts.connect_timeout_ms, () => this.#end("failed"));
  }

  /** Makes a description; the candidates it holds need no telling. */
  async #describe(make: "createOffer" | "createAnswer"): Promise<string> {
    this.#describing = true;
    try {
      await this.#pc.setLocalDescription(await this.#pc[make]());
    } finally {
      this.#describing = false;
    }
    const whole = withMuxOnly(this.#pc.localDescription!.sdp);
    const sdp = this.#gathering ? whole.replace(/^a=end-of-candidates\r\n/gm, "") : whole;
    for (const candidate of fragmentOf(sdp)?.candidates ?? []) this.#shown.add(candidate);
    return sdp;
  }

  #show({ candidate, sdpMid, sdpMLineIndex }: { candidate: string; sdpMid?: string; sdpMLineIndex?: number }): void {
    if (this.#describing || this.#shown.has(candidate)) return;
    this.#shown.add(candidate);
    this.#parts.options.events.onCandidate({
      candidate,
      sdp_mid: sdpMid ?? null,
      sdp_m_line_index: sdpMLineIndex ?? null,
    });
  }

  #hearDtls(state: string): void {
    if (state === "failed") this.#end("failed");
    if (state === "closed") this.#end("closed");
    if (state !== "connected" || this.#state !== "connecting") return;
    if (insidesOf(this.#pc).dtls.some((transport) => transport.state !== "connected")) return;
    this.#timer?.[Symbol.dispose]();
    this.#alive = this.#parts.clock.now();
    this.#become("connected");
  }

  #live(): void {
    this.#alive = this.#parts.clock.now();
    if (this.#state === "lost") this.#become("connected");
  }

  #abuse(reason: string): void {
    this.#parts.log.warn("Ended a connection that doesn't keep to the rules", { reason });
    this.#end("failed");
  }

  #become(state: PeerState): void {
    if (this.#state === state || this.#state === "closed" || this.#state === "failed") return;
    this.#state = state;
    this.#parts.options.events.onState(state);
  }

  /** Lets go of everything. */
  #end(state: "closed" | "failed"): void {
    if (this.#closing !== undefined) return;
    this.#final = this.stats();
    this.#closing = this.#release();
    this.#become(state);
  }

  async #release(): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    this.#parts.onGone(this);
    const { dtls } = insidesOf(this.#pc);
    try {
      await this.#pc.close();
    } catch {
      // A connection that can't take its leave is over, too.
    } finally {
      for (const transport of dtls) stopFlights(transport);
      this.#channels.close();
      this.#media.stop();
    }
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
