/**
 * That a room is watched: nobody is in it unawares.
 *
 * @module
 */
import type { NewRtcEvent } from "../../domain/rtc_event.ts";
import type { CallSession } from "../calls/session.ts";

/** Who watches, told to everybody in the room. */
export class RoomViewers {
  readonly #there = new Set<string>();

  /** Tells everybody of one who comes or goes. */
  announce(event: Extract<NewRtcEvent, { type: "session.viewer" }>, sessions: readonly CallSession[]): void {
    if (event.data.present) this.#there.add(event.data.viewer_id);
    else this.#there.delete(event.data.viewer_id);
    for (const { events } of sessions) events.emit(event);
  }

  /** Tells who joins, before they are heard. */
  enter({ events }: CallSession): void {
    let viewers = 0;
    for (const viewer_id of this.#there) {
      events.emit({ type: "session.viewer", data: { viewer_id, present: true, viewers: ++viewers } });
    }
  }
}
