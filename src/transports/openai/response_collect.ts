/**
 * A response in one piece, for callers that don't stream.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Item } from "../../operations/operation.ts";
import type { ResponseLog } from "./response_log.ts";
import type { ResponseObject } from "./response_shape.ts";

/** Options of {@linkcode collectResponse}. */
export interface CollectOptions {
  /** Aborted when the caller is gone. */
  signal: AbortSignal;
  /** Ends the run, as the caller has waited long enough. */
  giveUp(): void;
  /** Called once the answer has begun. */
  onCommitted(): void;
  /** How long to wait for the end, in milliseconds. */
  collect_ms: number;
  /** Whether the run waits for a person now: what `items` tell may be long past. */
  isWaiting(run_id: string): Promise<boolean>;
  clock: Clock;
}

/** What shows that a run is at work, or waits for something that may take long: then the headers go. */
const BEGINNINGS = ["model.delta", "model.reasoning.delta", "tool.call.started", "run.queued", "run.waiting"];

/**
 * Feeds `items` to `log` until the response ends, or until it waits for a person: then it is told as it is, in progress,
 * and can be asked for again. One that fails before it has begun is an error; after it, a response that says so.
 */
export async function collectResponse(
  items: AsyncIterable<Item>,
  log: ResponseLog,
  { signal, giveUp, onCommitted, collect_ms, isWaiting, clock }: CollectOptions,
): Promise<ResponseObject> {
  let late = false;
  using _ = clock.after(collect_ms, () => {
    late = true;
    giveUp();
  });
  let begun = false;
  for await (const item of items) {
    log.next(item);
    if (item.type === "run.failed" && !begun) throw toFailure(item);
    if (!begun && BEGINNINGS.includes(item.type)) {
      begun = true;
      onCommitted();
    }
    if (log.over || (item.type === "run.waiting" && await isWaiting(JSON.parse(item.data).run_id))) {
      return log.response!;
    }
  }
  if (late) {
    throw new AppError("TimeoutError", `Cannot wait for the response any longer: ${collect_ms / 1000} s passed`);
  }
  signal.throwIfAborted();
  throw new AppError("UnavailableError", "Cannot follow the response to its end: the server is shutting down", {
    retry_after: 5,
  });
}

/** The response of a run that has just been started, without waiting for more. */
export async function beginResponse(items: AsyncIterable<Item>, log: ResponseLog): Promise<ResponseObject> {
  for await (const item of items) {
    log.next(item);
    return log.response!;
  }
  throw new AppError("UnavailableError", "Cannot tell how the response begins: the server is shutting down", {
    retry_after: 5,
  });
}

function toFailure({ data }: Item): AppError {
  const { error, run_id } = JSON.parse(data);
  return new AppError(error.error, error.message, { details: { ...error.details, run_id } });
}
