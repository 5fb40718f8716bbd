/**
 * One try at one model: its connection, its time limits and what it used.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Clock } from "../../kit/clock.ts";
import type { ModelOutput, ModelRequest } from "../../ports/model.ts";
import { openChat } from "./openai_stream.ts";
import { openSdk } from "./sdk.ts";
import { withReadable } from "./pictures.ts";
import type { Source, Target } from "./source.ts";
import { countCharacters, estimateTokens, type Price, toCost } from "./usage.ts";
import { Watchdog } from "./watchdog.ts";

/** Milliseconds; 0 is no limit. */
export interface Timeouts {
  first_token_ms: number;
  idle_ms: number;
  /** Of a whole call, all tries together. */
  total_ms: number;
}

/** Options for {@linkcode Attempt}. */
export interface AttemptOptions {
  target: Target;
  request: ModelRequest;
  price: Price | undefined;
  timeouts: Timeouts;
  clock: Clock;
}

/** Streams one answer of one target. */
export class Attempt implements Disposable {
  readonly #target: Target;
  readonly #request: ModelRequest;
  readonly #price: Price | undefined;
  readonly #timeouts: Timeouts;
  readonly #abort = new AbortController();
  readonly #watchdog: Watchdog;
  #source: Source | null = null;
  #emitted = false;
  #counted = false;
  #characters = 0;

  constructor({ target, request, price, timeouts, clock }: AttemptOptions) {
    this.#target = target;
    this.#request = withReadable(request, target);
    this.#price = price;
    this.#timeouts = timeouts;
    this.#watchdog = new Watchdog({
      clock,
      onExpire: (what, ms) =>
        this.abort(
          new AppError("TimeoutError", `Provider "${target.provider}" ${what} within ${ms} ms`, {
            details: { provider: target.provider, model: target.model },
          }),
        ),
    });
  }

  /** Whether the caller has seen anything of it: then there is no other try. */
  get emitted(): boolean {
    return this.#emitted;
  }

  /** Closes the connection. What is waited for rejects with `reason`. */
  abort(reason: unknown): void {
    this.#abort.abort(reason);
  }

  /** What came next, `start` before all; null at the end. */
  async next(): Promise<ModelOutput[] | null> {
    const { first_token_ms, idle_ms } = this.#timeouts;
    const limit = this.#emitted ? idle_ms : first_token_ms;
    if (limit > 0) this.#watchdog.start(this.#emitted ? "did not go on" : "did not begin its answer", limit);
    try {
      this.#source ??= await this.#open();
      const outputs = await this.#source.pull();
      // An answer that comes together with the abort is not given any more.
      this.#abort.signal.throwIfAborted();
      if (outputs === null) return null;
      for (const output of outputs) this.#note(output);
      if (!this.#emitted) {
        this.#emitted = true;
        outputs.unshift(this.#start());
      }
      return outputs;
    } finally {
      this.#watchdog.stop();
    }
  }

  /** What a cut answer used, by length; nothing when nothing was begun or the provider has said it. */
  estimate(): ModelOutput[] {
    if (this.#counted || this.#source === null) return [];
    const tokens = {
      input_tokens: estimateTokens(countCharacters(this.#request)),
      output_tokens: estimateTokens(this.#characters),
    };
    const usage: ModelOutput = { type: "usage", tokens, cost: toCost(tokens, this.#price), estimated: true };
    return this.#emitted ? [usage] : [this.#start(), usage];
  }

  [Symbol.dispose](): void {
    this.#watchdog[Symbol.dispose]();
  }

  #open(): Promise<Source> {
    const open = this.#target.kind === "chat" ? openChat : openSdk;
    return open(this.#target, this.#request, this.#abort.signal);
  }

  #start(): ModelOutput {
    return { type: "start", provider: this.#target.provider, model: this.#target.model };
  }

  #note(output: ModelOutput): void {
    switch (output.type) {
      case "text":
      case "reasoning":
        this.#characters += output.text.length;
        break;
      case "tool_call":
        this.#characters += output.call.tool.length + JSON.stringify(output.call.arguments).length;
        break;
      case "usage":
        this.#counted = true;
        output.cost = toCost(output.tokens, this.#price);
    }
  }
}
