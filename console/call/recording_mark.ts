/**
 * Whether the call is recorded, for everybody to see as long as it is.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="esnext" />
/// <reference lib="dom" />
import { byId } from "./element.ts";
import type { Call, CallEvents } from "./session_client.ts";

const STOPPED: Readonly<Record<CallEvents["recording.stopped"]["reason"], string>> = {
  stopped: "The recording has stopped.",
  call_ended: "The recording has stopped.",
  too_long: "The recording has stopped: it reached its longest time.",
  too_large: "The recording has stopped: it reached its largest size.",
  disk_full: "The recording has stopped: the server’s disk is full.",
  failed: "The recording has stopped: the server can’t write it.",
  deleted: "The recording has stopped and was deleted.",
  shutdown: "The recording has stopped: the server is shutting down.",
  process_ended: "The recording has stopped.",
};

/** Shows it, and says when it begins and ends. */
export class RecordingMark {
  readonly #mark = byId("recording");
  readonly #say: (text: string) => void;

  constructor({ say }: { say(text: string): void }) {
    this.#say = say;
  }

  /** Follows another call. */
  follow(call: Call): void {
    this.#mark.hidden = call.session.recording_id === null;
    call.on("recording.started", () => {
      this.#mark.hidden = false;
      this.#say("This call is being recorded.");
    });
    call.on("recording.stopped", ({ reason }) => {
      this.#mark.hidden = true;
      this.#say(STOPPED[reason]);
    });
    call.on("connection", ({ state }) => {
      if (state === "ended") this.#mark.hidden = true;
    });
  }
}
