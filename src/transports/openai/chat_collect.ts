/**
 * What a run's events add up to, for chat completions that are not streamed.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Item } from "../../operations/operation.ts";
import type { ChatSaid } from "./chat_said.ts";
import type { Ended } from "./spoken.ts";

/** Options of {@linkcode collectChat}. */
export interface CollectOptions {
  /** Is told everything on the way, so that it is known when the end never comes. */
  said: ChatSaid;
  /** Called when it is clear that the answer takes its time: then the headers go. */
  onBegun(): void;
  /** How long to wait, in milliseconds. */
  collect_ms: number;
  signal: AbortSignal;
  clock: Clock;
}

/** What shows that a run is at work, or waits for something that may take long. */
const BEGINNINGS = ["model.delta", "model.reasoning.delta", "tool.call.started", "run.queued", "run.waiting"];

/**
 * Follows `items` to their end. A run that waits for a person is waited for:
 * this door has no other way to hand over the answer later.
 */
export async function collectChat(items: AsyncIterable<Item>, options: CollectOptions): Promise<Ended> {
  const { said, onBegun, collect_ms, signal, clock } = options;
  const late = Promise.withResolvers<never>();
  late.promise.catch(() => {});
  using _ = clock.after(collect_ms, () =>
    late.reject(
      new AppError("TimeoutError", `Cannot wait for the answer any longer: ${collect_ms / 1000} s passed`),
    ));
  const iterator = items[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value: item } = await Promise.race([iterator.next(), late.promise]);
      if (done) break;
      const data = said.next(item);
      if (BEGINNINGS.includes(item.type)) onBegun();
      if (item.type === "run.completed" || item.type === "model.completed") return data;
      if (item.type === "run.failed") {
        const { error, message, details } = data.error;
        throw new AppError(error, message, { details });
      }
      if (item.type === "run.cancelled") {
        throw new AppError("CancelledError", `The answer was cancelled: ${data.reason}`);
      }
    }
  } finally {
    iterator.return?.().catch(() => {});
  }
  signal.throwIfAborted();
  throw new AppError("UnavailableError", "Cannot finish the answer: the server is shutting down", { retry_after: 5 });
}
