/**
 * How sound is written in this protocol's events.
 *
 * @module
 */
import { z } from "zod";
import { fromG711, type G711Law, toG711 } from "../../../kit/g711.ts";
import { SampleReader, toBytes } from "../../../kit/pcm.ts";
import { Resampler } from "../../../kit/resampler.ts";
import { invalid } from "../errors.ts";

/** Samples a second of ours, and of telephones. */
const RATE = 24_000;
const TELEPHONE_RATE = 8000;

/** Names of formats, as they were before each had a type of its own. */
const OLD_NAMES: Readonly<Record<string, string>> = {
  pcm16: "audio/pcm",
  g711_ulaw: "audio/pcmu",
  g711_alaw: "audio/pcma",
};
const LAWS: Readonly<Record<string, G711Law>> = { "audio/pcmu": "mu", "audio/pcma": "a" };

/** A format, as it is told. */
export interface SoundFormat {
  type: "audio/pcm" | "audio/pcmu" | "audio/pcma";
  /** Of `audio/pcm` alone. */
  rate?: number;
}

/** What clients say of a format. */
export const GivenFormat = z.preprocess(
  (given) => typeof given === "string" ? { type: OLD_NAMES[given] ?? given } : given,
  z.discriminatedUnion("type", [
    z.looseObject({ type: z.literal("audio/pcm"), rate: z.literal(RATE).nullish() }),
    z.looseObject({ type: z.literal("audio/pcmu") }),
    z.looseObject({ type: z.literal("audio/pcma") }),
  ]),
);

/** The usual one. */
export const PCM: SoundFormat = { type: "audio/pcm", rate: RATE };

/** A format, of what a client says. */
export function toFormat({ type }: z.output<typeof GivenFormat>): SoundFormat {
  return type === "audio/pcm" ? PCM : { type };
}

/** A piece of sound in base64, and how long it lasts. */
export interface Sound {
  data: string;
  ms: number;
}

/** Turns sound in base64 into ours, or ours into another format. */
export interface SoundConverter {
  /** Throws `ValidationError` when it is no sound. */
  convert(data: string): Sound;
}

/** Makes 16-bit samples of what clients send. */
export function hearFrom({ type }: SoundFormat): SoundConverter {
  const law = LAWS[type];
  const resampler = new Resampler({ from: TELEPHONE_RATE, to: RATE });
  return {
    convert(data) {
      const bytes = readBase64(data);
      if (law) {
        return { data: toBase64(resampler.push(fromG711(bytes, law))), ms: bytes.length / TELEPHONE_RATE * 1000 };
      }
      // Written anew: clients may have broken it into lines.
      if (bytes.length % 2 === 0) return { data: bytes.toBase64(), ms: bytes.length / 2 / RATE * 1000 };
      throw invalid("Cannot hear the sound: expected 16-bit samples, got an odd number of bytes", { param: "audio" });
    },
  };
}

/** Makes of 16-bit samples what clients hear. */
export function sayAs({ type }: SoundFormat): SoundConverter {
  const law = LAWS[type];
  const resampler = new Resampler({ from: RATE, to: TELEPHONE_RATE });
  const reader = new SampleReader();
  return {
    convert(data) {
      const bytes = readBase64(data);
      const ms = bytes.length / 2 / RATE * 1000;
      return { data: law ? toG711(resampler.push(reader.push(bytes)), law).toBase64() : data, ms };
    },
  };
}

function toBase64(samples: Int16Array<ArrayBuffer>): string {
  return toBytes(samples).toBase64();
}

function readBase64(data: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(data);
  } catch {
    throw invalid("Cannot hear the sound: it is not base64", { param: "audio", code: "invalid_value" });
  }
}
