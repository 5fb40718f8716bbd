/**
 * What an offer of WHIP or WHEP holds.
 *
 * @module
 */
import { refusal } from "./whip_refusal.ts";

/** The one codec of each kind. */
const CODEC: Readonly<Record<string, string>> = { audio: "opus", video: "vp8" };

/** A section of sound or of pictures. */
export interface MediaSection {
  kind: string;
  direction: string;
  codecs: string[];
  streams: string[];
}

/** The sections of an offer. Refuses what is no offer with 400, what holds nothing to take with 422. */
export function readSections(sdp: string): MediaSection[] {
  if (!/^v=0\r?\n/.test(sdp) || !/^m=/m.test(sdp)) throw refusal(400, "Cannot read the offer: it is no description");
  const sections = sdp.split(/^(?=m=)/m).slice(1).map(readSection);
  const media = sections.filter(({ kind }) => kind !== "application");
  if (media.length === 0) throw refusal(422, "Cannot take the offer: it holds neither audio nor video");
  return media;
}

/** Refuses a section whose direction is another than `wanted`, or `sendrecv`, or that has none of our codecs. */
export function checkSection({ kind, direction, codecs }: MediaSection, wanted: "sendonly" | "recvonly"): void {
  const codec = CODEC[kind];
  if (codec === undefined) {
    throw refusal(400, `Cannot read the offer: there is no media of kind "${kind.slice(0, 32)}"`);
  }
  if (direction !== wanted && direction !== "sendrecv") {
    throw refusal(422, `Cannot take the offer: its ${kind} is "${direction}", expected "${wanted}"`);
  }
  if (!codecs.includes(codec)) {
    throw refusal(
      422,
      `Cannot take the offer: its ${kind} comes as ${codecs.slice(0, 8).join(", ") || "nothing"}, expected ${codec}`,
    );
  }
}

/** Refuses more than `most` sections of a kind. */
export function checkCount(media: readonly MediaSection[], most: number): void {
  for (const kind of Object.keys(CODEC)) {
    const count = media.filter((section) => section.kind === kind).length;
    if (count <= most) continue;
    throw refusal(422, `Cannot take the offer: it holds ${count} sections of ${kind}, expected ${most}`);
  }
}

function readSection(text: string): MediaSection {
  const kind = /^m=(\S+)/.exec(text)?.[1] ?? "";
  return {
    kind,
    direction: /^a=(sendrecv|sendonly|recvonly|inactive)\r?$/m.exec(text)?.[1] ?? "sendrecv",
    codecs: Array.from(text.matchAll(/^a=rtpmap:\d+ ([^/\s]+)/gm), ([, codec]) => codec!.toLowerCase()),
    streams: Array.from(text.matchAll(/^a=(?:ssrc:\d+ )?msid:(\S+)/gm), ([, stream]) => stream!)
      .filter((stream) => stream !== "-"),
  };
}
