/**
 * Looks after the connection to one tool server: whether it lives, and whether anybody needs it.
 *
 * @module
 */
import type { Clock } from "../../kit/clock.ts";
import type { McpConnection } from "../../ports/mcp_client.ts";
import type { Condition } from "./condition.ts";
import type { Link } from "./link.ts";
import type { ListReader } from "./list_reader.ts";
import { findDead } from "./pulse.ts";
import type { Requests } from "./requests.ts";
import type { ResourceWatches } from "./resource_watches.ts";
import { textOf } from "./tally.ts";
import type { UpstreamOptions } from "./upstream_deps.ts";

/** What a {@linkcode Lookout} needs. */
export interface LookoutDeps {
  clock: Clock;
  signal: AbortSignal;
  options: () => Pick<UpstreamOptions, "health_ms">;
  /** After this long without a request it isn't needed any more. */
  idle_seconds: number;
  condition: Condition;
  link: Link;
  lists: ListReader;
  requests: Requests;
  watches: ResourceWatches;
  onDead(connection: McpConnection, error: Error): void;
  onWell(): void;
  /** Told when nobody needed it for long. */
  onIdle(): void;
}

/** See the module. */
export class Lookout {
  readonly #deps: LookoutDeps;
  #checking: Promise<void> | undefined;
  #last_heard = 0;

  constructor(deps: LookoutDeps) {
    this.#deps = deps;
  }

  /** Resolves when no question is under way. */
  get settled(): Promise<void> {
    return this.#checking ?? Promise.resolve();
  }

  /** Notes a sign of life. */
  hear(): void {
    this.#last_heard = this.#deps.clock.now();
  }

  /** Looks again when it was quiet for long, or idle for too long. */
  watch(): void {
    const { clock, options, requests, idle_seconds, condition } = this.#deps;
    const idle_ms = requests.last_used + idle_seconds * 1000 - clock.now();
    condition.plan(Math.max(1, Math.min(options().health_ms, idle_ms)), () => this.#look());
  }

  /** Asks whether it lives: twice, before it is given up. */
  check(): Promise<void> {
    return this.#checking ??= this.#ping().finally(() => this.#checking = undefined);
  }

  #look(): void {
    const { clock, options, requests, watches, idle_seconds, condition, onIdle } = this.#deps;
    if (watches.any) requests.touch();
    const now = clock.now();
    if (requests.busy === 0 && now - requests.last_used >= idle_seconds * 1000) onIdle();
    else if (condition.state === "degraded" || now - this.#last_heard >= options().health_ms) void this.check();
    else this.watch();
  }

  async #ping(): Promise<void> {
    const { clock, signal, link, lists, condition, onDead, onWell } = this.#deps;
    const { connection } = link;
    if (connection === undefined) return;
    const isOld = () => link.connection !== connection || signal.aborted;
    const onDoubt = (reason: Error) => isOld() ? undefined : condition.to("degraded", textOf(reason));
    const dead = await findDead(connection, { clock, signal, onDoubt });
    if (isOld()) return;
    if (dead !== undefined) return onDead(connection, dead);
    this.hear();
    if (lists.stale) await lists.read();
    else onWell();
  }
}
