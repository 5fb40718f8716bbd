/**
 * Which engines speak and listen, as the settings have it and the machine can.
 *
 * @module
 */
import type { Clock } from "../../kit/clock.ts";
import type { SpeechToText } from "../../ports/speech_to_text.ts";
import type { TextToSpeech } from "../../ports/text_to_speech.ts";
import type { VoiceUpstream } from "../../ports/voice_upstream.ts";
import { findProgram } from "./command.ts";
import { createCommandSpeaker } from "./command_speaker.ts";
import { createCommandTranscriber } from "./command_transcriber.ts";
import { findSpeaker, findTranscriber, type Preset } from "./known_programs.ts";
import { createOpenAiSpeaker } from "./openai_speech.ts";
import { createOpenAiTranscriber } from "./openai_transcriptions.ts";
import { createRealtimeUpstream } from "./realtime_upstream.ts";

/** What both kinds of engine are set with. What is empty is not set. */
export interface EngineSettings {
  engine: "auto" | "openai" | "command" | "none";
  /** Of a server that speaks OpenAI's protocol; with a key alone it is OpenAI's own. */
  base_url: string;
  api_key: string;
  /** The server's name of the model, or the file of the program's. */
  model: string;
  /** A program and its arguments, with placeholders. */
  command: readonly string[];
  /** The language of those who name none. */
  language: string;
  timeout_seconds: number;
  retries: number;
}

/** What listening is set with. */
export interface TranscriberSettings extends EngineSettings {
  /** What the program reads. */
  input: "wav" | "raw";
  /** Words that are likely to be said. */
  prompt: string;
  /** Whether a server is asked for text while it is being made; "auto": if its model can. */
  stream: "auto" | boolean;
}

/** What speaking is set with. */
export interface SpeakerSettings extends EngineSettings {
  /** What the program writes. */
  output: "wav" | "raw";
  /** Samples a second of raw output. */
  rate: number;
  voice: string;
  /** How to speak, for servers whose models can be told. */
  instructions: string;
}

/** What a voice of somebody else's is set with. */
export interface UpstreamSettings {
  base_url: string;
  api_key: string;
  model: string;
  transcription_model: string;
  voice: string;
  language: string;
  renew_seconds: number;
  timeout_seconds: number;
}

/** What {@linkcode openSpeech} needs besides. */
export interface SpeechOptions {
  /** The environment; programs see a part of it. */
  env: Readonly<Record<string, string>>;
  clock: Clock;
}

/** An engine, or why there is none. */
export interface Found<T> {
  engine: T | null;
  /** In words for people: what is used and why, or what to install or set. */
  detail: string;
}

/** All engines. */
export interface Speech {
  stt: Found<SpeechToText>;
  tts: Found<TextToSpeech>;
  upstream: Found<VoiceUpstream>;
}

const OPENAI = "https://api.openai.com/v1";
const TRANSCRIBER_MODEL = "gpt-4o-mini-transcribe";
const SPEAKER_MODEL = "gpt-4o-mini-tts";
const SPEAKER_VOICE = "alloy";
const UPSTREAM_MODEL = "gpt-realtime";
/** How long a voice of somebody else's may take to answer a call. */
const CONNECT_MS = 10_000;
const LANGUAGE = "en";
/** Variables that programs get: where to find things, how to write them, and nothing of ours. */
const VARIABLES =
  /^(PATH|HOME|LANG|LC_\w+|LD_LIBRARY_PATH|TMPDIR|ESPEAK_DATA_PATH|OMP_\w+|CUDA_\w+|GGML_\w+|HF_HOME|XDG_\w+)$/;

/** Looks what there is and opens it. Nothing is started or asked yet. */
export async function openSpeech(
  { stt, tts, realtime }: { stt: TranscriberSettings; tts: SpeakerSettings; realtime: UpstreamSettings },
  { env, clock }: SpeechOptions,
): Promise<Speech> {
  const common = {
    env: Object.fromEntries(Object.entries(env).filter(([name]) => VARIABLES.test(name))),
    clock,
  };
  return {
    stt: await openTranscriber(stt, common),
    tts: await openSpeaker(tts, common),
    upstream: openUpstream(realtime, common),
  };
}

function openUpstream(settings: UpstreamSettings, { clock }: SpeechOptions): Found<VoiceUpstream> {
  const { base_url, api_key, model, transcription_model, voice, language, renew_seconds, timeout_seconds } = settings;
  if (base_url === "" && api_key === "") return { engine: null, detail: "Set speech.realtime.base_url or api_key" };
  const server = { base_url: base_url || OPENAI, api_key, model: model || UPSTREAM_MODEL };
  const engine = createRealtimeUpstream({
    ...server,
    transcriber: transcription_model || TRANSCRIBER_MODEL,
    voice: voice || SPEAKER_VOICE,
    language,
    renew_ms: renew_seconds * 1000,
    connect_ms: CONNECT_MS,
    timeout_ms: timeout_seconds * 1000,
    clock,
  });
  return { engine, detail: `${server.model} at ${server.base_url}` };
}

async function openTranscriber(settings: TranscriberSettings, options: SpeechOptions): Promise<Found<SpeechToText>> {
  const { engine, command, input, language, prompt, stream } = settings;
  if (engine === "none") return { engine: null, detail: "Switched off by speech.stt.engine" };
  if (engine === "openai" || (engine === "auto" && hasServer(settings))) {
    const server = toServer(settings, TRANSCRIBER_MODEL, options);
    const streams = stream === "auto" ? /^gpt-/.test(server.model) : stream;
    const made = createOpenAiTranscriber({ ...server, language, prompt, stream: streams });
    return { engine: made, detail: `${server.model} at ${server.base_url}` };
  }
  const open = (preset: Preset) => {
    const made = createCommandTranscriber({
      command: preset.command,
      input: preset.sound === "raw" ? "raw" : "wav",
      language: language || preset.language,
      ...toProgram(settings, options),
    });
    return { engine: made, detail: preset.detail };
  };
  if (command.length > 0) return await ofCommand({ command, sound: input, language: LANGUAGE }, options, open);
  if (engine === "command") {
    return { engine: null, detail: "speech.stt.engine is command, but speech.stt.command is empty" };
  }
  const found = await findTranscriber(settings.model, options.env.PATH ?? "");
  return typeof found === "string" ? { engine: null, detail: found } : open(found);
}

async function openSpeaker(settings: SpeakerSettings, options: SpeechOptions): Promise<Found<TextToSpeech>> {
  const { engine, command, output, language, voice, rate, instructions } = settings;
  if (engine === "none") return { engine: null, detail: "Switched off by speech.tts.engine" };
  if (engine === "openai" || (engine === "auto" && hasServer(settings))) {
    const server = toServer(settings, SPEAKER_MODEL, options);
    const made = createOpenAiSpeaker({ ...server, voice: voice || SPEAKER_VOICE, instructions });
    return { engine: made, detail: `${server.model} at ${server.base_url}` };
  }
  const open = (preset: Preset) => {
    const made = createCommandSpeaker({
      command: preset.command,
      output: preset.sound === "raw" ? "raw" : "wav",
      rate,
      voice: voice || (preset.voice ?? ""),
      language: language || preset.language,
      ...toProgram(settings, options),
    });
    return { engine: made, detail: preset.detail };
  };
  if (command.length > 0) return await ofCommand({ command, sound: output, language: LANGUAGE }, options, open);
  if (engine === "command") {
    return { engine: null, detail: "speech.tts.engine is command, but speech.tts.command is empty" };
  }
  const found = await findSpeaker(settings.model, options.env.PATH ?? "");
  return typeof found === "string" ? { engine: null, detail: found } : open(found);
}

/** The operator's own command, if its program is there. */
async function ofCommand<T>(
  preset: Omit<Preset, "detail">,
  { env }: SpeechOptions,
  open: (preset: Preset) => Found<T>,
): Promise<Found<T>> {
  const [program = ""] = preset.command;
  if (await findProgram(program, env.PATH ?? "") === undefined) {
    return { engine: null, detail: `Cannot find "${program}": install it, or change the command` };
  }
  return open({ ...preset, detail: program });
}

function hasServer({ base_url, api_key, command }: EngineSettings): boolean {
  return command.length === 0 && (base_url !== "" || api_key !== "");
}

function toServer(settings: EngineSettings, model: string, { clock }: SpeechOptions) {
  return {
    base_url: (settings.base_url || OPENAI).replace(/\/+$/, ""),
    api_key: settings.api_key,
    model: settings.model || model,
    timeout_ms: settings.timeout_seconds * 1000,
    retries: settings.retries,
    clock,
  };
}

function toProgram({ timeout_seconds }: EngineSettings, { env, clock }: SpeechOptions) {
  return { env, clock, timeout_ms: timeout_seconds * 1000 };
}
