/**
 * Speech without a network: Debian's `espeak-ng` speaks, `pocketsphinx` hears. It is exact for sentences it was told of,
 * and for nothing else.
 *
 * @module
 */
import type { CommandSpeakerOptions } from "../../src/adapters/speech/command_speaker.ts";
import type { CommandTranscriberOptions } from "../../src/adapters/speech/command_transcriber.ts";
import { systemClock } from "../../src/kit/clock.ts";

/** Sentences that espeak-ng says and pocketsphinx hears without a fault. */
export const SENTENCES = [
  "what is the weather in london today",
  "please open the garden door",
  "good morning thank you",
  "the answer is seven blue",
  "your order is ready",
  "stop tell me a story",
  "yes please",
  "no thank you",
] as const;

/** The environment that speech programs get in tests. */
export function speechEnv(): Record<string, string> {
  const { PATH = "", HOME = "" } = Deno.env.toObject();
  return { PATH, HOME, LANG: "C.UTF-8" };
}

/** A grammar of whole sentences in a folder of its own. */
export async function writeGrammar(
  sentences: readonly string[] = SENTENCES,
): Promise<AsyncDisposable & { path: string }> {
  const folder = await Deno.makeTempDir({ prefix: "muxi-grammar-" });
  const path = `${folder}/sentences.gram`;
  await Deno.writeTextFile(path, `#JSGF V1.0;\ngrammar s;\npublic <s> = ${sentences.join(" | ")};\n`);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

/** The command that understands the sentences of the grammar at `path`, from its standard input. */
export function pocketsphinx(path: string): string[] {
  return ["pocketsphinx_continuous", "-infile", "/dev/stdin", "-jsgf", path, "-logfn", "/dev/null"];
}

/** The command that speaks. */
export const ESPEAK = ["espeak-ng", "--stdin", "--stdout", "-b", "1", "-v", "{voice}", "-s", "{words_per_minute}"];

/** Options of our adapter for {@linkcode ESPEAK}. */
export function speakerOptions(other: Partial<CommandSpeakerOptions> = {}): CommandSpeakerOptions {
  return {
    command: ESPEAK,
    output: "wav",
    rate: 22_050,
    voice: "",
    language: "en-us",
    env: speechEnv(),
    timeout_ms: 30_000,
    clock: systemClock,
    ...other,
  };
}

/** Options of our adapter for {@linkcode pocketsphinx}. */
export function transcriberOptions(
  command: readonly string[],
  other: Partial<CommandTranscriberOptions> = {},
): CommandTranscriberOptions {
  return { command, input: "raw", language: "en", env: speechEnv(), timeout_ms: 30_000, clock: systemClock, ...other };
}

/** Pieces of 20 ms, the last filled up with silence. */
export function* cutFrames(samples: Int16Array, rate: number): Generator<Int16Array<ArrayBuffer>> {
  const size = rate / 50;
  for (let at = 0; at < samples.length; at += size) {
    const frame = new Int16Array(size);
    frame.set(samples.subarray(at, at + size));
    yield frame;
  }
}

/** The same as something that is waited for. */
export async function* heardAs(samples: Int16Array, rate = 16_000): AsyncGenerator<Int16Array> {
  yield* cutFrames(samples, rate);
}
