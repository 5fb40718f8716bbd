/**
 * Offers of WHEP clients: what is asked of them beyond what viewers ask.
 *
 * @module
 */
import type { Modality } from "../../domain/rtc_session.ts";
import { checkCount, checkSection, readSections } from "./media_sections.ts";

/** The caller and the agent; the camera and the screen. */
const MOST = 2;

/** An offer that can be answered. */
export interface WhepOffer {
  /** As it goes on: a client only receives here. */
  sdp: string;
  modalities: Modality[];
}

/** Reads an offer. All of it can be answered, or it is refused: 400 what is none, 422 what can't be taken. */
export function readWhepOffer(sdp: string): WhepOffer {
  const media = readSections(sdp);
  for (const section of media) checkSection(section, "recvonly");
  checkCount(media, MOST);
  const carries = (kind: string) => media.some((section) => section.kind === kind);
  return {
    // Whoever offers to send as well is answered that nothing will be taken.
    sdp: sdp.replace(/^a=sendrecv(?=\r?$)/gm, "a=recvonly"),
    modalities: [...carries("audio") ? ["audio"] as const : [], ...carries("video") ? ["camera"] as const : []],
  };
}
