/**
 * Whether the other end of DTLS holds the key of the certificate it showed (RFC 5246, sections 7.4.3 and 7.4.8). The
 * certificate travels in the clear, so that its fingerprint alone says nothing.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { verify, X509Certificate } from "node:crypto";
import type { Dtls, DtlsTransport } from "./insides.ts";

const SERVER_KEY_EXCHANGE = 12;
const CERTIFICATE_VERIFY = 15;
/** The signatures that are asked for, and their hashes: ECDSA with P-256, and RSA (PKCS #1). */
const HASHES: Record<number, string> = { 0x0403: "sha256", 0x0401: "sha256" };

/** What was signed, and the signature with what it was made by in front, as both messages have it. */
interface Signed {
  text: Buffer;
  signature: Buffer;
}

/** A client signs all of the handshake up to there. */
function signedByClient({ dtls }: Dtls): Signed | undefined {
  const handshakes = dtls.sortedHandshakeCache;
  const at = handshakes.findIndex(({ msg_type }) => msg_type === CERTIFICATE_VERIFY);
  if (at < 0) return undefined;
  const text = Buffer.concat(handshakes.slice(0, at).map((one) => one.serialize()));
  return { text, signature: handshakes[at]!.fragment };
}

/** A server signs its half of the key exchange, and what both sides made up for this handshake. */
function signedByServer({ dtls, cipher }: Dtls): Signed | undefined {
  const exchange = dtls.sortedHandshakeCache.find(({ msg_type }) => msg_type === SERVER_KEY_EXCHANGE)?.fragment;
  if (exchange === undefined) return undefined;
  const end = 4 + exchange[3]!;
  const { localRandom, remoteRandom } = cipher;
  const text = Buffer.concat([localRandom.serialize(), remoteRandom.serialize(), exchange.subarray(0, end)]);
  return { text, signature: exchange.subarray(end) };
}

/** Throws unless the other end signed with its certificate's key. */
export function verifyPossession({ role, dtls }: DtlsTransport): void {
  const certificate = dtls?.cipher.remoteCertificate;
  const signed = dtls && (role === "server" ? signedByClient(dtls) : signedByServer(dtls));
  if (certificate === undefined || signed === undefined) throw new Error("A certificate was shown without a signature");
  const { text, signature } = signed;
  const hash = HASHES[signature.readUInt16BE(0)];
  const { publicKey } = new X509Certificate(Buffer.from(certificate));
  const proof = signature.subarray(4, 4 + signature.readUInt16BE(2));
  if (hash === undefined || !verify(hash, text, publicKey, proof)) {
    throw new Error("The signature isn't the certificate's");
  }
}
