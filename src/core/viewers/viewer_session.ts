/**
 * Somebody who watches and hears a call, and has no voice in it.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";
import type { RtcEnd, RtcState } from "../../domain/rtc_session.ts";
import type { RtcSessionRow } from "../../domain/table.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { PeerState } from "../../ports/peers.ts";
import type { Store } from "../../ports/store.ts";
import { CallEvents } from "../calls/call_events.ts";
import type { HostedParts, LiveSession } from "../calls/live_session.ts";
import { toSession } from "../calls/session_row.ts";
import { Signalling } from "../calls/signalling.ts";
import { CallStats } from "../calls/stats.ts";
import { Watchdog } from "../calls/watchdog.ts";
import type { Audience } from "./audience.ts";

/** How often what was counted is told and stored. */
const STATS_MS = 10_000;
/** Viewers say nothing. */
const SILENT = { packets_stale: 0, frames_concealed: 0, interruptions: 0, answer_latency_ms: null };

/** What a {@linkcode ViewerSession} needs. */
export interface ViewerSessionDeps extends HostedParts {
  row: RtcSessionRow;
  principal: Principal;
  audience: Audience;
  store: Store;
  clock: Clock;
  log: Log;
}

/** See the module. */
export class ViewerSession implements LiveSession {
  readonly principal: Principal;
  readonly events: CallEvents;
  readonly signalling: Signalling;
  readonly #deps: ViewerSessionDeps;
  readonly #stack = new DisposableStack();
  readonly #watchdog: Watchdog;
  readonly #stats = new CallStats();
  #row: RtcSessionRow;
  #shown: ReturnType<Audience["show"]> | undefined;
  #ending: Promise<void> | undefined;

  constructor(deps: ViewerSessionDeps) {
    const { row, principal, media, ice_servers, relay_only, clock, watchdog } = this.#deps = deps;
    this.#row = row;
    this.principal = principal;
    this.events = new CallEvents(row.id);
    const limits = { ...watchdog, idle_ms: 0 };
    this.#watchdog = this.#stack.use(new Watchdog({ clock, limits, onEnd: (reason) => void this.end(reason) }));
    this.signalling = new Signalling({
      peers: media.peers,
      options: {
        audio: row.modalities.includes("audio") ? "sendonly" : "inactive",
        video: row.modalities.includes("camera") ? "sendonly" : "inactive",
        ice_servers,
        relay_only,
      },
      events: {
        onState: (state) => this.#follow(state),
        onCandidate: (candidate) =>
          this.events.emit({ type: "session.candidate", data: { candidate: candidate ?? { candidate: "" } } }),
        onMedia: () => {},
        onChannel(channel) {
          channel.close();
          return { onMessage: () => {}, onClose: () => {} };
        },
        onKeyframeAsked: (mid) => this.#shown?.requestKeyframe(mid),
        onReplaced: (peer) => {
          this.#stats.close(peer.stats());
          this.#hide();
        },
      },
    });
    this.events.emit({ type: "session.started", data: { session: toSession(row) } });
    this.#stack.use(clock.every(STATS_MS, () => this.#report()));
    const left = (principal.expires_at ?? Infinity) - clock.now();
    if (left < limits.max_call_ms) this.#stack.use(clock.after(Math.max(0, left), () => void this.end("key_revoked")));
  }

  get row(): RtcSessionRow {
    return this.#row;
  }

  get ended(): boolean {
    return this.#ending !== undefined;
  }

  end(reason: RtcEnd): Promise<void> {
    return this.#ending ??= this.#end(reason);
  }

  #follow(state: PeerState): void {
    if (this.ended) return;
    const now = this.#row.state;
    if (state === "connecting" && now === "created") this.#become("connecting");
    else if (state === "connected") this.#connect();
    else if (state === "lost" && now === "active") this.#become("lost");
    else if (state === "closed") void this.end("hung_up");
    else if (state === "failed" && now !== "lost") void this.end("failed");
  }

  #connect(): void {
    this.#become("active", { connected_at: this.#row.connected_at ?? toTime(this.#deps.clock.now()) });
    this.#hide();
    this.#shown = this.#deps.audience.show(this.signalling.peer!);
  }

  #hide(): void {
    this.#shown?.[Symbol.dispose]();
    this.#shown = undefined;
  }

  #become(state: RtcState, set: Partial<RtcSessionRow> = {}): void {
    if (state !== this.#row.state) this.#watchdog.watch(state);
    void this.#save({ ...set, state });
    this.events.emit({ type: "session.state", data: { state, held: false, reason: null } });
  }

  #report(): void {
    if (this.#row.state !== "active") return;
    const stats = this.#stats.total(this.signalling.peer?.stats(), SILENT);
    void this.#save({ stats });
    this.events.emit({ type: "stats", data: stats });
  }

  #save(set: Partial<RtcSessionRow>): Promise<void> {
    const { store, log } = this.#deps;
    this.#row = { ...this.#row, ...set };
    return store.commit({ writes: [{ update: "rtc_sessions", where: { id: this.#row.id }, set }] }).catch((error) => {
      log.error("Cannot store the state of a viewer", { session_id: this.#row.id, error });
    });
  }

  async #end(reason: RtcEnd): Promise<void> {
    const { clock, onEnd } = this.#deps;
    const stats = this.#stats.total(this.signalling.peer?.stats(), SILENT);
    this.#stack.dispose();
    this.#hide();
    const saved = this.#save({ state: "ended", reason, stats, ended_at: toTime(clock.now()) });
    this.events.emit({ type: "session.state", data: { state: "ended", held: false, reason } });
    await saved;
    onEnd();
    this.events.end();
    await this.signalling[Symbol.asyncDispose]();
  }
}
