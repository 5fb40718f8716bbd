/**
 * Speech made by a program: text on its standard input, sound on its standard output.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { SampleReader } from "../../kit/pcm.ts";
import { Resampler } from "../../kit/resampler.ts";
import type { TextToSpeech } from "../../ports/text_to_speech.ts";
import { type ProgramOptions, runProgram } from "./child.ts";
import { checkName, fillCommand } from "./command.ts";
import { SPOKEN_RATE } from "./rates.ts";
import { WavError, WavReader } from "./wav.ts";

/** Options for {@linkcode createCommandSpeaker}. */
export interface CommandSpeakerOptions extends ProgramOptions {
  /**
   * The program and its arguments, with `{voice}`, `{language}`, `{language_code}` (without the country), `{speed}`,
   * `{length_scale}` (its reciprocal) and `{words_per_minute}`.
   */
  command: readonly string[];
  /** What it says: a WAV file, or samples alone (16 bits, little-endian, mono) at `rate`. */
  output: "wav" | "raw";
  rate: number;
  /** The voice and language of those who name none; without a voice it is the language. */
  voice: string;
  language: string;
}

/** Eleven minutes of speech. */
const MAX_OUTPUT = 32 * 1024 * 1024;
/** What espeak-ng takes for a usual speed. */
const WORDS_PER_MINUTE = 175;
const encoder = new TextEncoder();

type Reader = { push(bytes: Uint8Array): Int16Array; readonly rate: number | undefined };

/** Builds the {@linkcode TextToSpeech}. */
export function createCommandSpeaker(options: CommandSpeakerOptions): TextToSpeech {
  return new CommandSpeaker(options);
}

class CommandSpeaker implements TextToSpeech {
  readonly rate = SPOKEN_RATE;
  readonly #options: CommandSpeakerOptions;

  constructor(options: CommandSpeakerOptions) {
    this.#options = options;
  }

  async *speak(
    text: string,
    { voice, language, speed = 1, signal }: Parameters<TextToSpeech["speak"]>[1],
  ): AsyncGenerator<Int16Array, void> {
    // Programs take each line for a text of its own, and NUL for its end.
    // deno-lint-ignore no-control-regex -- these are meant
    const line = text.replaceAll(/[\s\x00-\x1f\x7f]+/g, " ").trim();
    if (line === "") return;
    const { command, rate } = this.#options;
    const output = runProgram({
      ...this.#options,
      command: fillCommand(command, this.#values(voice, language, speed)),
      input: [encoder.encode(`${line}\n`)],
      max_output: MAX_OUTPUT,
      signal,
    });
    const reader: Reader = this.#options.output === "wav" ? new WavReader() : new RawReader(rate);
    let resampler: Resampler | undefined;
    try {
      for await (const bytes of output) {
        const samples = reader.push(bytes);
        if (samples.length === 0) continue;
        resampler ??= new Resampler({ from: reader.rate!, to: SPOKEN_RATE });
        yield resampler.push(samples);
      }
    } catch (error) {
      if (!(error instanceof WavError)) throw error;
      throw new AppError("UpstreamError", `Program "${command[0]}" gave no sound: ${error.message}`, { cause: error });
    }
    if (reader.rate === undefined) throw new AppError("UpstreamError", `Program "${command[0]}" gave no sound: no WAV`);
    if (resampler !== undefined) yield resampler.end();
  }

  async check(signal: AbortSignal): Promise<{ ok: boolean; detail: string }> {
    const { command, clock } = this.#options;
    const began = clock.now();
    try {
      let samples = 0;
      for await (const { length } of this.speak("one two three", { signal })) samples += length;
      if (samples === 0) return { ok: false, detail: `Program "${command[0]}" said nothing` };
      return { ok: true, detail: `Program "${command[0]}" speaks (${clock.now() - began} ms for a few words)` };
    } catch (error) {
      return { ok: false, detail: AppError.from(error).message };
    }
  }

  #values(voice: string | undefined, given: string | undefined, speed: number): Record<string, string> {
    const language = checkName("language", given ?? this.#options.language);
    return {
      // The operator's own voice may be a path; a caller's is a name.
      voice: voice === undefined ? this.#options.voice || language.toLowerCase() : checkName("voice", voice),
      language,
      language_code: language.split("-")[0]!.toLowerCase(),
      speed: String(speed),
      length_scale: (1 / speed).toFixed(3),
      words_per_minute: String(Math.round(WORDS_PER_MINUTE * speed)),
    };
  }
}

class RawReader implements Reader {
  readonly rate: number;
  readonly #reader = new SampleReader();

  constructor(rate: number) {
    this.rate = rate;
  }

  push(bytes: Uint8Array): Int16Array {
    return this.#reader.push(bytes);
  }
}
