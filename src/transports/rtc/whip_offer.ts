/**
 * Offers of WHIP clients (RFC 9725): what is asked of them beyond what calls ask.
 *
 * @module
 */
import type { Modality } from "../../domain/rtc_session.ts";
import { refusal } from "./whip_refusal.ts";

/** The one codec of each kind. */
const CODEC: Readonly<Record<string, string>> = { audio: "opus", video: "vp8" };

interface Section {
  kind: string;
  direction: string;
  codecs: string[];
  streams: string[];
}

/** An offer that can be answered. */
export interface WhipOffer {
  /** As it goes on: a client only sends here. */
  sdp: string;
  modalities: Modality[];
}

/** Reads an offer. All of it can be answered, or it is refused: 400 what is none, 422 what can't be taken. */
export function readWhipOffer(sdp: string): WhipOffer {
  if (!/^v=0\r?\n/.test(sdp) || !/^m=/m.test(sdp)) throw refusal(400, "Cannot read the offer: it is no description");
  const sections = sdp.split(/^(?=m=)/m).slice(1).map(readSection);
  const media = sections.filter(({ kind }) => kind !== "application");
  if (media.length === 0) throw refusal(422, "Cannot take the offer: it holds neither audio nor video");
  for (const section of media) checkSection(section);
  for (const kind of Object.keys(CODEC)) {
    const count = media.filter((section) => section.kind === kind).length;
    if (count > 1) throw refusal(422, `Cannot take the offer: it holds ${count} sections of ${kind}, expected 1`);
  }
  const streams = new Set(media.flatMap(({ streams }) => streams));
  if (streams.size > 1) throw refusal(422, `Cannot take the offer: it holds ${streams.size} streams, expected 1`);
  const carries = (kind: string) => media.some((section) => section.kind === kind);
  return {
    // Whoever offers to hear as well is answered that nothing will be sent.
    sdp: sdp.replace(/^a=sendrecv(?=\r?$)/gm, "a=sendonly"),
    modalities: [...carries("audio") ? ["audio"] as const : [], ...carries("video") ? ["camera"] as const : [], "text"],
  };
}

function checkSection({ kind, direction, codecs }: Section): void {
  const codec = CODEC[kind];
  if (codec === undefined) {
    throw refusal(400, `Cannot read the offer: there is no media of kind "${kind.slice(0, 32)}"`);
  }
  if (direction !== "sendonly" && direction !== "sendrecv") {
    throw refusal(422, `Cannot take the offer: its ${kind} is "${direction}", expected "sendonly"`);
  }
  if (!codecs.includes(codec)) {
    throw refusal(
      422,
      `Cannot take the offer: its ${kind} comes as ${codecs.slice(0, 8).join(", ") || "nothing"}, expected ${codec}`,
    );
  }
}

function readSection(text: string): Section {
  const kind = /^m=(\S+)/.exec(text)?.[1] ?? "";
  return {
    kind,
    direction: /^a=(sendrecv|sendonly|recvonly|inactive)\r?$/m.exec(text)?.[1] ?? "sendrecv",
    codecs: Array.from(text.matchAll(/^a=rtpmap:\d+ ([^/\s]+)/gm), ([, codec]) => codec!.toLowerCase()),
    streams: Array.from(text.matchAll(/^a=(?:ssrc:\d+ )?msid:(\S+)/gm), ([, stream]) => stream!)
      .filter((stream) => stream !== "-"),
  };
}
