/**
 * Voice activity detection as WebRTC has it.
 *
 * @module
 */
import { FRAME_MS } from "../../ports/audio_codec.ts";
import type { VoiceActivity, VoiceActivityStream } from "../../ports/voice_activity.ts";
import { type Fvad, loadFvad } from "./fvad.ts";

const RATE = 16_000;
const FRAME = RATE / 1000 * FRAME_MS;
/** The strictest: it takes 5 % of noise for speech, and 5 % of speech for noise. */
const MODE = 3;
/** How many frames it takes to get used to the noise, which until then it takes for speech. */
const UNSURE = 6;

/** Builds the {@linkcode VoiceActivity}. All its streams share one module. */
export function createVoiceActivity(): VoiceActivity {
  let loading: Promise<Fvad> | undefined;
  let fvad: Fvad | undefined;
  return {
    async load() {
      loading ??= loadFvad();
      fvad = await loading;
    },
    open() {
      if (fvad === undefined) throw new Error("Cannot listen for voices: load() was not awaited");
      return new Detector(fvad);
    },
  };
}

class Detector implements VoiceActivityStream {
  readonly #fvad: Fvad;
  readonly #detector: number;
  readonly #samples: number;
  #open = true;
  #unsure = UNSURE;

  constructor(fvad: Fvad) {
    this.#fvad = fvad;
    this.#detector = fvad._fvad_new();
    this.#samples = fvad._malloc(FRAME * Int16Array.BYTES_PER_ELEMENT);
    fvad._fvad_set_mode(this.#detector, MODE);
    fvad._fvad_set_sample_rate(this.#detector, RATE);
  }

  isSpeech(frame: Int16Array): boolean {
    if (!this.#open) throw new Error("Cannot listen any more: the stream was disposed");
    if (frame.length !== FRAME) throw new RangeError(`Cannot listen to ${frame.length} samples: a frame has ${FRAME}`);
    this.#fvad.HEAP16.set(frame, this.#samples / Int16Array.BYTES_PER_ELEMENT);
    const is = this.#fvad._fvad_process(this.#detector, this.#samples, FRAME) === 1;
    if (this.#unsure === 0) return is;
    this.#unsure--;
    return false;
  }

  [Symbol.dispose](): void {
    // Freeing twice would free what another stream got meanwhile.
    if (!this.#open) return;
    this.#open = false;
    this.#fvad._fvad_free(this.#detector);
    this.#fvad._free(this.#samples);
  }
}
