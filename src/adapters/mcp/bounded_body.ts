/**
 * Bodies of answers, read no further than allowed and no longer than wanted.
 *
 * @module
 */

/** A body, or an event in it, is longer than allowed. */
export class BodyTooLong extends Error {
  override readonly name = "BodyTooLong";
}

/**
 * The bodies being read. Their signals are held here, because a signal that only
 * an answered `fetch` knows can be forgotten at a garbage collection.
 */
export type OpenBodies = Set<{ signal: AbortSignal | undefined }>;

/** Options for {@linkcode boundBody}. */
export interface BoundBodyOptions {
  bodies: OpenBodies;
  /** Bytes of the body; in a stream of events, of each event. */
  limit: number;
  signal?: AbortSignal;
}

/** The same answer, its body bounded, and cancelled by the signal. */
export function boundBody(response: Response, { bodies, limit, signal }: BoundBodyOptions): Response {
  if (!response.body) return response;
  const reader = response.body.getReader();
  const events = response.headers.get("content-type")?.includes("text/event-stream") ?? false;
  const entry = { signal };
  bodies.add(entry);
  let controller: ReadableStreamDefaultController<Uint8Array>;
  const stop = () => {
    controller.error(signal!.reason);
    reader.cancel(signal!.reason).catch(() => {});
    end();
  };
  const end = () => {
    bodies.delete(entry);
    signal?.removeEventListener("abort", stop);
  };
  let size = 0;
  const body = new ReadableStream<Uint8Array>({
    start(given) {
      controller = given;
      signal?.addEventListener("abort", stop, { once: true });
    },
    async pull() {
      try {
        const { done, value } = await reader.read();
        if (signal?.aborted) return;
        if (done) {
          end();
          return controller.close();
        }
        size = events ? sinceBlankLine(value, size) : size + value.length;
        if (size > limit) {
          reader.cancel().catch(() => {});
          throw new BodyTooLong(`An answer is longer than ${limit} bytes`);
        }
        controller.enqueue(value);
      } catch (error) {
        end();
        controller.error(error);
      }
    },
    async cancel(reason) {
      end();
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
  if (signal?.aborted) stop();
  const { status, statusText, headers } = response;
  return new Response(body, { status, statusText, headers });
}

/** Bytes since the last empty line, given how many there were before `chunk`. */
function sinceBlankLine(chunk: Uint8Array, before: number): number {
  for (let at = chunk.lastIndexOf(10); at > 0; at = chunk.lastIndexOf(10, at - 1)) {
    const previous = chunk[at - 1] === 13 ? at - 2 : at - 1;
    if (previous >= 0 && chunk[previous] === 10) return chunk.length - at - 1;
  }
  return before + chunk.length;
}
