/**
 * That a room is recorded: everybody in it is told, and whoever joins.
 *
 * @module
 */
import type { NewRtcEvent } from "../../domain/rtc_event.ts";
import type { CallSession } from "../calls/session.ts";

/** What is told of a recording, and kept with the calls of those who are told. */
export class RoomRecording {
  #id: string | null = null;

  /** Tells everybody. */
  announce(event: NewRtcEvent, sessions: readonly CallSession[]): void {
    if (event.type === "recording.started") this.#id = event.data.recording_id;
    if (event.type === "recording.stopped") this.#id = null;
    for (const session of sessions) {
      void session.save({ recording_id: this.#id });
      session.events.emit(event);
    }
  }

  /** Tells who joins, before they are heard. */
  enter(session: CallSession): void {
    if (this.#id === null) return;
    void session.save({ recording_id: this.#id });
    session.events.emit({ type: "recording.started", data: { recording_id: this.#id } });
  }

  /** Whoever leaves is recorded no longer. */
  leave(session: CallSession): void {
    if (this.#id !== null) void session.save({ recording_id: null });
  }
}
