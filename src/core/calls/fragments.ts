/**
 * Fragments of descriptions (RFC 8840): more candidates, or a new path.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { IceFragment } from "../../ports/peers.ts";
import type { Signalling } from "./signalling.ts";

/** What the other end says. */
export interface GivenFragment {
  /** Our fragment that is meant; null for whichever is in force. */
  local_ufrag: string | null;
  ufrag?: string | undefined;
  pwd?: string | undefined;
  candidates: readonly string[];
}

/**
 * Takes candidates, or, where the credentials are new ones, finds a new path and resolves with our fragment. Rejects
 * with `ConflictError` when another fragment of ours is in force.
 */
export async function takeFragment(
  signalling: Signalling,
  { local_ufrag, ufrag, pwd, candidates }: GivenFragment,
): Promise<IceFragment | null> {
  const { peer } = signalling;
  const local = peer?.ice.local;
  if (!peer || !local) throw new AppError("ConflictError", "Cannot take a fragment: nothing was described yet");
  if (local_ufrag !== null && local.ufrag !== local_ufrag) {
    throw new AppError("ConflictError", "Cannot take the fragment: the connection has found a new path since", {
      details: { local_ufrag: local.ufrag },
    });
  }
  if (ufrag !== undefined && pwd !== undefined && ufrag !== peer.ice.remote?.ufrag) {
    return await peer.restart({ ufrag, pwd, candidates });
  }
  // There is one connection for all sections, whatever the other end calls them.
  await signalling.addCandidates(candidates.map((candidate) => ({ candidate, sdp_m_line_index: 0 })));
  return null;
}
