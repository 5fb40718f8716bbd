/**
 * What clients say of the buffer that holds the caller's sound.
 *
 * @module
 */
import type { RtcMessage } from "../../../domain/rtc_event.ts";
import { invalid } from "../errors.ts";
import type { ClientEvent } from "./client_events.ts";
import type { Emit } from "./emit.ts";
import type { SessionState } from "./session_view.ts";
import type { SoundBuffer } from "./sound_buffer.ts";

/** An event about the buffer. */
export type BufferEvent = Extract<ClientEvent, { type: `input_audio_buffer.${string}` }>;

/** What an {@linkcode InputBuffer} needs. */
export interface InputBufferDeps {
  /** Absent: sound is media. */
  sounds: SoundBuffer | undefined;
  session(): SessionState;
  say(message: RtcMessage): void;
  emit: Emit;
}

/** See the module. */
export class InputBuffer {
  readonly #deps: InputBufferDeps;

  constructor(deps: InputBufferDeps) {
    this.#deps = deps;
  }

  /** Does what `event` says. Throws `ValidationError`. */
  obey(event: BufferEvent): void {
    switch (event.type) {
      case "input_audio_buffer.append":
        return this.#append(event.audio);
      case "input_audio_buffer.commit":
        return this.#commit();
      case "input_audio_buffer.clear":
        return this.#clear();
    }
  }

  #append(audio: string): void {
    const { sounds, session } = this.#deps;
    if (sounds) return sounds.append(audio, session().hears);
    throw invalid("Cannot append sound: this call's comes as media", { code: "unsupported_value" });
  }

  #commit(): void {
    const { sounds, session, say } = this.#deps;
    if (session().turns !== null) {
      const message = "Cannot commit the buffer: turns are found by the server, set turn_detection to null to end them";
      throw invalid(message, { code: "unsupported_value" });
    }
    if (sounds) sounds.commit();
    else say({ type: "commit" });
  }

  #clear(): void {
    const { sounds, say, emit } = this.#deps;
    if (sounds) sounds.clear();
    else say({ type: "clear" });
    emit("input_audio_buffer.cleared");
  }
}
