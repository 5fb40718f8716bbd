/**
 * Whether somebody watches the call, for everybody in it to see as long as it is so.
 *
 * @module
 */
import { byId, show } from "./element.ts";
import type { Call } from "./session_client.ts";

/** Shows it, and says who comes and goes. */
export class ViewersMark {
  readonly #mark = byId("watched");
  readonly #say: (text: string) => void;

  constructor({ say }: { say(text: string): void }) {
    this.#say = say;
  }

  /** Follows another call. */
  follow(call: Call): void {
    // Some may watch the room, others this call: each is counted once.
    const watching = new Set<string>();
    show(this.#mark, "");
    call.on("session.viewer", ({ viewer_id, present }) => {
      if (present) watching.add(viewer_id);
      else watching.delete(viewer_id);
      const { size } = watching;
      show(this.#mark, size === 0 ? "" : size === 1 ? "Somebody is watching" : `${size} people are watching`);
      const left = size === 0 ? "Nobody watches this call any more." : "Somebody has stopped watching.";
      this.#say(present ? "Somebody watches and hears this call." : left);
    });
    call.on("connection", ({ state }) => {
      if (state === "ended") show(this.#mark, "");
    });
  }
}
