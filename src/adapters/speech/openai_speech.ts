/**
 * Speech made by a server that speaks OpenAI's `POST /audio/speech`.
 *
 * @module
 */
import { SampleReader } from "../../kit/pcm.ts";
import { Resampler } from "../../kit/resampler.ts";
import type { TextToSpeech } from "../../ports/text_to_speech.ts";
import { fromRubbish } from "./failure.ts";
import { SPOKEN_RATE } from "./rates.ts";
import { type Answer, ServedEngine, type ServerOptions } from "./speech_server.ts";
import { WavError, WavReader } from "./wav.ts";

/** Options for {@linkcode createOpenAiSpeaker}. */
export interface OpenAiSpeakerOptions extends ServerOptions {
  /** The voice of those who name none. */
  voice: string;
  /** How to speak, in words; empty: as the model likes. */
  instructions: string;
}

/** Eleven minutes of speech. */
const MAX_ANSWER = 32 * 1024 * 1024;
/** What can't be samples. Servers name samples in many ways, or not at all. */
const NO_SAMPLES = /^(text\/|application\/(json|problem)|audio\/(mpeg|mp3|mp4|ogg|opus|aac|flac|webm))/;

/** Builds the {@linkcode TextToSpeech}. */
export function createOpenAiSpeaker(options: OpenAiSpeakerOptions): TextToSpeech {
  return new OpenAiSpeaker(options);
}

class OpenAiSpeaker extends ServedEngine implements TextToSpeech {
  readonly rate = SPOKEN_RATE;
  readonly #options: OpenAiSpeakerOptions;

  constructor(options: OpenAiSpeakerOptions) {
    super(options);
    this.#options = options;
  }

  async *speak(
    text: string,
    { voice, speed = 1, signal }: Parameters<TextToSpeech["speak"]>[1],
  ): AsyncGenerator<Int16Array, void> {
    if (text.trim() === "") return;
    const { model, instructions } = this.#options;
    const body = JSON.stringify({
      model,
      input: text,
      voice: voice ?? this.#options.voice,
      response_format: "pcm",
      ...speed !== 1 && { speed },
      ...instructions !== "" && { instructions },
    });
    using answer = await this.server.post(
      { path: "audio/speech", body, headers: { "content-type": "application/json" }, max_answer: MAX_ANSWER },
      { signal },
    );
    if (NO_SAMPLES.test(answer.type)) {
      throw fromRubbish(this.server.failing, `sent "${answer.type}", expected samples`);
    }
    yield* this.#sound(answer);
  }

  async *#sound(answer: Answer): AsyncGenerator<Int16Array, void> {
    let reader: SampleReader | WavReader | undefined;
    let resampler: Resampler | undefined;
    let spoken = 0;
    try {
      for await (const piece of answer.pieces()) {
        // Some servers send a WAV file whatever they are asked for.
        reader ??= isWav(piece) || /wave?$/.test(answer.type) ? new WavReader() : new SampleReader();
        let samples: Int16Array = reader.push(piece);
        if (samples.length === 0) continue;
        if (reader instanceof WavReader) {
          resampler ??= new Resampler({ from: reader.rate!, to: SPOKEN_RATE });
          samples = resampler.push(samples);
        }
        spoken += samples.length;
        yield samples;
      }
    } catch (error) {
      if (error instanceof WavError) throw fromRubbish(this.server.failing, `sent no sound: ${error.message}`, error);
      throw error;
    }
    if (resampler !== undefined) yield resampler.end();
    if (spoken === 0) throw fromRubbish(this.server.failing, "sent no sound");
  }
}

function isWav(piece: Uint8Array): boolean {
  return piece[0] === 0x52 && piece[1] === 0x49 && piece[2] === 0x46 && piece[3] === 0x46;
}
