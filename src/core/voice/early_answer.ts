/**
 * An answer that a model gives before it is known whether anybody wants it.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import type { Model, ModelOutput, ModelRequest, TokenCount, UnusedCall } from "../../ports/model.ts";

/** How much is taken from a model ahead of whoever asks; beyond, the model waits. */
const MAX_AHEAD = 2000;

/** Holds what the model says until it is followed or discarded. */
export class EarlyAnswer {
  readonly #asked: string;
  readonly #clock: Clock;
  readonly #started: number;
  readonly #stop = new AbortController();
  readonly #pumping: Promise<void>;
  #outputs: ModelOutput[] = [];
  #over = false;
  #failure: { thrown: unknown } | undefined;
  #wake = Promise.withResolvers<void>();
  #by = { provider: "", model: "" };
  #tokens: TokenCount = { input_tokens: 0, output_tokens: 0 };
  #cost: number | null = null;

  constructor(request: ModelRequest, { model, clock }: { model: Model; clock: Clock }) {
    this.#asked = keyOf(request);
    this.#clock = clock;
    this.#started = clock.now();
    this.#pumping = this.#pump(model.stream(request, { signal: this.#stop.signal }));
  }

  /** Whether it is what `request` wants. One that failed is no answer: it is worth asking again. */
  answers(request: ModelRequest): boolean {
    return this.#failure === undefined && this.#asked === keyOf(request);
  }

  /** What the model has said and will say, as `Model.stream` gives it. */
  async *follow(signal: AbortSignal): AsyncGenerator<ModelOutput> {
    const stop = () => this.#stop.abort(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    let whole = false;
    try {
      for (;;) {
        for (let next; (next = this.#outputs.shift());) {
          this.#rouse();
          yield next;
        }
        if (this.#over) break;
        await this.#wake.promise;
      }
      whole = true;
      if (this.#failure) throw this.#failure.thrown;
    } finally {
      signal.removeEventListener("abort", stop);
      if (!whole) this.#stop.abort(new AppError("CancelledError", "Nobody follows the answer"));
      // A model that waits for room is to notice.
      this.#rouse();
    }
  }

  /** Stops the model. Resolves with what the call came to, once it is over. */
  async discard(): Promise<UnusedCall> {
    const failed = this.#failure;
    this.#stop.abort(new AppError("CancelledError", "The prepared answer is not needed"));
    this.#outputs = [];
    this.#rouse();
    await this.#pumping;
    return {
      ...this.#by,
      tokens: this.#tokens,
      cost: this.#cost,
      error: failed ? AppError.from(failed.thrown) : null,
      started_at: toTime(this.#started),
      duration_ms: this.#clock.now() - this.#started,
    };
  }

  async #pump(outputs: AsyncIterable<ModelOutput>): Promise<void> {
    const { signal } = this.#stop;
    try {
      for await (const output of outputs) {
        this.#note(output);
        this.#outputs.push(output);
        this.#rouse();
        while (this.#outputs.length >= MAX_AHEAD && !signal.aborted) await this.#wake.promise;
      }
    } catch (thrown) {
      this.#failure = { thrown };
    }
    this.#over = true;
    this.#rouse();
  }

  #note(output: ModelOutput): void {
    if (output.type === "start") this.#by = { provider: output.provider, model: output.model };
    else if (output.type === "usage") [this.#tokens, this.#cost] = [output.tokens, output.cost];
  }

  #rouse(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}

/** Equal for requests that ask the same. */
function keyOf(request: ModelRequest): string {
  return JSON.stringify(request, (_, value) => value instanceof Uint8Array ? value.toBase64() : value);
}
