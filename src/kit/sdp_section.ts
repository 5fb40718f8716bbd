/**
 * The sections of a session description (RFC 8866), as far as it matters what is sent in them.
 *
 * @module
 */

/** A section, from its `m=` line on. */
export interface SdpSection {
  /** Such as `audio`. */
  kind: string;
  mid: string | undefined;
  /** Whether it was refused, or is over: its port is 0. One that goes with another begins so without being it. */
  rejected: boolean;
  /** Whether whoever describes it sends in it. */
  sends: boolean;
  text: string;
}

/** The sections of `sdp`, in their order. */
export function readSdpSections(sdp: string): SdpSection[] {
  return sdp.split(/^(?=m=)/m).filter((text) => text.startsWith("m=")).map((text) => {
    const [, kind = "", port = ""] = /^m=(\S+) (\d+)/.exec(text) ?? [];
    const rejected = port === "0" && !/^a=bundle-only\s*$/m.test(text);
    return {
      kind,
      mid: /^a=mid:(\S+)/m.exec(text)?.[1],
      rejected,
      sends: !rejected && !/^a=(recvonly|inactive)\s*$/m.test(text),
      text,
    };
  });
}
