/**
 * An answer of a Realtime server that begins when the caller falls silent, before it is known what was said.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import type { UpstreamOptions } from "../../ports/voice_upstream.ts";
import type { Failing } from "./failure.ts";
import type { RealtimeLine } from "./realtime_line.ts";
import type { RealtimeResponse } from "./realtime_response.ts";

/** An answer that was asked for. */
export interface Asked {
  response: RealtimeResponse;
  /** `told`: a part of the conversation. `early`: it may become one. `aside`: it is none. */
  kind: "told" | "early" | "aside";
  /** Its items, where they are no part of the conversation. */
  ids: string[];
  /** Something came. */
  alive(): void;
  began: number;
}

/** What {@linkcode RealtimeEarly} needs. */
export interface RealtimeEarlyDeps {
  clock: Clock;
  failing: Failing;
  provider: string;
  /** Told of what nobody needed; absent: nothing is begun early. */
  onUnused?: NonNullable<UpstreamOptions["early"]>["onUnused"];
  begin(): Asked;
  stop(response: RealtimeResponse): void;
}

/** Holds one at a time. Disposing it resolves when everything is told of. */
export class RealtimeEarly implements AsyncDisposable {
  readonly #deps: RealtimeEarlyDeps;
  readonly #ending = new Set<Promise<void>>();
  #current: { asked: Asked; line: RealtimeLine } | undefined;
  /** Whether an answer was asked for: only that says how to answer. */
  #ready = false;
  /** What is still in the conversation, so that none is begun before the next one is asked for. */
  #dropped: Asked[] = [];

  constructor(deps: RealtimeEarlyDeps) {
    this.#deps = deps;
  }

  /** The caller has fallen silent. */
  begin(line: RealtimeLine): void {
    if (!this.#deps.onUnused || !this.#ready || this.#current || this.#dropped.length > 0) return;
    this.#current = { asked: this.#deps.begin(), line };
    line.send({ type: "response.create", event_id: "ask" });
  }

  /** An answer is asked for: it is the one that has begun, on `line`, if it is `wanted`. */
  take(line: RealtimeLine | undefined, wanted: () => boolean): Asked | undefined {
    this.#ready = true;
    const current = this.#current;
    if (!current || current.line !== line || current.asked.response.failure || !wanted()) return undefined;
    this.#current = undefined;
    return current.asked;
  }

  /** Something else is asked, or nothing. Gives what was begun. */
  drop(): RealtimeResponse | undefined {
    const current = this.#current;
    if (!current) return undefined;
    this.#current = undefined;
    const { asked } = current;
    const { response, began } = asked;
    const { failure } = response;
    this.#dropped.push(asked);
    this.#deps.stop(response);
    const ending = response.over.then(() => this.#tell(response, began, failure)).finally(() => {
      this.#ending.delete(ending);
    });
    this.#ending.add(ending);
    return response;
  }

  /** The items that were answered too early, once. */
  takeStale(): string[] {
    return this.#dropped.splice(0).flatMap(({ ids }) => ids);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.drop();
    await Promise.all(this.#ending);
  }

  #tell({ tokens }: RealtimeResponse, began: number, failure: Error | undefined): Promise<void> | undefined {
    const { onUnused, clock, provider, failing: { model } } = this.#deps;
    return onUnused?.({
      provider,
      model,
      tokens,
      cost: null,
      error: failure ? AppError.from(failure) : null,
      started_at: toTime(began),
      duration_ms: clock.now() - began,
    });
  }
}
