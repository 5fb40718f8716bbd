/**
 * Whether the call is recorded, for everybody to see as long as it is; and the button for it.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="esnext" />
/// <reference lib="dom" />
import { describeFault } from "./devices.ts";
import { byId, show } from "./element.ts";
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

/** Options for {@linkcode RecordingMark}. */
export interface RecordingMarkOptions {
  /** Whether the server lets calls be recorded. */
  offered: boolean;
  /** Adds a line to what was said. */
  say(text: string): HTMLElement;
}

/** Shows it, and says when it begins and ends. */
export class RecordingMark {
  readonly #mark = byId("recording");
  readonly #button = byId<HTMLButtonElement>("record");
  readonly #options: RecordingMarkOptions;
  #call: Call | undefined;
  #newest: string | undefined;
  /** The line that says it is going on. */
  #line: HTMLElement | undefined;

  constructor(options: RecordingMarkOptions) {
    this.#options = options;
    this.#button.addEventListener("click", () => void this.#toggle());
  }

  /** The newest recording of the call, if it was recorded. */
  get newest(): string | undefined {
    return this.#newest;
  }

  /** Follows another call. */
  follow(call: Call): void {
    this.#call = call;
    this.#newest = call.session.recording_id ?? undefined;
    this.#button.hidden = !this.#options.offered || !call.recordings.allowed;
    this.#on = this.#newest !== undefined;
    call.on("recording.started", ({ recording_id }) => {
      this.#newest = recording_id;
      this.#on = true;
      this.#line = this.#options.say("This call is being recorded.");
    });
    call.on("recording.stopped", ({ recording_id, reason }) => {
      if (reason === "deleted" && this.#newest === recording_id) this.#newest = undefined;
      this.#end();
      this.#options.say(STOPPED[reason]);
    });
    call.on("connection", ({ state }) => {
      if (state !== "ended") return;
      this.#end();
      this.#button.hidden = true;
    });
  }

  /** What is over isn't said to go on. */
  #end(): void {
    this.#on = false;
    if (this.#line) this.#line.textContent = "From here the call was recorded.";
    this.#line = undefined;
  }

  async #toggle(): Promise<void> {
    const call = this.#call;
    if (!call) return;
    this.#button.disabled = true;
    try {
      await (this.#mark.hidden ? call.recordings.start() : call.recordings.stop());
      show(byId("notice"), "");
    } catch (error) {
      show(byId("notice"), describeFault(error));
    } finally {
      this.#button.disabled = false;
    }
  }

  set #on(on: boolean) {
    this.#mark.hidden = !on;
    this.#button.textContent = on ? "Stop recording" : this.#call?.place ? "Record the room" : "Record the call";
  }
}
