/**
 * How loud a sound is, for a picture of it.
 *
 * @module
 */

/** What is heard as silence, in dBFS; everything between it and 0 is shown. */
const FLOOR_DB = -60;

let shared: AudioContext | undefined;

/** Measures a stream of sound. */
export class LevelMeter implements Disposable {
  readonly #source: MediaStreamAudioSourceNode;
  readonly #analyser: AnalyserNode;
  readonly #samples: Float32Array<ArrayBuffer>;

  constructor(stream: MediaStream) {
    shared ??= new AudioContext();
    // Browsers start it only once the person has touched the page.
    if (shared.state === "suspended") void shared.resume();
    this.#analyser = new AnalyserNode(shared, { fftSize: 512 });
    this.#source = new MediaStreamAudioSourceNode(shared, { mediaStream: stream });
    this.#source.connect(this.#analyser);
    this.#samples = new Float32Array(this.#analyser.fftSize);
  }

  /** From 0 (silence) to 1 (as loud as can be). */
  read(): number {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    const db = 10 * Math.log10(sum / this.#samples.length + 1e-12);
    return Math.min(1, Math.max(0, 1 - db / FLOOR_DB));
  }

  [Symbol.dispose](): void {
    this.#source.disconnect();
  }
}
