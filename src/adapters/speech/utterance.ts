/**
 * What was said, as a whole; and what was understood, without what engines write for noise.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { abortable } from "../../kit/abortable.ts";
import { joinSamples } from "../../kit/pcm.ts";
import { toCancelled } from "./failure.ts";
import { HEARD_RATE } from "./rates.ts";

/** The longest that is transcribed at once. */
const MAX_SECONDS = 300;

/** Gathers `audio` until it ends. Throws `PayloadTooLargeError` when it doesn't. */
export async function gather(audio: AsyncIterable<Int16Array>, signal: AbortSignal): Promise<Int16Array<ArrayBuffer>> {
  const parts: Int16Array[] = [];
  let length = 0;
  const pieces = audio[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await abortable(pieces.next(), signal);
      if (done) return joinSamples(parts);
      parts.push(value);
      length += value.length;
      if (length > MAX_SECONDS * HEARD_RATE) {
        throw new AppError("PayloadTooLargeError", `Cannot transcribe more than ${MAX_SECONDS} seconds at once`);
      }
    }
  } catch (error) {
    // Nobody waits for it: it may be waiting for sound that doesn't come.
    pieces.return?.().catch(() => {});
    throw signal.aborted ? toCancelled(signal.reason) : error;
  }
}

/** `text` as one line; empty when it only says what kind of noise it was, such as "[BLANK_AUDIO]" or "(music)". */
export function toWords(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.replaceAll(/\[[^\]]*\]|\([^)]*\)|\*[^*]*\*|[♪.…\s]/g, "") === "" ? "" : line;
}
