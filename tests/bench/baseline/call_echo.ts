/**
 * The baseline of calls: werift alone, as its own examples have it, which sends back the sound it gets; with `--opus`
 * decoded and encoded on the way.
 *
 * Frozen: figures are compared with it over time, so it must not change. A better baseline is a new file beside it.
 *
 * `POST /` takes an offer and gives the answer. As a program it prints its address.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { Application, createDecoder, createEncoder } from "libopus-wasm";
import { RTCPeerConnection, type RtpPacket, useOPUS } from "werift";

const RATE = 24_000;
const opus = Deno.args.includes("--opus");
const connections = new Set<RTCPeerConnection>();

async function openCodec(): Promise<(packet: Buffer) => Buffer> {
  if (!opus) return (packet) => packet;
  const decoder = await createDecoder({ channels: 1, sampleRate: RATE });
  const encoder = await createEncoder({
    channels: 1,
    sampleRate: RATE,
    frameSize: RATE / 50,
    application: Application.Voip,
    bitrate: 32_000,
    complexity: 5,
    fec: true,
    packetLossPercent: 10,
    dtx: false,
  });
  return (packet) => Buffer.from(encoder.encode(decoder.decode(packet)));
}

async function answer(offer: string): Promise<string> {
  const pc = new RTCPeerConnection({
    iceServers: [],
    iceLite: true,
    iceUseIpv6: false,
    iceAdditionalHostAddresses: ["127.0.0.1"],
    bundlePolicy: "max-bundle",
    codecs: { audio: [useOPUS()] },
  });
  connections.add(pc);
  const through = await openCodec();
  pc.onRemoteTransceiverAdded.subscribe((transceiver) => {
    transceiver.setDirection("sendrecv");
    transceiver.onTrack.subscribe((track) =>
      void track.onReceiveRtp.subscribe((rtp: RtpPacket) => {
        rtp.payload = through(rtp.payload);
        void transceiver.sender.sendRtp(rtp);
      })
    );
  });
  await pc.setRemoteDescription({ type: "offer", sdp: offer });
  for (const transport of pc.dtlsTransports) transport.role = "server";
  await pc.setLocalDescription(await pc.createAnswer());
  return pc.localDescription!.sdp;
}

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => Deno.stdout.writeSync(new TextEncoder().encode(`http://127.0.0.1:${port}\n`)),
}, async (request) => {
  if (request.method === "POST") return new Response(await answer(await request.text()));
  return new Response(null, { status: 404 });
});
Deno.addSignalListener("SIGTERM", () => Deno.exit(0));
