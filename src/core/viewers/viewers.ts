/**
 * Viewers of calls and rooms. Nobody watches in secret: each is announced to who is in there.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import type { Modality, RtcEnd } from "../../domain/rtc_session.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { Store } from "../../ports/store.ts";
import type { Audit } from "../identity/audit.ts";
import type { TappedCall } from "../calls/call_tap.ts";
import type { Calls } from "../calls/calls.ts";
import type { Origin } from "../calls/call_tap.ts";
import type { Described } from "../calls/new_call.ts";
import { newSessionRow } from "../calls/session_row.ts";
import type { Rooms } from "../rooms/rooms.ts";
import { Audience } from "./audience.ts";
import { ViewerSession } from "./viewer_session.ts";

/** What {@linkcode Viewers} need. */
export interface ViewersDeps {
  store: Store;
  clock: Clock;
  log: Log;
  calls: Pick<Calls, "tapped" | "host">;
  rooms: Pick<Rooms, "tapped">;
  audit: Pick<Audit, "record">;
  instance_id: string;
  default_agent: string;
  /** How many may watch one call, or room. */
  max_viewers: number;
}

/** What somebody wants to watch. */
export interface NewViewer {
  /** The call, or the room. */
  of: { session_id: string } | { room_id: string };
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
   * Lets somebody watch, and answers their offer. Rejects with `SessionNotFoundError` or `NotFoundError` where
   * `principal` can't see the call, or the room, and shows no secret that is for it, with `TooManyRequestsError` where
   * too many watch it.
   */
  async open(principal: Principal, { of, sdp, modalities, origin }: NewViewer): Promise<Described> {
    const { calls, default_agent } = this.#deps;
    const call = await this.#find(principal, of);
    const row = newSessionRow(principal, {
      ...this.#deps,
      agent_id: call.agent_id ?? default_agent,
      conversation_id: null,
      room_id: null,
      dialect: "whep",
      modalities: [...modalities],
      voice: {},
      metadata: "room_id" in of ? { watched_room_id: of.room_id } : { watched_session_id: of.session_id },
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
    if (watched.audience.over) await viewer.end(endOf(call));
    try {
      const answer = await viewer.signalling.answer(sdp);
      const details = { ...of, viewer_id: row.id };
      this.#deps.audit.record({ principal, action: "rtc_viewer", outcome: "allowed", ...origin, details });
      return { session_id: row.id, type: "answer", sdp: answer, candidates_follow: viewer.signalling.trickles };
    } catch (error) {
      await viewer.end("failed");
      await this.#deps.store.commit({ writes: [{ delete: "rtc_sessions", where: { id: row.id } }] });
      throw error;
    }
  }

  /** What is to be watched. Who shows a secret for it sees as much of it as the one who made that. */
  #find(principal: Principal, of: NewViewer["of"]): Promise<TappedCall> {
    const { calls, rooms } = this.#deps;
    const { grant, ...maker } = principal;
    if ("room_id" in of) return rooms.tapped(grant?.room_id === of.room_id ? maker : principal, of.room_id);
    return calls.tapped(grant?.session_id === of.session_id ? maker : principal, of.session_id);
  }

  /** Who watches `call`, where one more may. */
  #watch(call: TappedCall): Watched {
    const { clock, max_viewers } = this.#deps;
    const known = this.#watched.get(call.id);
    const count = known ? known.viewers.size + known.opening : 0;
    if (count >= max_viewers) {
      throw new AppError(
        "TooManyRequestsError",
        `Cannot watch ${isRoom(call) ? "room" : "call"} "${call.id}": ${count} watch it, at most ${max_viewers} may`,
        { retry_after: 60 },
      );
    }
    if (known) return known;
    const viewers = new Set<ViewerSession>();
    const audience = new Audience({
      clock,
      call,
      onEnd: () => {
        for (const viewer of viewers) void viewer.end(endOf(call));
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

function isRoom({ id, room_id }: TappedCall): boolean {
  return id === room_id;
}

/** Why who watches `call` is there no longer once it is over. */
function endOf(call: TappedCall): RtcEnd {
  return isRoom(call) ? "room_ended" : "hung_up";
}
