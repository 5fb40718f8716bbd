/**
 * Requests to one tool server, which survive the loss of the connection where that is safe.
 *
 * @module
 */
import { McpFailure } from "../../domain/mcp_server.ts";
import { abortable } from "../../kit/abortable.ts";
import type { Clock } from "../../kit/clock.ts";
import type { McpConnection } from "../../ports/mcp_client.ts";

/** How often a request is sent anew after the connection was lost. */
const MAX_REPLAYS = 2;
/** Failures that end a connection. */
const LOST: ReadonlySet<string> = new Set(["unreachable", "session_lost", "closed"]);

/** Whether a failure is the end of its connection. */
export function isLoss({ kind }: McpFailure): boolean {
  return LOST.has(kind);
}

/** What {@linkcode Requests} needs. */
export interface RequestsDeps {
  clock: Clock;
  /** The connection that is up. */
  connection(): McpConnection | undefined;
  /** Gives one where none is up. */
  wake(): Promise<McpConnection>;
  onAnswered(): void;
  onFailed(connection: McpConnection, failure: McpFailure): void;
  /** Told when none is under way any more. */
  onIdle(): void;
}

/** Makes requests, and knows how many are under way. */
export class Requests {
  /** How many are under way. */
  busy = 0;
  readonly #deps: RequestsDeps;
  #last_used: number;

  constructor(deps: RequestsDeps) {
    this.#deps = deps;
    this.#last_used = deps.clock.now();
  }

  /** When the last one ended, or the connection was needed otherwise. */
  get last_used(): number {
    return this.#last_used;
  }

  /** Notes that the connection is needed. */
  touch(): void {
    this.#last_used = this.#deps.clock.now();
  }

  /** Does `work` on a connection. What was not sent, or is `repeatable`, is done again on the next when one is lost. */
  async make<T>(
    work: (connection: McpConnection) => Promise<T>,
    { signal, repeatable }: { signal: AbortSignal; repeatable: boolean },
  ): Promise<T> {
    const { wake, onAnswered, onFailed } = this.#deps;
    this.busy++;
    try {
      for (let replays = 0;; replays++) {
        const connection = this.#deps.connection() ?? await abortable(wake(), signal);
        try {
          const result = await work(connection);
          onAnswered();
          return result;
        } catch (error) {
          signal.throwIfAborted();
          if (!(error instanceof McpFailure)) throw error;
          onFailed(connection, error);
          const again = isLoss(error) && (!error.sent || repeatable);
          if (!again || replays >= MAX_REPLAYS) throw error;
        }
      }
    } finally {
      this.busy--;
      this.touch();
      if (this.busy === 0) this.#deps.onIdle();
    }
  }
}
