/**
 * Offers of WHIP clients (RFC 9725): what is asked of them beyond what calls ask.
 *
 * @module
 */
import type { Modality } from "../../domain/rtc_session.ts";
import { checkCount, checkSection, readSections } from "./media_sections.ts";
import { refusal } from "./whip_refusal.ts";

/** An offer that can be answered. */
export interface WhipOffer {
  /** As it goes on: a client only sends here. */
  sdp: string;
  modalities: Modality[];
}

/** Reads an offer. All of it can be answered, or it is refused: 400 what is none, 422 what can't be taken. */
export function readWhipOffer(sdp: string): WhipOffer {
  const media = readSections(sdp);
  for (const section of media) checkSection(section, "sendonly");
  checkCount(media, 1);
  const streams = new Set(media.flatMap(({ streams }) => streams));
  if (streams.size > 1) throw refusal(422, `Cannot take the offer: it holds ${streams.size} streams, expected 1`);
  const carries = (kind: string) => media.some((section) => section.kind === kind);
  return {
    // Whoever offers to hear as well is answered that nothing will be sent.
    sdp: sdp.replace(/^a=sendrecv(?=\r?$)/gm, "a=sendonly"),
    modalities: [...carries("audio") ? ["audio"] as const : [], ...carries("video") ? ["camera"] as const : [], "text"],
  };
}
