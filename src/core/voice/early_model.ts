/**
 * A model that may have begun to answer before it is asked.
 *
 * @module
 */
import type { ModelChoice } from "../../domain/agent.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Model, ModelOutput, ModelRequest, UnusedCall } from "../../ports/model.ts";
import { EarlyAnswer } from "./early_answer.ts";

/** What an {@linkcode EarlyModel} needs. */
export interface EarlyModelDeps {
  model: Model;
  clock: Clock;
  /** Told of a call that nobody needed, once it is over. Must not reject. */
  onUnused(call: UnusedCall): Promise<void>;
}

/**
 * Answers as its model does, but goes on with a prepared answer when exactly that is asked. Disposing waits until
 * whatever was prepared is stopped and told of.
 */
export class EarlyModel implements Model, AsyncDisposable {
  readonly #deps: EarlyModelDeps;
  readonly #ending = new Set<Promise<void>>();
  #answer: EarlyAnswer | undefined;
  /** Counts what makes a preparation void that has not begun. */
  #round = 0;

  constructor(deps: EarlyModelDeps) {
    this.#deps = deps;
  }

  get pictures(): readonly string[] | undefined {
    return this.#deps.model.pictures;
  }

  async reads(choice: ModelChoice, media_type: string): Promise<boolean> {
    return await this.#deps.model.reads?.(choice, media_type) ?? true;
  }

  /** Begins to answer what `ask` finds out, in place of what was prepared before, until `signal` aborts. */
  async prepare(ask: () => Promise<ModelRequest>, { signal }: { signal: AbortSignal }): Promise<void> {
    this.drop();
    const round = this.#round;
    const request = await ask();
    // Something else may have been prepared or asked meanwhile.
    if (signal.aborted || round !== this.#round) return;
    const { model, clock } = this.#deps;
    const answer = this.#answer = new EarlyAnswer(request, { model, clock });
    signal.addEventListener("abort", () => this.#answer === answer && this.drop(), { once: true });
  }

  /** Nothing that is prepared will be asked for. */
  drop(): void {
    this.#round++;
    const answer = this.#answer;
    if (!answer) return;
    this.#answer = undefined;
    const ending = answer.discard().then((call) => this.#deps.onUnused(call)).finally(() => {
      this.#ending.delete(ending);
    });
    this.#ending.add(ending);
  }

  async *stream(request: ModelRequest, { signal }: { signal: AbortSignal }): AsyncGenerator<ModelOutput> {
    const answer = this.#answer;
    if (!answer?.answers(request)) {
      this.drop();
      return yield* this.#deps.model.stream(request, { signal });
    }
    this.#answer = undefined;
    this.#round++;
    yield* answer.follow(signal);
  }

  check(): Promise<{ ok: boolean; detail: string }> {
    return this.#deps.model.check();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.drop();
    await Promise.all(this.#ending);
  }
}
