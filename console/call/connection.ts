/**
 * A WebRTC connection to the server: what is sent over it, and how both ends agree on it.
 *
 * @module
 */

import type { IceServer } from "../../src/domain/rtc_signal.ts";

/** What a track shows or carries. */
export type Source = "microphone" | "camera" | "screen";

/** What a connection tells its owner. */
export interface ConnectionEvents {
  onState(state: RTCPeerConnectionState): void;
  onCandidate(candidate: RTCIceCandidate | null): void;
  onSound(track: MediaStreamTrack): void;
  /** A section for somebody else in the room. */
  onOther(mid: string, track: MediaStreamTrack): void;
  onMessage(text: string): void;
  onChannel(open: boolean): void;
}

/** Options of a connection. */
export interface ConnectionOptions {
  ice_servers: readonly IceServer[];
  events: ConnectionEvents;
  /** For how many others there are sections. */
  others: number;
  /** Takes an offer to the server; resolves with its answer. */
  exchange(sdp: string): Promise<string>;
}

/** The label of the channel on which both ends speak. */
const LABEL = "muxi";
/** How much may wait to be sent before nothing is added. */
const MAX_WAITING = 1_000_000;

/** One connection. After it failed for good, a new one takes over its tracks. */
export class Connection implements Disposable {
  readonly pc: RTCPeerConnection;
  readonly #exchange: ConnectionOptions["exchange"];
  readonly #channel: RTCDataChannel;
  readonly #senders = new Map<Source, RTCRtpTransceiver>();
  readonly #early: RTCIceCandidateInit[] = [];
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ ice_servers, events, others, exchange }: ConnectionOptions) {
    this.#exchange = exchange;
    const pc = this.pc = new RTCPeerConnection({
      iceServers: ice_servers as RTCIceServer[],
      bundlePolicy: "max-bundle",
    });
    pc.onconnectionstatechange = () => events.onState(pc.connectionState);
    pc.onicecandidate = ({ candidate }) => events.onCandidate(candidate);
    const channel = this.#channel = pc.createDataChannel(LABEL);
    channel.onopen = () => events.onChannel(true);
    channel.onclose = () => events.onChannel(false);
    channel.onmessage = ({ data }) => typeof data === "string" && events.onMessage(data);
    // The agent is heard, too, by who has no microphone.
    const voice = pc.addTransceiver("audio", { direction: "recvonly" });
    this.#senders.set("microphone", voice);
    pc.ontrack = ({ track, transceiver }) => {
      if (transceiver === voice) events.onSound(track);
      else if (transceiver.mid !== null) events.onOther(transceiver.mid, track);
    };
    for (const kind of ["audio", "video"]) {
      for (let n = 0; n < others; n++) pc.addTransceiver(kind, { direction: "recvonly" });
    }
  }

  /** Whether text can be sent. */
  get open(): boolean {
    return this.#channel.readyState === "open";
  }

  /** What each section of the description carries, by its `mid`. */
  get tracks(): Record<string, Source> {
    const entries = [...this.#senders].filter(([, { mid, sender }]) => mid !== null && sender.track !== null);
    return Object.fromEntries(entries.map(([source, { mid }]) => [mid!, source]));
  }

  /** Sends a track, or nothing any more. Resolves with whether both ends must agree on it before it flows. */
  async put(source: Source, track: MediaStreamTrack | null): Promise<boolean> {
    const known = this.#senders.get(source);
    if (known === undefined) {
      if (track === null) return false;
      this.#senders.set(source, this.pc.addTransceiver(track, { direction: "sendonly" }));
      return true;
    }
    await known.sender.replaceTrack(track);
    if (track === null || known.direction !== "recvonly") return false;
    known.direction = "sendrecv";
    return true;
  }

  /** Makes an offer and takes the server's answer to it; with `restart`, over a new path. */
  agree({ restart = false } = {}): Promise<void> {
    return this.#inTurn(async () => {
      const { pc } = this;
      await pc.setLocalDescription(await pc.createOffer({ iceRestart: restart }));
      const { type, sdp } = pc.localDescription!;
      try {
        await pc.setRemoteDescription({ type: "answer", sdp: await this.#exchange(sdp) });
      } catch (error) {
        // Without an answer the offer would stand in the way of the next.
        if (type === "offer" && pc.signalingState === "have-local-offer") {
          await pc.setLocalDescription({ type: "rollback" });
        }
        throw error;
      }
      for (const candidate of this.#early.splice(0)) await this.#apply(candidate);
    });
  }

  /** Answers an offer of the server. */
  answer(offer: string): Promise<string> {
    return this.#inTurn(async () => {
      await this.pc.setRemoteDescription({ type: "offer", sdp: offer });
      await this.pc.setLocalDescription();
      return this.pc.localDescription!.sdp;
    });
  }

  /** Takes a candidate of the server. */
  async add(candidate: RTCIceCandidateInit): Promise<void> {
    if (this.pc.remoteDescription === null) this.#early.push(candidate);
    else await this.#apply(candidate);
  }

  /** Sends text, if it can be sent now. */
  send(text: string): boolean {
    const { readyState, bufferedAmount } = this.#channel;
    if (readyState !== "open" || bufferedAmount > MAX_WAITING) return false;
    try {
      this.#channel.send(text);
      return true;
    } catch {
      // Longer than the server takes.
      return false;
    }
  }

  [Symbol.dispose](): void {
    const { pc } = this;
    pc.onconnectionstatechange = pc.onicecandidate = pc.ontrack = null;
    this.#channel.onopen = this.#channel.onclose = this.#channel.onmessage = null;
    pc.close();
  }

  /** One that can't be used leads nowhere, which others may not. */
  async #apply(candidate: RTCIceCandidateInit): Promise<void> {
    await this.pc.addIceCandidate(candidate).catch(() => {});
  }

  /** Descriptions are agreed on one after the other. */
  #inTurn<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(task);
    this.#turn = result.catch(() => {});
    return result;
  }
}
