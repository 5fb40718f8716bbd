/**
 * Peers of the WebRTC adapter for tests: on this machine alone, and in pairs.
 *
 * @module
 */
import { WebRtcPeers, type WebRtcPeersOptions } from "../../src/adapters/webrtc/peers.ts";
import { createLog } from "../../src/kit/log.ts";
import type { IceCandidate } from "../../src/domain/rtc_signal.ts";
import type { MediaPacket, Peer, PeerOptions, Peers, PeerState } from "../../src/ports/peers.ts";
import { Waiting } from "./waiting.ts";

/** A log that keeps its lines. */
export function keptLog(): { log: WebRtcPeersOptions["log"]; lines: string[] } {
  const lines: string[] = [];
  return { lines, log: createLog({ level: "debug", format: "json", write: (line) => void lines.push(line) }) };
}

/** Opens the adapter on 127.0.0.1. What a busy machine is late with is taken unless `options` say otherwise. */
export async function openPeers(options: Partial<WebRtcPeersOptions> = {}): Promise<WebRtcPeers> {
  const peers = new WebRtcPeers({ host: "127.0.0.1", port: 0, log: keptLog().log, stale_audio_ms: 60_000, ...options });
  await peers.open();
  return peers;
}

/** What a peer told its owner. */
export interface Heard {
  states: PeerState[];
  candidates: (IceCandidate | null)[];
  media: MediaPacket[];
  messages: string[];
  channels: Map<string, { send(text: string): boolean; close(): void }>;
  closed: string[];
  keyframes: number;
  /** Resolves once `holds` does. */
  until(holds: () => boolean): Promise<void>;
}

/** Options for {@linkcode makePeer}. */
export interface MakePeerOptions extends Partial<Omit<PeerOptions, "events">> {
  onMedia?(packet: MediaPacket): void;
  onMessage?(text: string, label: string): void;
}

/** Makes a peer whose owner notes everything. */
export function makePeer(peers: Peers, { onMedia, onMessage, ...options }: MakePeerOptions = {}) {
  const waiting = new Waiting();
  const told = () => waiting.told();
  const heard: Heard = {
    states: [],
    candidates: [],
    media: [],
    messages: [],
    channels: new Map(),
    closed: [],
    keyframes: 0,
    async until(holds) {
      const seen = () => ({ states: heard.states, media: heard.media.length, messages: heard.messages.slice(-10) });
      await waiting.until(`${holds}`, holds, { seen });
    },
  };
  const peer = peers.create({
    audio: "sendrecv",
    video: "inactive",
    ice_servers: [],
    relay_only: false,
    ...options,
    events: {
      onState: (state) => (heard.states.push(state), told()),
      onCandidate: (candidate) => (heard.candidates.push(candidate), told()),
      onMedia: (packet) => (heard.media.push(packet), onMedia?.(packet), told()),
      onKeyframeAsked: () => (heard.keyframes++, told()),
      onChannel: (channel) => {
        heard.channels.set(channel.label, channel);
        told();
        return {
          onMessage: (text) => (heard.messages.push(text), onMessage?.(text, channel.label), told()),
          onClose: () => (heard.closed.push(channel.label), told()),
        };
      },
    },
  });
  return { peer, heard };
}

/** Makes a peer that sends back the sound and the words it gets. */
export function makeEcho(peers: Peers, options: MakePeerOptions = {}): { peer: Peer; heard: Heard } {
  const made: { peer: Peer; heard: Heard } = makePeer(peers, {
    ...options,
    onMedia: ({ kind, payload, timestamp, marker }) => {
      if (kind === "audio") made.peer.sendAudio({ kind, payload, timestamp, marker });
    },
    onMessage: (text, label) => void made.heard.channels.get(label)!.send(`echo:${text}`),
  });
  return made;
}
