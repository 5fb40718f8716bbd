/**
 * Callers without a browser, each behind a port of its own, as people are.
 *
 * @module
 */
import { createOpusCodec } from "../../src/adapters/opus/codec.ts";
import { frameLength, Framing } from "../../src/core/voice/framing.ts";
import { joinSamples, toBytes } from "../../src/kit/pcm.ts";
import type { Peer } from "../../src/ports/peers.ts";
import { good, pipe, speech } from "./calls.ts";
import { RATE, understoodIn } from "./realtime_sound.ts";
import { type Heard, makePeer, openPeers } from "./webrtc_peers.ts";

/** Where calls are taken. */
export interface CallDoor {
  request(method: string, path: string, options?: { body?: unknown }): Promise<Response>;
}

/** Somebody in a call. */
export interface Caller extends AsyncDisposable {
  /** The call. */
  id: string;
  peer: Peer;
  heard: Heard;
  /** Sends text on the call's channel. */
  send(message: Record<string, unknown>): void;
  /** Resolves with the first event of `type` from number `from` of the messages on, and its place. */
  told(type: string, from?: number): Promise<{ data: Record<string, unknown>; at: number }>;
  /** The data of all events of `type` so far. */
  of(type: string): Record<string, unknown>[];
  /** Sends packets in real time, and silence after them. Resolves when they are sent. */
  say(packets: readonly Uint8Array[]): Promise<void>;
}

/** Options for {@linkcode openCaller}. */
export interface OpenCallerOptions {
  /** Of the offer. */
  body?: Record<string, unknown>;
  /** Whether to wait for the connection; otherwise the answer is taken, and no more. */
  connect?: boolean;
  /** Called with each packet of the agent, with the time it came at. */
  onMedia?(packet: { sequence: number; timestamp: number; payload: Uint8Array }, at: number): void;
}

const FRAME_MS = 20;
/** Of Opus' clock, in a millisecond. */
const TICKS = 48;

/** Calls. */
export async function openCaller(
  door: CallDoor,
  { body = {}, connect = true, onMedia }: OpenCallerOptions = {},
): Promise<Caller> {
  await using stack = new AsyncDisposableStack();
  const peers = stack.use(
    await openPeers({ lite: false, tcp: false, ipv6: false, lost_ms: 600_000, stale_audio_ms: 60_000 }),
  );
  const { peer, heard } = makePeer(peers, {
    onMedia: (packet) => {
      // What was heard is the test's to keep.
      heard.media.length = 0;
      onMedia?.(packet, performance.now());
    },
  });
  peer.openChannel("muxi");
  const offer = await door.request("POST", "/rtc/offer", { body: { sdp: await peer.offer(), ...body } });
  const { session_id: id, sdp } = await good<{ session_id: string; sdp: string }>(offer);
  await peer.accept(sdp);
  const over = () => heard.states.includes("closed") || heard.states.includes("failed");
  if (connect) await heard.until(() => heard.messages.length > 0 || over());
  if (over()) throw new Error(`The call did not begin: ${heard.states}`);
  const owned = stack.move();
  return {
    id,
    peer,
    heard,
    send: (message) => void heard.channels.get("muxi")!.send(JSON.stringify(message)),
    async told(type, from = 0) {
      let at = from;
      const found = () => {
        for (; at < heard.messages.length; at++) if (JSON.parse(heard.messages[at]!).type === type) return true;
        return false;
      };
      await heard.until(() => found() || over());
      if (at < heard.messages.length) return { data: JSON.parse(heard.messages[at]!).data, at };
      throw new Error(`The call ended before "${type}": ${heard.messages.slice(-3)}`);
    },
    of: (type) =>
      heard.messages.map((text) => JSON.parse(text)).filter((one) => one.type === type).map((one) => one.data),
    async say(packets) {
      const started = performance.now();
      for (const [index, payload] of packets.entries()) {
        // The clock of a microphone goes on while nobody listens to it.
        const timestamp = Math.round((started + index * FRAME_MS) * TICKS) % 2 ** 32;
        peer.sendAudio({ kind: "audio", payload, timestamp, marker: index === 0 });
        const wait = started + (index + 1) * FRAME_MS - performance.now();
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Sound in packets of 20 ms. */
export interface Packets {
  sound: Uint8Array[];
  /** One of silence. */
  silence: Uint8Array;
}

/** A sentence, spoken by espeak-ng. */
export async function speechPackets(sentence: string): Promise<Packets> {
  const raw = ["-f", "s16le", "-ac", "1", "-ar", `${RATE}`, "pipe:1"];
  const bytes = await pipe(["ffmpeg", "-v", "error", "-i", "pipe:0", ...raw], await speech(sentence));
  const codec = createOpusCodec();
  await codec.load();
  using encoder = await codec.createEncoder({ rate: RATE, bitrate: 32_000 });
  const frames = new Framing(frameLength(RATE)).push(new Int16Array(bytes.buffer, 0, bytes.length >> 1));
  const sound = frames.map((frame) => encoder.encode(frame).slice());
  return { sound, silence: encoder.encode(new Int16Array(frameLength(RATE))).slice() };
}

/** What is said in packets, by a grammar of sentences. */
export async function understoodInPackets(packets: readonly Uint8Array[], grammar: string): Promise<string[]> {
  const codec = createOpusCodec();
  await codec.load();
  using decoder = await codec.createDecoder({ rate: RATE });
  return await understoodIn(toBytes(joinSamples(packets.map((packet) => decoder.decode(packet)))), grammar);
}
