/**
 * What a description says of the video that its sender would send.
 *
 * @module
 */

/** Names in a description that are no codecs by themselves. */
const HELPERS = ["RTX", "RED", "ULPFEC", "FLEXFEC-03"];

/** The codecs of video that is sent without VP8, such as `H264, VP9`; undefined where VP8 is among them, or no video. */
export function foreignVideo(sdp: string): string | undefined {
  const sections = sdp.split(/\r?\n(?=m=)/).slice(1).filter((section) => section.startsWith("m=video "));
  const sent = sections.filter((section) => !/^a=(recvonly|inactive)\s*$/m.test(section));
  if (sent.length === 0) return undefined;
  const codecs = sent.map((section) => {
    return new Set(Array.from(section.matchAll(/^a=rtpmap:\d+ ([^/\s]+)/gm), ([, name]) => name!.toUpperCase()));
  });
  if (codecs.some((names) => names.has("VP8"))) return undefined;
  const names = new Set(codecs.flatMap((names) => [...names]).filter((name) => !HELPERS.includes(name)));
  return names.size === 0 ? undefined : [...names].slice(0, 4).join(", ");
}
