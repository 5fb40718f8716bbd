/**
 * A run's events to its end, whatever happens to the connection.
 *
 * @module
 */
import { AppError } from "../../../domain/error.ts";
import { type EventType, isFinal } from "../../../domain/event.ts";
import { type Clock, sleep } from "../../../kit/clock.ts";
import type { Item } from "../../../operations/operation.ts";
import { runEvents } from "../../../operations/runs.ts";
import type { Connection } from "../connection.ts";

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5000;

/** Options for {@linkcode followRun}. */
export interface FollowOptions {
  connection: Connection;
  /** Asks for the run's first events. Asked again when none came, so it must do the same each time. */
  start(): Promise<AsyncIterable<Item> | null>;
  user_id?: string | undefined;
  signal: AbortSignal;
  clock: Clock;
  /** How long to try without an event, in milliseconds, once there was one, and before. */
  patience: { once_begun_ms: number; before_ms: number };
  /** Told when the connection is lost, and when it is back. */
  onLost(error: AppError | undefined): void;
  onBack(): void;
}

/** A run can't be followed any more, and may well go on. */
export class LostRun extends AppError {
  /** Absent when nothing was ever heard of it. */
  readonly run_id: string | undefined;
  readonly last: number;

  constructor({ run_id, last, seconds, cause }: { run_id?: string; last: number; seconds: number; cause: unknown }) {
    const why = cause instanceof AppError ? `: ${cause.message}` : "";
    super("UpstreamError", `Lost the connection, and tried for ${seconds} s to get it back${why}`, {
      ...run_id !== undefined && { details: { run_id, last } },
      cause,
    });
    this.run_id = run_id;
    this.last = last;
  }
}

/** Whether `thrown` says that the way is broken, rather than that the answer is no. */
function isBroken(thrown: unknown): thrown is AppError {
  return thrown instanceof AppError && (thrown.name === "UpstreamError" || thrown.name === "UnavailableError");
}

/** Follows a run from its first event to its last, each once. Throws {@linkcode LostRun} when patience is over. */
export async function* followRun(options: FollowOptions): AsyncGenerator<Item> {
  const { signal, clock, patience } = options;
  let [run_id, last, failures]: [string | undefined, number, number] = [undefined, 0, 0];
  let heard = clock.now();
  for (;;) {
    let error: AppError | undefined;
    let opened = Infinity;
    try {
      const items: AsyncIterable<Item> | null = run_id === undefined
        ? await options.start()
        : await resume(options, run_id, last);
      if (failures > 0) options.onBack();
      if (items === null) return;
      opened = clock.now();
      for await (const item of items) {
        [failures, heard] = [0, clock.now()];
        // A server that is asked for what follows an event may still begin before it.
        if (item.seq !== undefined && item.seq <= last) continue;
        last = item.seq ?? last;
        run_id ??= JSON.parse(item.data).run_id;
        yield item;
        if (isFinal(item.type as EventType)) return;
      }
    } catch (thrown) {
      signal.throwIfAborted();
      if (!isBroken(thrown)) throw thrown;
      error = thrown;
    }
    signal.throwIfAborted();
    // Silence is no loss: a connection that held for a while was good.
    if (clock.now() - opened > LONGEST_PAUSE_MS) failures = 0;
    if (failures++ === 0) {
      heard = clock.now();
      options.onLost(error);
    }
    const ms = run_id === undefined ? patience.before_ms : patience.once_begun_ms;
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1)) * (0.75 + Math.random() / 2);
    if (clock.now() + pause - heard > ms) {
      throw new LostRun({ last, seconds: Math.round(ms / 1000), cause: error, ...run_id !== undefined && { run_id } });
    }
    await sleep(clock, pause, signal);
  }
}

/** What follows event `last` of a run. */
function resume(
  { connection, user_id, signal }: FollowOptions,
  run_id: string,
  last: number,
): Promise<AsyncIterable<Item> | null> {
  const input = { run_id, starting_after: last, ...user_id !== undefined && { user_id } };
  return connection.gateway.stream(runEvents, () => input, connection.visit({ signal }));
}
