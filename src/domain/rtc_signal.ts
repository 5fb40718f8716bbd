/**
 * What two ends of a call tell each other before media flows.
 *
 * @module
 */
import { z } from "zod";

/** The most characters of a session description, and of one of its lines. */
export const MAX_SDP = { characters: 65_536, line: 2048 } as const;
/** The most candidates that are taken in a call. */
export const MAX_CANDIDATES = 64;

/** A session description (RFC 8866). */
export const Sdp = z.string().min(1).max(MAX_SDP.characters).describe("A session description (RFC 8866)");

/** A candidate as browsers give it (W3C `RTCIceCandidateInit`); an empty `candidate` says that no more will come. */
export const IceCandidate = z.strictObject({
  candidate: z.string().max(1024),
  sdp_mid: z.string().max(64).nullable().optional(),
  sdp_m_line_index: z.number().int().min(0).max(63).nullable().optional(),
  username_fragment: z.string().max(256).nullable().optional(),
}).meta({ id: "IceCandidate" });
/** See {@linkcode IceCandidate}. */
export type IceCandidate = z.infer<typeof IceCandidate>;

/** A server that helps two ends to find each other (W3C `RTCIceServer`). */
export const IceServer = z.strictObject({
  urls: z.array(z.string().regex(/^(stun|turns?):\S+$/).max(500)).min(1).max(8),
  username: z.string().max(500).optional(),
  credential: z.string().max(500).optional(),
}).meta({ id: "IceServer" });
/** See {@linkcode IceServer}. */
export type IceServer = z.infer<typeof IceServer>;

/** The fingerprint of the certificate that a description's connection will use; undefined where it names none. */
export function fingerprintOf(sdp: string): string | undefined {
  return /^a=fingerprint:(.+)$/m.exec(sdp)?.[1]?.trim().toLowerCase();
}
