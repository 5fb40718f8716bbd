/**
 * Speech understood by a program: sound on its standard input or in a file, text on its standard output.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { toBytes } from "../../kit/pcm.ts";
import type { SpeechToText, Transcript } from "../../ports/speech_to_text.ts";
import { type ProgramOptions, runProgram } from "./child.ts";
import { asksFor, checkName, fillCommand } from "./command.ts";
import { HEARD_RATE } from "./rates.ts";
import { gather, toWords } from "./utterance.ts";
import { toWav } from "./wav.ts";

/** Options for {@linkcode createCommandTranscriber}. */
export interface CommandTranscriberOptions extends ProgramOptions {
  /**
   * The program and its arguments, with `{language}`, `{language_code}` (without the country), `{rate}`, `{prompt}`, and
   * `{wav}` for a file with the sound, which is removed afterwards. Without `{wav}` the sound is its standard input.
   */
  command: readonly string[];
  /** What its input is: a WAV file, or samples alone, as they come (16 bits, little-endian, mono). */
  input: "wav" | "raw";
  /** The language of those who name none. */
  language: string;
}

const MAX_OUTPUT = 1024 * 1024;

/** Builds the {@linkcode SpeechToText}. */
export function createCommandTranscriber(options: CommandTranscriberOptions): SpeechToText {
  return new CommandTranscriber(options);
}

class CommandTranscriber implements SpeechToText {
  readonly rate = HEARD_RATE;
  readonly streaming: boolean;
  readonly #options: CommandTranscriberOptions;

  constructor(options: CommandTranscriberOptions) {
    this.#options = options;
    this.streaming = options.input === "raw" && !asksFor(options.command, "wav");
  }

  async *transcribe(
    audio: AsyncIterable<Int16Array>,
    { language: given, prompt = "", signal }: Parameters<SpeechToText["transcribe"]>[1],
  ): AsyncGenerator<Transcript, void> {
    const language = checkName("language", given ?? this.#options.language);
    await using file = new TemporaryFile();
    const { command } = this.#options;
    // A program that finds out by itself doesn't tell which it was.
    const spoken = language === "auto" ? {} : { language };
    const values: Record<string, string> = {
      language,
      language_code: language.split("-")[0]!.toLowerCase(),
      rate: String(HEARD_RATE),
      prompt: prompt.startsWith("-") ? ` ${prompt}` : prompt,
    };
    let input: AsyncIterable<Uint8Array> | Uint8Array[];
    if (this.streaming) input = asBytes(audio);
    else {
      const wav = toWav(await gather(audio, signal), HEARD_RATE);
      const filed = asksFor(command, "wav");
      if (filed) values.wav = await file.write(wav);
      input = filed ? [] : [wav];
    }
    const output = runProgram({
      ...this.#options,
      command: fillCommand(command, values),
      input,
      max_output: MAX_OUTPUT,
      signal,
    });
    const decoder = new TextDecoder();
    let text = "";
    for await (const bytes of output) {
      text += decoder.decode(bytes, { stream: true });
      const words = toWords(text);
      if (this.streaming && words !== "") yield { text: words, final: false, ...spoken };
    }
    yield { text: toWords(text + decoder.decode()), final: true, ...spoken };
  }

  async check(signal: AbortSignal): Promise<{ ok: boolean; detail: string }> {
    const { command, clock } = this.#options;
    const began = clock.now();
    try {
      for await (const _ of this.transcribe(silence(), { signal }));
      return { ok: true, detail: `Program "${command[0]}" listens (${clock.now() - began} ms for half a second)` };
    } catch (error) {
      return { ok: false, detail: AppError.from(error).message };
    }
  }
}

async function* silence(): AsyncGenerator<Int16Array> {
  yield new Int16Array(HEARD_RATE / 2);
}

async function* asBytes(audio: AsyncIterable<Int16Array>): AsyncGenerator<Uint8Array> {
  for await (const samples of audio) yield toBytes(samples.slice());
}

/** A file that only we may look into, gone at the end of its scope. */
class TemporaryFile implements AsyncDisposable {
  #folder: string | undefined;

  async write(bytes: Uint8Array): Promise<string> {
    // The process's number tells whoever sweeps later whether somebody still needs it.
    this.#folder = await Deno.makeTempDir({ prefix: `muxi-speech-${Deno.pid}-` });
    const path = `${this.#folder}/utterance.wav`;
    await Deno.writeFile(path, bytes, { mode: 0o600, createNew: true });
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#folder !== undefined) await Deno.remove(this.#folder, { recursive: true }).catch(() => {});
  }
}
