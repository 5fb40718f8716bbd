/**
 * Descriptions of our own (SDP): what is added, and what is read from them.
 *
 * @module
 */
import type { IceFragment } from "../../ports/peers.ts";

/** Says in each section of media that reports never come on a port of their own (RFC 8858). */
export function withMuxOnly(sdp: string): string {
  return sdp.replace(/^a=rtcp-mux\r?\n(?!a=rtcp-mux-only)/gm, "a=rtcp-mux\r\na=rtcp-mux-only\r\n");
}

/** The credentials and candidates of a description. */
export function fragmentOf(sdp: string): IceFragment | null {
  const ufrag = /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1];
  const pwd = /^a=ice-pwd:(\S+)/m.exec(sdp)?.[1];
  if (ufrag === undefined || pwd === undefined) return null;
  const candidates = sdp.match(/^a=candidate:[^\r\n]+/gm) ?? [];
  return { ufrag, pwd, candidates: [...new Set(candidates.map((line) => line.slice(2)))] };
}

/** The kinds of a description's sections, by their names. */
export function midsOf(sdp: string): { mid: string; kind: string; direction: string; open: boolean }[] {
  return sdp.split(/^(?=m=)/m).slice(1).map((section) => ({
    mid: /^a=mid:(\S+)/m.exec(section)?.[1] ?? "",
    kind: /^m=(\S+)/.exec(section)![1]!,
    direction: /^a=(sendrecv|sendonly|recvonly|inactive)\r?$/m.exec(section)?.[1] ?? "sendrecv",
    open: !/^m=\w+ 0 /.test(section),
  }));
}
