/**
 * Somebody who watches and hears a call, and has no voice in it.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";
import type { RtcEnd, RtcStats } from "../../domain/rtc_session.ts";
import type { RtcSessionRow } from "../../domain/table.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { PeerState } from "../../ports/peers.ts";
import type { Store } from "../../ports/store.ts";
import { CallEvents } from "../calls/call_events.ts";
import { CallState } from "../calls/call_state.ts";
import type { HostedParts, LiveSession } from "../calls/live_session.ts";
import { toSession } from "../calls/session_row.ts";
import { Signalling } from "../calls/signalling.ts";
import { CallStats } from "../calls/stats.ts";
import { Watchdog } from "../calls/watchdog.ts";
import type { Audience } from "./audience.ts";

/** How often what was counted is told and stored. */
const STATS_MS = 10_000;
/** Viewers say nothing. */
const SILENT = {
  packets_stale: 0,
  frames_concealed: 0,
  interruptions: 0,
  expected_loss_percent: null,
  answer_latency_ms: null,
};

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
  readonly #state: CallState;
  readonly #stats = new CallStats();
  #shown: ReturnType<Audience["show"]> | undefined;
  #ending: Promise<void> | undefined;

  constructor(deps: ViewerSessionDeps) {
    const { row, principal, media, iceServers, relay_only, clock } = this.#deps = deps;
    this.principal = principal;
    this.events = new CallEvents(row.id);
    const limits = { ...deps.watchdog, idle_ms: 0 };
    const watchdog = this.#stack.use(new Watchdog({ clock, limits, onEnd: (reason) => void this.end(reason) }));
    this.#state = new CallState({ ...deps, events: this.events, watchdog });
    this.signalling = new Signalling({
      peers: media.peers,
      iceServers,
      options: {
        audio: row.modalities.includes("audio") ? "sendonly" : "inactive",
        video: row.modalities.includes("camera") ? "sendonly" : "inactive",
        relay_only,
      },
      events: {
        onState: (state) => this.#follow(state),
        onCandidate: (candidate) =>
          this.events.emit({ type: "session.candidate", data: { candidate: candidate ?? { candidate: "" } } }),
        onOffer: (sdp) => this.events.offer(sdp),
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
    return this.#state.row;
  }

  get ended(): boolean {
    return this.#ending !== undefined;
  }

  end(reason: RtcEnd): Promise<void> {
    return this.#ending ??= this.#end(reason);
  }

  #follow(state: PeerState): void {
    if (this.ended) return;
    const now = this.row.state;
    if (state === "connecting" && now === "created") this.#state.become("connecting");
    else if (state === "connected") this.#connect();
    else if (state === "lost" && now === "active") this.#state.become("lost");
    else if (state === "closed") void this.end("hung_up");
    else if (state === "failed" && now !== "lost") void this.end("failed");
  }

  #connect(): void {
    this.#state.connect();
    this.#hide();
    this.#shown = this.#deps.audience.show(this.signalling.peer!);
  }

  #hide(): void {
    this.#shown?.[Symbol.dispose]();
    this.#shown = undefined;
  }

  #report(): void {
    if (this.row.state === "active") this.#state.report(this.#count());
  }

  #count(): RtcStats {
    return this.#stats.total(this.signalling.peer?.stats(), SILENT);
  }

  async #end(reason: RtcEnd): Promise<void> {
    const stats = this.#count();
    this.#stack.dispose();
    this.#hide();
    await this.#state.end(reason, stats);
    this.#deps.onEnd();
    this.events.end();
    await this.signalling[Symbol.asyncDispose]();
  }
}
