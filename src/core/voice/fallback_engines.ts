/**
 * Engines that take over from a voice upstream while it can't be reached.
 *
 * @module
 */
import { Resampler } from "../../kit/resampler.ts";
import type { Model } from "../../ports/model.ts";
import type { SpeechToText } from "../../ports/speech_to_text.ts";
import type { TextToSpeech } from "../../ports/text_to_speech.ts";
import type { UpstreamVoice } from "../../ports/voice_upstream.ts";

/** Who hears, speaks and thinks. */
export interface Engines {
  stt: SpeechToText | undefined;
  tts: TextToSpeech | undefined;
  model: Model;
}

/** `voice`, and `engines` for what begins while it is down. What has begun ends where it began. */
export function withFallback(voice: UpstreamVoice, engines: Engines): Engines {
  const { ears, mouth, model } = voice;
  const { stt, tts } = engines;
  return {
    stt: {
      rate: ears.rate,
      streaming: false,
      check: (signal) => ears.check(signal),
      async *transcribe(audio, options) {
        if (!voice.down || !stt) return yield* ears.transcribe(audio, options);
        yield* stt.transcribe(resampled(audio, { from: ears.rate, to: stt.rate }), options);
      },
    },
    tts: {
      rate: mouth.rate,
      check: (signal) => mouth.check(signal),
      async *speak(text, options) {
        if (!voice.down || !tts) return yield* mouth.speak(text, options);
        yield* resampled(tts.speak(text, options), { from: tts.rate, to: mouth.rate });
      },
    },
    model: {
      pictures: model.pictures,
      check: () => model.check(),
      async *stream(request, options) {
        yield* (voice.down ? engines.model : model).stream(request, options);
      },
    },
  };
}

async function* resampled(
  audio: AsyncIterable<Int16Array>,
  rates: { from: number; to: number },
): AsyncGenerator<Int16Array> {
  if (rates.from === rates.to) return yield* audio;
  const resampler = new Resampler(rates);
  for await (const samples of audio) yield resampler.push(samples);
  yield resampler.end();
}
