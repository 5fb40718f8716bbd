/**
 * The media of a peer: its sections, what comes in and what goes out.
 *
 * @module
 */
import type { MediaStreamTrack, RTCRtpSender, RTCRtpTransceiver } from "werift";
import type { Clock } from "../../kit/clock.ts";
import type { OutgoingPacket, PeerOptions } from "../../ports/peers.ts";
import { Inbound } from "./inbound.ts";
import type { PeerConnection, WeriftModule } from "./insides.ts";
import { Outbound } from "./outbound.ts";
import { routeUnannounced } from "./rtp_routes.ts";

/** What a sender of pictures may take of the network, as 18 bits and a power of two: 1.5 megabits a second. */
const MAX_VIDEO = { brMantissa: 187_500, brExp: 3 } as const;

/** Options for {@linkcode Media}. */
export interface MediaOptions {
  pc: PeerConnection;
  werift: WeriftModule;
  clock: Clock;
  options: PeerOptions;
  stale_ms: number;
  /** A packet came that nobody else could have sent. */
  onAlive(): void;
}

/** Everything that flows. */
export class Media {
  readonly #options: MediaOptions;
  readonly #known = new Set<RTCRtpTransceiver>();
  readonly #inbound = new Map<MediaStreamTrack, Inbound>();
  readonly #outbound = new Map<RTCRtpTransceiver, Outbound>();

  constructor(options: MediaOptions) {
    this.#options = options;
    routeUnannounced(options.pc, options.werift);
    options.pc.onRemoteTransceiverAdded.subscribe((transceiver) => this.#add(transceiver));
  }

  /** What is counted of what comes in. */
  get inbound(): Iterable<Inbound> {
    return this.#inbound.values();
  }

  /** What is counted of what goes out. */
  get senders(): readonly RTCRtpSender[] {
    return [...this.#known].map(({ sender }) => sender);
  }

  /** The sections that the other end sends. */
  get tracks(): { mid: string; kind: "audio" | "video" }[] {
    return [...this.#known].flatMap(({ mid, kind, stopped, currentDirection, receiver }) => {
      const receives = currentDirection === "sendrecv" || currentDirection === "recvonly";
      if (mid === null || stopped || !receives || receiver.tracks.length === 0) return [];
      return kind === "audio" || kind === "video" ? [{ mid, kind }] : [];
    });
  }

  /** The sections in which something can be sent. */
  get outlets(): { mid: string; kind: "audio" | "video" }[] {
    return [...this.#known].flatMap(({ mid, kind, stopped, currentDirection }) => {
      const sends = currentDirection === "sendrecv" || currentDirection === "sendonly";
      if (mid === null || stopped || !sends) return [];
      return kind === "audio" || kind === "video" ? [{ mid, kind }] : [];
    });
  }

  /** Adds the sections that an offer of ours has. */
  prepareOffer(): void {
    const { pc, options } = this.#options;
    for (const kind of ["audio", "video"] as const) {
      const there = [...this.#known].some((one) => one.kind === kind && !one.stopped);
      if (options[kind] !== "inactive" && !there) this.#add(pc.addTransceiver(kind, { direction: options[kind] }));
    }
  }

  /** Sends on the section that is named, or else on the first of its kind that takes it. */
  send(packet: OutgoingPacket): void {
    for (const transceiver of this.#known) {
      const { kind, mid, currentDirection } = transceiver;
      if (kind !== packet.kind || (packet.mid ?? mid) !== mid) continue;
      if ((currentDirection !== "sendrecv" && currentDirection !== "sendonly")) continue;
      let stream = this.#outbound.get(transceiver);
      if (stream === undefined) {
        stream = new Outbound({ sender: transceiver.sender, werift: this.#options.werift });
        this.#outbound.set(transceiver, stream);
      }
      return stream.send(packet);
    }
  }

  /** Asks for a whole picture. */
  requestKeyframe(mid: string): void {
    for (const { mid: own, receiver } of this.#known) {
      if (own !== mid) continue;
      for (const { ssrc } of receiver.tracks) if (ssrc !== undefined) void receiver.sendRtcpPLI(ssrc);
    }
  }

  /**
   * Tells senders of pictures how much they may send, as without it they begin with little, and stay there; and our own
   * end how much of the sound is missing at the other.
   */
  report(): void {
    this.#reportLoss();
    const { RtcpPayloadSpecificFeedback, ReceiverEstimatedMaxBitrate } = this.#options.werift;
    for (const { kind, receiver, sender, dtlsTransport } of this.#known) {
      const sources = receiver.tracks.flatMap(({ ssrc }) => ssrc ?? []);
      if (kind !== "video" || sources.length === 0 || dtlsTransport?.state !== "connected") continue;
      const feedback = new ReceiverEstimatedMaxBitrate({
        ...MAX_VIDEO,
        senderSsrc: sender.ssrc,
        mediaSsrc: 0,
        ssrcNum: sources.length,
        ssrcFeedbacks: sources,
      });
      // Lost with the connection, or told again in a second.
      dtlsTransport.sendRtcp([new RtcpPayloadSpecificFeedback({ feedback })]).catch(() => {});
    }
  }

  /** Ends every stream. */
  stop(): void {
    this.#outbound.clear();
    for (const { sender, receiver } of this.#known) {
      sender.stop();
      receiver.stop();
    }
  }

  #reportLoss(): void {
    const lost = [...this.#known].flatMap(({ kind, sender }) => {
      const { remoteFractionLost } = sender as unknown as { remoteFractionLost?: number };
      return kind === "audio" ? remoteFractionLost ?? [] : [];
    });
    if (lost.length > 0) this.#options.options.events.onLoss?.(100 * Math.max(...lost));
  }

  #add(transceiver: RTCRtpTransceiver): void {
    const { options } = this.#options;
    const { kind } = transceiver;
    if (this.#known.has(transceiver) || (kind !== "audio" && kind !== "video")) return;
    this.#known.add(transceiver);
    transceiver.setDirection(options[kind]);
    transceiver.sender.onPictureLossIndication.subscribe(() => options.events.onKeyframeAsked(transceiver.mid ?? ""));
    transceiver.onTrack.subscribe((track) => this.#listen(track, { transceiver, kind }));
  }

  #listen(
    track: MediaStreamTrack,
    { transceiver, kind }: { transceiver: RTCRtpTransceiver; kind: "audio" | "video" },
  ): void {
    if (this.#inbound.has(track)) return;
    const { options, clock, onAlive, stale_ms, werift: { RTP_EXTENSION_URI } } = this.#options;
    const inbound = new Inbound({ mid: transceiver.mid ?? "", kind, stale_ms });
    this.#inbound.set(track, inbound);
    track.onReceiveRtp.subscribe(({ header, payload }, extensions) => {
      onAlive();
      const { ssrc, sequenceNumber: sequence, timestamp, marker } = header;
      const level = extensions?.[RTP_EXTENSION_URI.audioLevelIndication]?.level;
      const fields = { ssrc, sequence, timestamp, marker, payload, ...typeof level === "number" && { level } };
      const packet = inbound.take(fields, clock.now());
      if (packet !== undefined) options.events.onMedia(packet);
    });
  }
}
