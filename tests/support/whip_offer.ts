/**
 * Offers as WHIP clients make them.
 *
 * @module
 */

/** What differs between offers. */
export interface SampleSection {
  kind: string;
  mid: string;
  direction?: string;
  /** Names of codecs. */
  codecs?: string[];
  stream?: string;
}

/** An offer of these sections. Its certificate is nobody's. */
export function sampleOffer(sections: readonly SampleSection[], { setup = "actpass" } = {}): string {
  const fingerprint = Array.from({ length: 32 }, (_, i) => i.toString(16).padStart(2, "0").toUpperCase()).join(":");
  const lines = [
    "v=0",
    "o=- 4611731400430051336 2 IN IP4 127.0.0.1",
    "s=-",
    "t=0 0",
    `a=group:BUNDLE ${sections.map(({ mid }) => mid).join(" ")}`,
    ...sections.flatMap(({ kind, mid, direction = "sendonly", codecs, stream = "cam" }) => {
      const named = codecs ?? [kind === "audio" ? "opus/48000/2" : "VP8/90000"];
      const types = named.map((_, i) => 96 + i);
      return [
        `m=${kind} 9 UDP/TLS/RTP/SAVPF ${types.join(" ")}`,
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        "a=ice-ufrag:EsAw",
        "a=ice-pwd:bP+XJMM09aR8AiX1jdukzR6Y",
        "a=ice-options:trickle",
        `a=fingerprint:sha-256 ${fingerprint}`,
        `a=setup:${setup}`,
        `a=mid:${mid}`,
        `a=${direction}`,
        `a=msid:${stream} track-${mid}`,
        "a=rtcp-mux",
        ...named.map((codec, i) => `a=rtpmap:${96 + i} ${codec}`),
      ];
    }),
  ];
  return lines.map((line) => `${line}\r\n`).join("");
}

/** One microphone. */
export const VOICE: SampleSection = { kind: "audio", mid: "0" };
/** One camera. */
export const CAMERA: SampleSection = { kind: "video", mid: "1" };
