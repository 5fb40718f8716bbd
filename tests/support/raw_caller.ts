/**
 * Callers of bare werift, which do what no honest one does: they stop in the middle of a handshake, or send whatever a
 * test wants through a connection that is sound.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { good } from "./calls.ts";
import type { CallDoor } from "./caller.ts";
import { Waiting } from "./waiting.ts";
import { type Inner, innerOf, rawConnection, rawOffer } from "./werift_pair.ts";

/** See the module. */
export interface RawCaller extends AsyncDisposable {
  id: string;
  inner: Inner;
  /** Texts that came on the channel. */
  heard: string[];
  /** Sends text on the channel. */
  say(text: string): void;
  /** Resolves once `holds` does. */
  until(holds: () => boolean): Promise<void>;
  /** Sends `packet` as media that is encrypted as it should be. */
  sendMedia(kind: "rtp" | "rtcp", packet: Uint8Array): Promise<void>;
}

/** Options for {@linkcode openRawCaller}. */
export interface RawCallerOptions {
  body?: Record<string, unknown>;
  /** How many datagrams that are no STUN it sends before it falls silent; with 0 it only finds the way. */
  most?: number;
}

/** The media of a connection, encrypted. */
interface Srtp {
  srtp: { encrypt(payload: Buffer, header: unknown): Buffer };
  srtcp: { encrypt(packet: Buffer): Buffer };
}

/** Calls. Resolves when the answer is taken. */
export async function openRawCaller(
  door: CallDoor,
  { body = {}, most = Infinity }: RawCallerOptions = {},
): Promise<RawCaller> {
  const pc = rawConnection();
  const channel = pc.createDataChannel("muxi");
  await rawOffer(pc);
  const inner = innerOf(pc);
  const { connection } = inner.ice;
  const send = connection.send;
  let sent = 0;
  connection.send = async (data) => {
    if (sent++ < most) await send(data);
  };
  const offer = await door.request("POST", "/rtc/offer", { body: { sdp: pc.localDescription!.sdp, ...body } });
  const { session_id: id, sdp } = await good<{ session_id: string; sdp: string }>(offer);
  const heard: string[] = [];
  const waiting = new Waiting();
  channel.onMessage.subscribe((message) => {
    heard.push(String(message));
    waiting.told();
  });
  await pc.setRemoteDescription({ type: "answer", sdp });
  const { sctp } = innerOf(pc);
  // Bare werift ends the process by what is answered to the garbage that it sent.
  sctp.sctp.onReceive.execute = (...data) => void sctp.datachannelReceive(...data).catch(() => {});
  return {
    id,
    inner,
    heard,
    say: (text) => channel.send(text),
    async until(holds) {
      const seen = () => ({ dtls: inner.dtls.state, heard: heard.slice(-10) });
      await waiting.until(`${holds}`, holds, { seen });
    },
    async sendMedia(kind, packet) {
      const { srtp, srtcp } = inner.dtls as unknown as Srtp;
      const bytes = Buffer.from(packet);
      if (kind === "rtcp") return await send(srtcp.encrypt(bytes));
      const { RtpHeader } = await import("werift");
      const header = RtpHeader.deSerialize(bytes);
      await send(srtp.encrypt(bytes.subarray(header.payloadOffset), header));
    },
    async [Symbol.asyncDispose]() {
      await pc.close();
      if (inner.dtls.dtls !== undefined) inner.dtls.dtls.dtls.flight = 99;
    },
  };
}
