/**
 * Speech understood by a server that speaks OpenAI's `POST /audio/transcriptions`.
 *
 * @module
 */
import { readMessage, toSafeText } from "../../kit/refusal.ts";
import { SseParser } from "../../kit/sse.ts";
import type { SpeechToText, Transcript } from "../../ports/speech_to_text.ts";
import { fromRubbish } from "./failure.ts";
import { HEARD_RATE } from "./rates.ts";
import { type Answer, ServedEngine, type ServerOptions } from "./speech_server.ts";
import { gather, toWords } from "./utterance.ts";
import { toWav } from "./wav.ts";

/** Options for {@linkcode createOpenAiTranscriber}. */
export interface OpenAiTranscriberOptions extends ServerOptions {
  /** The language of those who name none; empty: the server finds out. */
  language: string;
  /** Words that are likely to be said, for those who name none. */
  prompt: string;
  /** Asks for the text while it is being made. */
  stream: boolean;
}

const MAX_ANSWER = 1024 * 1024;
/** Sound that is too short to be a word; servers refuse less than 0.1 s. */
const MIN_SAMPLES = HEARD_RATE / 10;

/** Builds the {@linkcode SpeechToText}. */
export function createOpenAiTranscriber(options: OpenAiTranscriberOptions): SpeechToText {
  return new OpenAiTranscriber(options);
}

class OpenAiTranscriber extends ServedEngine implements SpeechToText {
  readonly rate = HEARD_RATE;
  /** What it streams is text: the sound has to be complete before. */
  readonly streaming = false;
  readonly #options: OpenAiTranscriberOptions;

  constructor(options: OpenAiTranscriberOptions) {
    super(options);
    this.#options = options;
  }

  async *transcribe(
    audio: AsyncIterable<Int16Array>,
    { language, prompt, signal }: Parameters<SpeechToText["transcribe"]>[1],
  ): AsyncGenerator<Transcript, void> {
    const samples = await gather(audio, signal);
    const spoken = language ?? this.#options.language;
    const known = spoken === "" ? {} : { language: spoken };
    if (samples.length < MIN_SAMPLES) return yield { text: "", final: true, ...known };
    const body = this.#form(toWav(samples, HEARD_RATE), spoken, prompt ?? this.#options.prompt);
    using answer = await this.server.post(
      { path: "audio/transcriptions", body, max_answer: MAX_ANSWER },
      { signal },
    );
    if (answer.type !== "text/event-stream") {
      return yield { text: toWords(await this.#document(answer)), final: true, ...known };
    }
    let last = "";
    for await (const text of this.#events(answer)) {
      if (last !== "") yield { text: last, final: false, ...known };
      last = toWords(text);
    }
    yield { text: last, final: true, ...known };
  }

  #form(wav: Uint8Array<ArrayBuffer>, language: string, prompt: string): FormData {
    const form = new FormData();
    form.set("model", this.#options.model);
    form.set("response_format", "json");
    // ISO 639-1 is all it knows.
    if (language !== "") form.set("language", language.split("-")[0]!.toLowerCase());
    if (prompt !== "") form.set("prompt", prompt);
    if (this.#options.stream) form.set("stream", "true");
    form.set("file", new Blob([wav], { type: "audio/wav" }), "utterance.wav");
    return form;
  }

  /** The whole text so far, each time it grows; the last is complete. */
  async *#events(answer: Answer): AsyncGenerator<string, void> {
    const events: string[] = [];
    const parser = new SseParser((data) => events.push(data), { limit: MAX_ANSWER });
    let text = "";
    for await (const piece of withEnd(answer.pieces())) {
      if (piece === undefined) parser.end();
      else parser.push(piece);
      for (const data of events.splice(0)) {
        const event = data === "[DONE]" ? { type: data } : this.#parse(data);
        if (event.type === "error" || event.error !== undefined) throw this.#said(event);
        const done = event.type === "transcript.text.done" && typeof event.text === "string";
        if (done || event.type === "[DONE]") {
          answer.drain();
          return yield done ? event.text as string : text;
        }
        if (typeof event.delta === "string" && event.type === "transcript.text.delta") yield text += event.delta;
        // Some servers send the text of each segment instead.
        if (typeof event.text === "string" && event.type === undefined) yield text = `${text} ${event.text}`.trim();
      }
    }
    // Those that send segments need not say that it was the last.
    if (text === "") throw fromRubbish(this.server.failing, "ended its transcript without a text");
    yield text;
  }

  async #document(answer: Answer): Promise<string> {
    const decoder = new TextDecoder();
    let json = "";
    for await (const piece of answer.pieces()) json += decoder.decode(piece, { stream: true });
    const { text } = this.#parse(json);
    if (typeof text !== "string") throw fromRubbish(this.server.failing, "sent a transcript without a text");
    return text;
  }

  #parse(json: string): Record<string, unknown> {
    try {
      const value: unknown = JSON.parse(json);
      if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
    } catch {
      // Said below.
    }
    throw fromRubbish(this.server.failing, "sent a transcript that is no JSON");
  }

  #said(event: Record<string, unknown>): Error {
    const { failing } = this.server;
    const words = toSafeText(readMessage(event), failing.api_key);
    return fromRubbish(failing, `failed in the middle of a transcript${words === "" ? "" : `: ${words}`}`);
  }
}

/** `pieces`, and undefined when they are over. */
async function* withEnd<T>(pieces: AsyncIterable<T>): AsyncGenerator<T | undefined, void> {
  yield* pieces;
  yield undefined;
}
