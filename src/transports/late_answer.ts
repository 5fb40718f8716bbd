/**
 * One answer of JSON that takes its time.
 *
 * @module
 */
import { AppError } from "../domain/error.ts";
import { type Clock, systemClock } from "../kit/clock.ts";

/** White space that keeps a connection awake until the answer comes. */
const SPACE = new TextEncoder().encode(" ");
const SPACE_MS = 1000;

/** What {@linkcode answerLate} answers with. */
export interface LateAnswer<T> {
  /** The answer; a failure before `begun` is thrown, after it goes through `toErrorBody`. */
  collected: Promise<T>;
  /** Resolves when the answer can no more become an error. */
  begun: Promise<void>;
  /** Aborted when the answer is over, whoever ended it. */
  gone: AbortController;
  /** The whole answer, when it comes before it has begun. */
  toResponse(value: T): Response;
  toErrorBody(error: AppError): unknown;
  status?: number;
  headers?: Record<string, string>;
  clock?: Clock;
}

/**
 * Answers with what is collected. Headers go when it has begun, because only
 * then does the server notice that the caller left; white space fills the time
 * to the answer.
 */
export async function answerLate<T>(late: LateAnswer<T>): Promise<Response> {
  const { collected, begun, gone, toErrorBody, status = 200, headers = {}, clock = systemClock } = late;
  const first = await Promise.race([collected.then((value) => ({ value })), begun]);
  if (first) {
    gone.abort();
    return late.toResponse(first.value);
  }
  const encoder = new TextEncoder();
  let awake: Disposable | undefined;
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      awake = clock.every(SPACE_MS, () => {
        // A reader that doesn't read needs no more white space.
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(SPACE);
      });
      controller.enqueue(SPACE);
      const text = await collected.then(
        (value) => JSON.stringify(value),
        (thrown) => JSON.stringify(toErrorBody(AppError.from(thrown))),
      );
      awake?.[Symbol.dispose]();
      if (gone.signal.aborted) return;
      controller.enqueue(encoder.encode(text));
      controller.close();
      gone.abort();
    },
    cancel() {
      awake?.[Symbol.dispose]();
      gone.abort();
    },
  }, { highWaterMark: 4 });
  return new Response(body, { status, headers: { ...headers, "content-type": "application/json; charset=utf-8" } });
}
