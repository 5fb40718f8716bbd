/**
 * What a description says of the video that its sender would send.
 *
 * @module
 */
import { readSdpSections } from "../../kit/sdp_section.ts";

/** Names in a description that are no codecs by themselves. */
const HELPERS = ["RTX", "RED", "ULPFEC", "FLEXFEC-03"];

/** What its sender says of its video. */
export interface VideoOffer {
  /** The codecs of video that is sent without VP8, such as `H264, VP9`; undefined where VP8 is among them, or no video. */
  foreign: string | undefined;
  /** The sections in which nothing comes any more. */
  rejected: readonly string[];
  /** Whether there was video, and none is left. */
  none: boolean;
}

/** Reads it. */
export function readVideo(sdp: string): VideoOffer {
  const sections = readSdpSections(sdp).filter(({ kind }) => kind === "video");
  const codecs = sections.filter(({ sends }) => sends).map(({ text }) => {
    return new Set(Array.from(text.matchAll(/^a=rtpmap:\d+ ([^/\s]+)/gm), ([, name]) => name!.toUpperCase()));
  });
  return {
    foreign: codecs.some((names) => names.has("VP8")) ? undefined : toNames(codecs),
    rejected: sections.flatMap(({ rejected, mid }) => rejected && mid !== undefined ? [mid] : []),
    none: sections.length > 0 && sections.every(({ rejected }) => rejected),
  };
}

function toNames(codecs: readonly Set<string>[]): string | undefined {
  const names = new Set(codecs.flatMap((names) => [...names]).filter((name) => !HELPERS.includes(name)));
  return names.size === 0 ? undefined : [...names].slice(0, 4).join(", ");
}
