/**
 * What a run's events add up to.
 *
 * @module
 */
import { AppError } from "../domain/error.ts";
import { type EventType, isFinal } from "../domain/event.ts";
import type { Answer } from "../domain/run.ts";
import type { RunRow } from "../domain/table.ts";
import { type Clock, systemClock } from "../kit/clock.ts";
import type { Item } from "./operation.ts";

/** Options for {@linkcode answerOf}. */
export interface AnswerOptions {
  /** Called once the answer has begun. */
  onCommitted(): void;
  /** How long to wait for the end, in milliseconds. */
  collect_ms: number;
  signal: AbortSignal;
  /** Whether the run waits for a person now: what `items` tell may be long past. */
  isWaiting(): Promise<boolean>;
  clock?: Clock;
}

/**
 * Reads `items` to the run's end, or to where it waits for a person. A run that
 * fails before its first word is an error; after it, an answer that says so.
 */
export async function answerOf(
  run: Pick<RunRow, "id" | "conversation_id" | "usage">,
  items: AsyncIterable<Item>,
  { onCommitted, collect_ms, signal, isWaiting, clock = systemClock }: AnswerOptions,
): Promise<Answer> {
  const base = { run_id: run.id, conversation_id: run.conversation_id, message: null, usage: run.usage, error: null };
  const late = Promise.withResolvers<never>();
  late.promise.catch(() => {});
  using _ = clock.after(collect_ms, () =>
    late.reject(
      new AppError(
        "TimeoutError",
        `Cannot wait for run "${run.id}" any longer: ${collect_ms / 1000} s passed. It goes on`,
        {
          details: { run_id: run.id },
        },
      ),
    ));
  const iterator = items[Symbol.asyncIterator]();
  let begun = false;
  try {
    for (;;) {
      const { done, value: item } = await Promise.race([iterator.next(), late.promise]);
      if (done) {
        signal.throwIfAborted();
        throw new AppError(
          "UnavailableError",
          `Cannot follow run "${run.id}" to its end: the server is shutting down`,
          {
            details: { run_id: run.id },
            retry_after: 5,
          },
        );
      }
      if (!begun && item.type === "model.delta") {
        begun = true;
        onCommitted();
      }
      if (item.type === "run.waiting" && await isWaiting()) return { ...base, status: "waiting" };
      if (!isFinal(item.type as EventType)) continue;
      const data = JSON.parse(item.data);
      if (item.type === "run.completed") {
        const { message, usage, finish_reason } = data;
        return { ...base, status: "completed", message, usage, ...finish_reason && { finish_reason } };
      }
      if (item.type === "run.cancelled") return { ...base, status: "cancelled", usage: data.usage };
      if (begun) return { ...base, status: "failed", usage: data.usage, error: data.error };
      const { error, message, details } = data.error;
      throw new AppError(error, message, { details: { ...details, run_id: run.id } });
    }
  } finally {
    iterator.return?.()?.catch(() => {});
  }
}
