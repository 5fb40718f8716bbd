/**
 * Events of responses as frames.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Item } from "../../operations/operation.ts";
import { toOpenAiError } from "./errors.ts";
import type { ResponseLog } from "./response_log.ts";

const encoder = new TextEncoder();

/** The frame of an event. */
export function toResponseFrame({ type, data }: Item): Uint8Array {
  return encoder.encode(`event: ${type}\ndata: ${data}\n\n`);
}

/**
 * The frame for what went wrong on the way. It is no event of the response, so that it takes no number of its own: who
 * comes back after it misses nothing.
 */
export function toResponseErrorFrame(thrown: unknown, { sequence: sequence_number }: ResponseLog): Uint8Array {
  const { message, code, param } = toOpenAiError(AppError.from(thrown)).error;
  const data = JSON.stringify({ type: "error", sequence_number, code, message, param });
  return toResponseFrame({ type: "error", data });
}

/** The events of a response, as `items` of its run come. Ends with the response. */
export async function* tellResponse(items: AsyncIterable<Item>, log: ResponseLog): AsyncGenerator<Item> {
  for await (const item of items) {
    yield* log.next(item);
    if (log.over) return;
  }
}
