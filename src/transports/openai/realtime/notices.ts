/**
 * What everybody in a call is told of, for which this protocol has no words: that it is recorded, and watched. Clients
 * get it in ours, and pass on what they don't know.
 *
 * @module
 */
import type { Emit } from "./emit.ts";

/** What is told so. */
export type NoticeType = "recording.started" | "recording.stopped" | "session.viewer";
/** An event's own fields. */
export type NoticeData = Readonly<Record<string, unknown>>;

/** The notices of one call. */
export class Notices {
  #recording: NoticeData | undefined;
  #viewer: NoticeData | undefined;

  /** Takes what happened. */
  take(type: NoticeType, data: NoticeData): void {
    if (type === "session.viewer") this.#viewer = data.viewers === 0 ? undefined : data;
    else this.#recording = type === "recording.started" ? data : undefined;
  }

  /** Tells who comes later how things stand. */
  tell(emit: Emit): void {
    if (this.#recording) emit("recording.started", this.#recording);
    if (this.#viewer) emit("session.viewer", this.#viewer);
  }
}
