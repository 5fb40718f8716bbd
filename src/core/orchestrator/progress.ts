/**
 * How far calls are, as events.
 *
 * @module
 */
import type { NewEvent } from "../../domain/event.ts";
import type { Clock } from "../../kit/clock.ts";
import { maskSecrets } from "../../kit/log.ts";
import type { Progress } from "../../ports/mcp_client.ts";
import type { RunLog } from "../journal/run_log.ts";

/** Between two events of one call. What comes meanwhile is replaced by what comes last. */
const INTERVAL_MS = 1000;
const MAX_MESSAGE = 500;

/** Tells the progress of one call. */
export class ProgressEvents implements Disposable {
  readonly #log: RunLog;
  readonly #clock: Clock;
  readonly #tool_call_id: string;
  #last: Progress | undefined;
  #timer: Disposable | undefined;

  constructor(tool_call_id: string, { log, clock }: { log: RunLog; clock: Clock }) {
    this.#tool_call_id = tool_call_id;
    this.#log = log;
    this.#clock = clock;
  }

  /** Tells `progress`, the first at once. */
  tell(progress: Progress): void {
    this.#last = progress;
    if (!this.#timer) this.#send();
  }

  /** What was not told by now is past. */
  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#last = undefined;
  }

  #send(): void {
    this.#timer = undefined;
    if (!this.#last) return;
    const event = toEvent(this.#tool_call_id, this.#last);
    this.#last = undefined;
    this.#timer = this.#clock.after(INTERVAL_MS, () => this.#send());
    // Who lost the run learns it from the result that can't be recorded.
    this.#log.record([event]).catch(() => {});
  }
}

function toEvent(tool_call_id: string, { progress, total, message }: Progress): NewEvent {
  return {
    type: "tool.call.progress",
    data: {
      tool_call_id,
      progress,
      ...total !== undefined && { total },
      ...message !== undefined && { message: maskSecrets(message).slice(0, MAX_MESSAGE) },
    },
  };
}
