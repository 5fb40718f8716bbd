/**
 * The package `@echogarden/fvad-wasm`, which has no types, and looks for its code in a file beside itself. What is built
 * has no such file, so its code comes along as text: `tools/fvad.ts` writes it.
 *
 * @module
 */
import code from "./fvad.wasm.base64" with { type: "text" };

/** Voice activity detection of WebRTC, compiled to WebAssembly. Detectors and samples are places in its memory. */
export interface Fvad {
  /** To be asked for at each use: when its memory grows, it is another array. */
  readonly HEAP16: Int16Array;
  _malloc(bytes: number): number;
  _free(place: number): void;
  _fvad_new(): number;
  _fvad_free(detector: number): void;
  /** 0 is lenient, 3 is strict. */
  _fvad_set_mode(detector: number, mode: number): number;
  _fvad_set_sample_rate(detector: number, rate: number): number;
  /** 1 is speech, 0 is none, −1 is a length it doesn't know. */
  _fvad_process(detector: number, samples: number, count: number): number;
}

/** Loads it. Each call makes another. */
export async function loadFvad(): Promise<Fvad> {
  const { default: open } = await import("@echogarden/fvad-wasm") as {
    default: (options: { wasmBinary: Uint8Array }) => Promise<Fvad>;
  };
  return await open({ wasmBinary: Uint8Array.fromBase64(code) });
}
