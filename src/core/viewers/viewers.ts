/**
 * Viewers of calls. Nobody watches in secret: each is announced to who is in the call.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import type { Modality } from "../../domain/rtc_session.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { Store } from "../../ports/store.ts";
import type { Audit } from "../identity/audit.ts";
import type { TappedCall } from "../calls/call_tap.ts";
import type { Calls } from "../calls/calls.ts";
import type { Origin } from "../calls/call_tap.ts";
import type { Described } from "../calls/new_call.ts";
import { newSessionRow } from "../calls/session_row.ts";
import { Audience } from "./audience.ts";
import { ViewerSession } from "./viewer_session.ts";

/** What {@linkcode Viewers} need. */
export interface ViewersDeps {
  store: Store;
  clock: Clock;
  log: Log;
  calls: Pick<Calls, "get" | "tapped" | "host">;
  audit: Pick<Audit, "record">;
  instance_id: string;
  /** How many may watch one call. */
  max_viewers: number;
}

/** What somebody wants to watch. */
export interface NewViewer {
  /** The call. */
  session_id: string;
  /** The viewer's offer. */
  sdp: string;
  modalities: readonly Modality[];
  /** From where it was asked. */
  origin: Origin;
}

interface Watched {
  audience: Audience;
  viewers: Set<ViewerSession>;
  /** How many are about to. */
  opening: number;
}

/** See the module. */
export class Viewers {
  readonly #deps: ViewersDeps;
  readonly #watched = new Map<string, Watched>();

  constructor(deps: ViewersDeps) {
    this.#deps = deps;
  }

  /**
   * Lets somebody watch a call, and answers their offer. Rejects with `SessionNotFoundError` where `principal` can't see
   * the call and shows no secret that is for it, with `TooManyRequestsError` where too many watch it.
   */
  async open(principal: Principal, { session_id, sdp, modalities, origin }: NewViewer): Promise<Described> {
    const { calls } = this.#deps;
    const seen = principal.grant?.session_id === session_id ? withoutGrant(principal) : principal;
    const call = await calls.tapped(seen, session_id);
    const { agent_id } = await calls.get(seen, session_id);
    const row = newSessionRow(principal, {
      ...this.#deps,
      agent_id,
      conversation_id: null,
      room_id: null,
      dialect: "whep",
      modalities: [...modalities],
      voice: {},
      metadata: { watched_session_id: session_id },
    });
    const watched = this.#watch(call);
    watched.opening++;
    let viewer: ViewerSession;
    try {
      viewer = await calls.host(principal, row, (parts) => {
        const session: ViewerSession = new ViewerSession({
          ...this.#deps,
          ...parts,
          row,
          principal,
          audience: watched.audience,
          onEnd: () => {
            parts.onEnd();
            watched.viewers.delete(session);
            announce(call, watched, { viewer_id: row.id, present: false });
            this.#tidy(call, watched);
          },
        });
        watched.viewers.add(session);
        announce(call, watched, { viewer_id: row.id, present: true });
        return Promise.resolve(session);
      });
    } finally {
      watched.opening--;
      this.#tidy(call, watched);
    }
    // The call may have ended meanwhile.
    if (watched.audience.over) await viewer.end("hung_up");
    try {
      const answer = await viewer.signalling.answer(sdp);
      const details = { session_id, viewer_id: row.id };
      this.#deps.audit.record({ principal, action: "rtc_viewer", outcome: "allowed", ...origin, details });
      return { session_id: row.id, type: "answer", sdp: answer, candidates_follow: viewer.signalling.trickles };
    } catch (error) {
      await viewer.end("failed");
      await this.#deps.store.commit({ writes: [{ delete: "rtc_sessions", where: { id: row.id } }] });
      throw error;
    }
  }

  /** Who watches `call`, where one more may. */
  #watch(call: TappedCall): Watched {
    const { clock, max_viewers } = this.#deps;
    const known = this.#watched.get(call.id);
    const count = known ? known.viewers.size + known.opening : 0;
    if (count >= max_viewers) {
      throw new AppError(
        "TooManyRequestsError",
        `Cannot watch call "${call.id}": ${count} watch it, at most ${max_viewers} may`,
        { retry_after: 60 },
      );
    }
    if (known) return known;
    const viewers = new Set<ViewerSession>();
    const audience = new Audience({
      clock,
      call,
      onEnd: () => {
        for (const viewer of viewers) void viewer.end("hung_up");
      },
    });
    const watched = { audience, viewers, opening: 0 };
    this.#watched.set(call.id, watched);
    return watched;
  }

  /** Nobody follows a call that nobody watches. */
  #tidy(call: TappedCall, watched: Watched): void {
    if (watched.viewers.size > 0 || watched.opening > 0) return;
    watched.audience[Symbol.dispose]();
    if (this.#watched.get(call.id) === watched) this.#watched.delete(call.id);
  }
}

function announce(
  call: TappedCall,
  { viewers }: Watched,
  { viewer_id, present }: { viewer_id: string; present: boolean },
): void {
  call.announce({ type: "session.viewer", data: { viewer_id, present, viewers: viewers.size } });
}

/** The one who made the secret may see the call. */
function withoutGrant({ grant: _, ...principal }: Principal): Principal {
  return principal;
}
