/**
 * The descriptions of a call: who offers, who answers, and over which connection.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { fingerprintOf, type IceCandidate, type IceServer } from "../../domain/rtc_signal.ts";
import type { Channel, MediaPacket, Peer, PeerEvents, PeerOptions, Peers, PeerState } from "../../ports/peers.ts";

/** The label of the data channel that carries a call's events. */
export const CHANNEL = "muxi";

/** What {@linkcode Signalling} tells of the connection in force. */
export interface SignallingEvents {
  onState(state: PeerState): void;
  onCandidate(candidate: IceCandidate | null): void;
  onMedia(packet: MediaPacket): void;
  onChannel: PeerEvents["onChannel"];
  /** The other end wants a whole picture of what section `mid` sends it. */
  onKeyframeAsked?(mid: string): void;
  /** See {@linkcode PeerEvents.onLoss}. */
  onLoss?(percent: number): void;
  /** A connection gives way to another one, or ends. */
  onReplaced(peer: Peer): void;
  /** An offer of ours waits for its answer; null: none does any more. */
  onOffer(sdp: string | null): void;
  /** A description of the other end took effect. */
  onDescribed?(sdp: string): void;
}

/** What {@linkcode Signalling} needs. */
export interface SignallingDeps {
  peers: Pick<Peers, "create">;
  options: Omit<PeerOptions, "events" | "ice_servers">;
  /** Servers that help a connection that begins now: their credentials expire. */
  iceServers(): Promise<readonly IceServer[]>;
  events: SignallingEvents;
}

/** Signals for one call. */
export class Signalling implements AsyncDisposable {
  readonly #deps: SignallingDeps;
  #peer: Peer | undefined;
  /** One that may come to be in force. */
  #next: Peer | undefined;
  /** Of the other end's certificate: another one is another connection. */
  #fingerprint: string | undefined;
  /** Our offer that waits for its answer. */
  #offer: string | undefined;
  #servers: readonly IceServer[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  #over = false;

  constructor(deps: SignallingDeps) {
    this.#deps = deps;
  }

  /** The connection in force. */
  get peer(): Peer | undefined {
    return this.#peer;
  }

  /** Whether candidates may come after a description. */
  get trickles(): boolean {
    return this.#servers.length > 0;
  }

  /**
   * Answers an offer: the first one, another one of the same connection (as after a change of network), or one of a new
   * connection, which takes the place of the old one. Our own offer, if it waits, gives way.
   */
  answer(offer: string): Promise<string> {
    return this.#inTurn(async () => {
      const fingerprint = fingerprintOf(offer);
      const peer = this.#usable();
      const isSame = peer !== undefined && this.#fingerprint !== undefined && fingerprint === this.#fingerprint;
      const answer = isSame ? await peer.answer(offer) : await this.#replace((next) => next.answer(offer));
      this.#wait(undefined);
      this.#fingerprint = fingerprint;
      this.#deps.events.onDescribed?.(offer);
      return answer;
    });
  }

  /**
   * Makes an offer: the first one, or one that finds a new way for the connection there is. Whoever asks while one waits
   * gets the same, so that no answer is taken for that of another.
   */
  offer(): Promise<string> {
    return this.#inTurn(async () => {
      const peer = this.#usable();
      if (peer !== undefined && this.#offer !== undefined) return this.#offer;
      const known = peer !== undefined && this.#fingerprint !== undefined;
      const offer = known ? await peer.offer({ restart: true }) : await this.#replace(async (next) => {
        this.#fingerprint = undefined;
        next.openChannel(CHANNEL);
        return await next.offer();
      });
      this.#wait(offer);
      return offer;
    });
  }

  /** Takes the answer to our offer. Rejects with `ConflictError` when there is none. */
  accept(answer: string): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#offer === undefined || this.#peer === undefined) {
        throw new AppError("ConflictError", "Cannot take the answer: no offer of ours waits for one");
      }
      await this.#peer.accept(answer);
      this.#wait(undefined);
      this.#fingerprint = fingerprintOf(answer);
      this.#deps.events.onDescribed?.(answer);
    });
  }

  /** Takes candidates. Rejects with `ConflictError` before the first description. */
  async addCandidates(candidates: readonly (IceCandidate | null)[]): Promise<void> {
    await this.#turn;
    if (this.#over) throw new AppError("GoneError", "Cannot take candidates: the call has ended");
    const peer = this.#peer;
    if (peer === undefined) {
      throw new AppError("ConflictError", "Cannot take candidates: nothing was offered yet");
    }
    for (const candidate of candidates) await peer.addCandidate(candidate);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    const open = [this.#peer, this.#next];
    if (this.#peer) this.#deps.events.onReplaced(this.#peer);
    this.#peer = this.#next = undefined;
    await Promise.all(open.map((peer) => peer?.[Symbol.asyncDispose]()));
  }

  #wait(offer: string | undefined): void {
    if (offer === this.#offer) return;
    this.#offer = offer;
    this.#deps.events.onOffer(offer ?? null);
  }

  #usable(): Peer | undefined {
    const state = this.#peer?.state;
    return state === "failed" || state === "closed" ? undefined : this.#peer;
  }

  /** Begins a new connection. The old one stays when that fails. */
  async #replace(begin: (peer: Peer) => Promise<string>): Promise<string> {
    this.#servers = await this.#deps.iceServers();
    const next = this.#next = this.#create();
    try {
      const description = await begin(next);
      if (this.#over) throw new AppError("GoneError", "Cannot go on: the call has ended");
      const old = this.#peer;
      this.#peer = next;
      this.#next = undefined;
      if (old) {
        this.#deps.events.onReplaced(old);
        await old[Symbol.asyncDispose]();
      }
      return description;
    } catch (error) {
      if (this.#next === next) this.#next = undefined;
      await next[Symbol.asyncDispose]();
      throw error;
    }
  }

  #create(): Peer {
    const { peers, options, events } = this.#deps;
    const counts = () => !this.#over && (peer === this.#next || peer === this.#peer);
    const peer: Peer = peers.create({
      ...options,
      ice_servers: this.#servers,
      events: {
        onState: (state) => {
          // Whoever offers what can't be used is told so, and the call stays as it is.
          const isVain = peer === this.#next && (state === "failed" || state === "closed");
          if (counts() && !isVain) events.onState(state);
        },
        onCandidate: (candidate) => {
          if (counts()) events.onCandidate(candidate);
        },
        onMedia: (packet) => {
          if (counts()) events.onMedia(packet);
        },
        onChannel: (channel: Channel) => events.onChannel(channel),
        onKeyframeAsked: (mid) => {
          if (counts()) events.onKeyframeAsked?.(mid);
        },
        onLoss: (percent) => {
          if (counts()) events.onLoss?.(percent);
        },
      },
    });
    return peer;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(() => {
      if (this.#over) throw new AppError("GoneError", "Cannot signal: the call has ended");
      return work();
    });
    this.#turn = done.catch(() => {});
    return done;
  }
}
