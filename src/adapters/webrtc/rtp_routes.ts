/**
 * Which section a stream belongs to that the description doesn't announce by its number (RFC 8843, section 9.2).
 *
 * @module
 */
import type { MediaStreamTrack, RTCRtpTransceiver, RtpPacket } from "werift";
import type { PeerConnection, WeriftModule } from "./insides.ts";

/** The most such streams of a peer. */
const MAX_STREAMS = 16;

/** What werift finds streams by. */
interface Router {
  ssrcTable: Record<number, unknown>;
  extIdUriMap: Record<number, string>;
  registerRtpReceiver(receiver: unknown, ssrc: number): void;
  routeRtp(packet: RtpPacket): void;
}

/** Lets streams be found by the name of their section, or by what they carry if only one section carries that. */
export function routeUnannounced(pc: PeerConnection, werift: WeriftModule): void {
  const { router } = pc as unknown as { router: Router };
  const route = router.routeRtp;
  let streams = 0;
  router.routeRtp = (packet) => {
    const { ssrc } = packet.header;
    const unknown = router.ssrcTable[ssrc] === undefined && streams < MAX_STREAMS;
    const section = unknown ? sectionOf(packet, { pc, router, uri: werift.RTP_EXTENSION_URI.sdesMid }) : undefined;
    if (section !== undefined) {
      streams++;
      const codec = section.codecs[0];
      const { kind } = section;
      router.registerRtpReceiver(section.receiver, ssrc);
      section.addTrack(
        new werift.MediaStreamTrack({ ssrc, kind, remote: true, ...codec && { codec } }) as MediaStreamTrack,
      );
    }
    route(packet);
  };
}

function sectionOf(
  { header }: RtpPacket,
  { pc, router, uri }: { pc: PeerConnection; router: Router; uri: string },
): RTCRtpTransceiver | undefined {
  const open = pc.getTransceivers().filter(({ stopped }) => !stopped);
  const named = header.extensions.find(({ id }) => router.extIdUriMap[id] === uri)?.payload.toString();
  if (named !== undefined) return open.find(({ mid }) => mid === named);
  const carrying = open.filter(({ codecs }) => codecs.some(({ payloadType }) => payloadType === header.payloadType));
  return carrying.length === 1 ? carrying[0] : undefined;
}
