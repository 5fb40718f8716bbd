/**
 * Sound that comes and goes as events.
 *
 * @module
 */
import type { RtcMessage } from "../../../domain/rtc_event.ts";
import { invalid } from "../errors.ts";
import { hearFrom, sayAs, type Sound, type SoundConverter, type SoundFormat } from "./sound_format.ts";

/** A turn that is ended by hand holds at least so much, in milliseconds. */
const LEAST_MS = 100;

/** What a {@linkcode SoundBuffer} needs. */
export interface SoundBufferDeps {
  /** Takes 16-bit samples in base64, 24,000 a second. */
  hear(data: string): void;
  say(message: RtcMessage): void;
}

/** Writes and reads sound as the session has it. */
export class SoundBuffer {
  readonly #deps: SoundBufferDeps;
  #hearing: { format: SoundFormat; converter: SoundConverter } | undefined;
  #saying: { format: SoundFormat; converter: SoundConverter } | undefined;
  /** Since a turn was ended by hand, in milliseconds. */
  #ms = 0;

  constructor(deps: SoundBufferDeps) {
    this.#deps = deps;
  }

  /** The client speaks. Throws `ValidationError` when it is no sound. */
  append(audio: string, format: SoundFormat): void {
    if (this.#hearing?.format !== format) this.#hearing = { format, converter: hearFrom(format) };
    const { data, ms } = this.#hearing.converter.convert(audio);
    this.#ms += ms;
    if (ms > 0) this.#deps.hear(data);
  }

  /** The client has said it all. Throws `ValidationError` when that is too little. */
  commit(): void {
    const { say } = this.#deps;
    if (this.#ms < LEAST_MS) {
      const message = `Cannot commit the buffer: expected at least ${LEAST_MS} ms of sound, it holds ${this.#ms} ms`;
      throw invalid(message, { code: "input_audio_buffer_commit_empty" });
    }
    this.#ms = 0;
    say({ type: "commit" });
  }

  /** What was said since then is forgotten. */
  clear(): void {
    this.#ms = 0;
    this.#deps.say({ type: "clear" });
  }

  /** What the agent says, as the client hears it. */
  toClient(data: string, format: SoundFormat): Sound {
    if (this.#saying?.format !== format) this.#saying = { format, converter: sayAs(format) };
    return this.#saying.converter.convert(data);
  }
}
