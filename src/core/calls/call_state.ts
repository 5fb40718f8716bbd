/**
 * A session's row as it changes: each change is stored, and those of its state are told.
 *
 * @module
 */
import type { RtcEnd, RtcState, RtcStats } from "../../domain/rtc_session.ts";
import type { RtcSessionRow } from "../../domain/table.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { Store } from "../../ports/store.ts";
import type { CallEvents } from "./call_events.ts";
import type { Watchdog } from "./watchdog.ts";

/** What a {@linkcode CallState} needs. */
export interface CallStateDeps {
  row: RtcSessionRow;
  events: CallEvents;
  watchdog: Watchdog;
  store: Store;
  clock: Clock;
  log: Log;
}

/** See the module. */
export class CallState {
  readonly #deps: CallStateDeps;
  #row: RtcSessionRow;

  constructor(deps: CallStateDeps) {
    this.#deps = deps;
    this.#row = deps.row;
  }

  /** The session as it is now. */
  get row(): RtcSessionRow {
    return this.#row;
  }

  /** Stores `set`; the store keeps the order in which it is told. Never rejects. */
  save(set: Partial<RtcSessionRow>): Promise<void> {
    const { store, log } = this.#deps;
    this.#row = { ...this.#row, ...set };
    return store.commit({ writes: [{ update: "rtc_sessions", where: { id: this.#row.id }, set }] }).catch((error) => {
      log.error("Cannot store the state of a call", { session_id: this.#row.id, error });
    });
  }

  /** Goes on to `state`. */
  become(state: RtcState, set: Partial<RtcSessionRow> = {}): void {
    if (state !== this.#row.state) this.#deps.watchdog.watch(state);
    void this.save({ ...set, state });
    this.#tell();
  }

  /** It is connected, for the first time or again. */
  connect(): void {
    this.become("active", { connected_at: this.#row.connected_at ?? toTime(this.#deps.clock.now()) });
  }

  /** Stores and tells what was counted. */
  report(stats: RtcStats): void {
    void this.save({ stats });
    this.#deps.events.emit({ type: "stats", data: stats });
  }

  /** It is over. Resolves when that is stored. */
  async end(reason: RtcEnd, stats: RtcStats | undefined): Promise<void> {
    const ended_at = toTime(this.#deps.clock.now());
    const saved = this.save({ state: "ended", reason, stats: stats ?? null, ended_at });
    this.#tell();
    await saved;
  }

  #tell(): void {
    const { state, held, reason } = this.#row;
    this.#deps.events.emit({ type: "session.state", data: { state, held, reason } });
  }
}
