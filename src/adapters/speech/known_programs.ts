/**
 * Programs that are used when nobody names one, the better first, and how they are called.
 *
 * @module
 */
import { findProgram } from "./command.ts";

/** A program, ready to be called. */
export interface Preset {
  command: readonly string[];
  /** What it reads or writes. */
  sound: "wav" | "raw";
  /** The language of those who name none. */
  language: string;
  /** The voice of those who name none; without one it is the language. */
  voice?: string;
  detail: string;
}

/** The program that listens, or what to install. `model` is the file of its model, empty where none is set. */
export async function findTranscriber(model: string, path: string): Promise<Preset | string> {
  const whisper = await findProgram("whisper-cli", path);
  if (whisper !== undefined && model !== "") {
    if (!await isFile(model)) return `Cannot find the model file "${model}" of speech.stt.model`;
    // No timestamps, and nothing but the text.
    const command = [whisper, "-m", model, "-l", "{language_code}", "-nt", "-np", "-f", "-"];
    return { command, sound: "wav", language: "auto", detail: `${whisper} with ${model}` };
  }
  if (whisper !== undefined) return `${whisper} needs a model: set speech.stt.model to its file`;
  const advice =
    "set speech.stt.base_url and api_key, or install whisper.cpp (whisper-cli) and set speech.stt.model to " +
    "its model";
  // Without a grammar of what may be said it understands next to nothing, which looks like a fault of ours.
  return await findProgram("pocketsphinx_continuous", path) === undefined
    ? `Nothing here can listen: ${advice}`
    : `pocketsphinx understands only the sentences of a grammar: name one with its -jsgf in speech.stt.command, or ${advice}`;
}

/** The program that speaks, or what to install. `model` is the file of its voice, empty where none is set. */
export async function findSpeaker(model: string, path: string): Promise<Preset | string> {
  const piper = await findProgram("piper", path);
  if (piper !== undefined && model !== "") {
    if (!await isFile(model)) return `Cannot find the voice's file "${model}" of speech.tts.model`;
    // Its voices lie beside each other, and a caller may choose among them.
    const folder = model.includes("/") ? model.slice(0, model.lastIndexOf("/") + 1) : "";
    const voice = model.slice(folder.length).replace(/\.onnx$/, "");
    const command = [
      piper,
      "--model",
      `${folder}{voice}.onnx`,
      "--length_scale",
      "{length_scale}",
      "--output_file",
      "-",
    ];
    return { command, sound: "wav", language: "en", voice, detail: `${piper} with ${model}` };
  }
  const espeak = await findProgram("espeak-ng", path);
  if (espeak !== undefined) {
    const command = [espeak, "--stdin", "--stdout", "-b", "1", "-v", "{voice}", "-s", "{words_per_minute}"];
    return { command, sound: "wav", language: "en", detail: espeak };
  }
  return piper === undefined
    ? "Nothing here can speak: set speech.tts.base_url and api_key, or install piper and set speech.tts.model to a " +
      "voice, or espeak-ng"
    : `${piper} needs a voice: set speech.tts.model to its file`;
}

async function isFile(path: string): Promise<boolean> {
  return (await Deno.stat(path).catch(() => undefined))?.isFile ?? false;
}
