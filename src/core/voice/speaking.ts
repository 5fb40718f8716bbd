/**
 * Makes the sound of sentences.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { abortable } from "../../kit/abortable.ts";
import type { Clock } from "../../kit/clock.ts";
import { joinSignals } from "../../kit/joined_signal.ts";
import { Resampler } from "../../kit/resampler.ts";
import type { TextToSpeech } from "../../ports/text_to_speech.ts";
import type { Piece } from "./piece.ts";

/** The most sound that a sentence may have, in seconds: more is an engine that doesn't stop. */
const MOST_SECONDS = { base: 10, character: 0.5 };

/** How a voice sounds. */
export interface VoiceChoice {
  voice?: string | undefined;
  language?: string | undefined;
  speed?: number | undefined;
}

/** What {@linkcode Speaking} needs. */
export interface SpeakingDeps {
  tts: TextToSpeech;
  clock: Clock;
  /** Samples a second of what is sent. */
  rate: number;
  /** How long the next sound is waited for. */
  speech_ms: number;
  /** How it sounds from the next sentence on. */
  choice: () => VoiceChoice;
}

/** Says sentences, one after the other. */
export class Speaking {
  readonly #deps: SpeakingDeps;

  constructor(deps: SpeakingDeps) {
    this.#deps = deps;
  }

  /** Makes the sound of `piece`. Rejects with the engine's `AppError` or `TimeoutError`; what was made by then stays. */
  async speak(piece: Piece, { signal }: { signal: AbortSignal }): Promise<void> {
    const { tts, rate } = this.#deps;
    const { text } = piece.sentence;
    using watch = this.#watch();
    using both = joinSignals(signal, watch.signal);
    const resampler = new Resampler({ from: tts.rate, to: rate });
    const most = rate * (MOST_SECONDS.base + MOST_SECONDS.character * text.length);
    const sound = tts.speak(text, { ...definedOf(this.#deps.choice()), signal: both.signal })[Symbol.asyncIterator]();
    let ended = false;
    try {
      for (;;) {
        watch.again();
        const next = await abortable(sound.next(), both.signal);
        if (next.done) break;
        piece.push(resampler.push(next.value));
        if (piece.length > most) {
          throw new AppError(
            "UpstreamError",
            `Cannot say a sentence of ${text.length} characters: its sound doesn't end`,
          );
        }
      }
      ended = true;
      piece.push(resampler.end());
    } finally {
      piece.complete = true;
      // An engine that hangs is not waited for.
      if (!ended) void sound.return?.()?.then(undefined, () => {});
    }
  }

  #watch(): Disposable & { signal: AbortSignal; again(): void } {
    const { clock, speech_ms } = this.#deps;
    const late = new AbortController();
    let timer: Disposable | undefined;
    const stop = () => timer?.[Symbol.dispose]();
    return {
      signal: late.signal,
      again() {
        stop();
        timer = clock.after(speech_ms, () => {
          late.abort(new AppError("TimeoutError", `Cannot say a sentence: no sound came in ${speech_ms} ms`));
        });
      },
      [Symbol.dispose]: stop,
    };
  }
}

function definedOf({ voice, language, speed }: VoiceChoice) {
  return {
    ...voice !== undefined && { voice },
    ...language !== undefined && { language },
    ...speed !== undefined && { speed },
  };
}
