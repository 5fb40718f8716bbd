/**
 * The language model the installation is set to: the right provider, tried again and replaced where that helps.
 *
 * @module
 */
import type { ModelChoice } from "../../domain/agent.ts";
import { AppError } from "../../domain/error.ts";
import { type Clock, sleep } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { Model, ModelOutput, ModelRequest } from "../../ports/model.ts";
import { Attempt, type Timeouts } from "./attempt.ts";
import { Checker } from "./check.ts";
import { readsPicture } from "./pictures.ts";
import { Probe } from "./probe.ts";
import { ProviderError } from "./provider_error.ts";
import type { ProviderSettings } from "./providers.ts";
import { type Candidate, Resolver } from "./resolve.ts";
import type { Target } from "./source.ts";
import type { Price } from "./usage.ts";

/** Options for {@linkcode createModel}. */
export interface ModelOptions {
  /** Who answers when a request does not say. */
  provider?: string | undefined;
  /** The model of that provider. */
  default_model?: string | undefined;
  providers: Record<string, ProviderSettings>;
  /** `provider/model`, tried in turn when others fail. */
  fallback: string[];
  timeouts: Timeouts;
  /** How often a model is asked again after a failure that may pass. */
  retries: number;
  /** By `provider/model` or model. What is not here has no cost. */
  prices: Record<string, Price>;
  /** Answers when there is no provider. */
  offline: Model;
  log: Log;
  clock: Clock;
}

const BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 8_000;
/** A provider that wants a longer pause than this is not waited for. */
const MAX_RETRY_AFTER_MS = 20_000;

/** How long to wait before try number `attempt` + 2; null when that would be too long. */
export function toPause(error: ProviderError, attempt: number): number | null {
  if (error.retryAfter !== undefined && error.retryAfter > 0) {
    const ms = error.retryAfter * 1000;
    return ms > MAX_RETRY_AFTER_MS ? null : ms + Math.random() * BACKOFF_MS;
  }
  return Math.random() * Math.min(MAX_BACKOFF_MS, BACKOFF_MS * 2 ** attempt);
}

function toCancelled(reason: unknown): AppError {
  return reason instanceof AppError
    ? reason
    : new AppError("CancelledError", "The model call was cancelled", { cause: reason });
}

/** One call, over all its tries. */
class Call implements Disposable {
  readonly #signal: AbortSignal;
  readonly #stop = new AbortController();
  readonly #onAbort = () => this.end(toCancelled(this.#signal.reason));
  readonly #timer: Disposable | null;
  #attempt: Attempt | null = null;

  constructor({ signal, clock, totalMs }: { signal: AbortSignal; clock: Clock; totalMs: number }) {
    this.#signal = signal;
    signal.addEventListener("abort", this.#onAbort);
    this.#timer = totalMs > 0
      ? clock.after(
        totalMs,
        () => this.end(new AppError("TimeoutError", `The model call did not end within ${totalMs} ms`)),
      )
      : null;
    if (signal.aborted) this.#onAbort();
  }

  /** Aborted when the call must end; the reason is an `AppError`. */
  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  /** Ends the call, closing its connection now. */
  end(reason: unknown): void {
    this.#stop.abort(reason);
    this.#attempt?.abort(reason);
  }

  /** `attempt` is the one to close. */
  track(attempt: Attempt): Attempt {
    this.#attempt?.[Symbol.dispose]();
    this.#attempt = attempt;
    if (this.stop.aborted) attempt.abort(this.stop.reason);
    return attempt;
  }

  [Symbol.dispose](): void {
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#timer?.[Symbol.dispose]();
    this.#attempt?.[Symbol.dispose]();
  }
}

class ProviderModel implements Model {
  readonly #resolver: Resolver;
  readonly #checker: Checker;
  readonly #options: ModelOptions;

  constructor(options: ModelOptions) {
    this.#options = options;
    const { clock, offline, provider, default_model, providers, fallback } = options;
    this.#resolver = new Resolver({
      provider,
      default_model,
      providers,
      fallback,
      probe: new Probe({ clock }),
    });
    this.#checker = new Checker({ resolver: this.#resolver, offline, clock });
  }

  check(): Promise<{ ok: boolean; detail: string }> {
    return this.#checker.check();
  }

  async reads(choice: ModelChoice, media_type: string): Promise<boolean> {
    const [first = {}] = this.#resolver.candidates(choice);
    // What can't be asked at all says so when it is.
    const target = await this.#resolver.target(first).catch(() => null);
    return target === null || readsPicture(target, media_type);
  }

  async *stream(request: ModelRequest, { signal }: { signal: AbortSignal }): AsyncGenerator<ModelOutput> {
    const { clock, log, retries, timeouts, offline } = this.#options;
    using call = new Call({ signal, clock, totalMs: timeouts.total_ms });
    const candidates = this.#resolver.candidates(request.choice);
    let ended = false;
    let failure: unknown;
    try {
      for (const [index, candidate] of candidates.entries()) {
        if (index > 0) log.warn("Asking another model", { reason: failure, next: toName(candidate) });
        for (let attempt = 0; attempt <= retries; attempt++) {
          call.stop.throwIfAborted();
          let current: Attempt | null = null;
          try {
            const target = await this.#resolver.target(candidate);
            if (target === null) {
              yield* offline.stream(request, { signal });
              ended = true;
              return;
            }
            const price = this.#price(target);
            current = call.track(new Attempt({ target, request, price, timeouts, clock }));
            for (let outputs = await current.next(); outputs !== null; outputs = await current.next()) {
              for (const output of outputs) yield output;
            }
            ended = true;
            return;
          } catch (error) {
            failure = call.stop.aborted ? call.stop.reason : error;
            if (current) {
              if (call.stop.aborted || current.emitted) yield* current.estimate();
              if (current.emitted) throw failure;
            }
            if (call.stop.aborted || !(failure instanceof AppError)) throw failure;
          }
          const pause = failure instanceof ProviderError && failure.retryable ? toPause(failure, attempt) : null;
          if (pause === null || attempt === retries) break;
          log.info("Asking a model again", { reason: `${failure}`, attempt: attempt + 2, pause_ms: Math.round(pause) });
          await sleep(clock, pause, call.stop);
        }
      }
      throw failure;
    } finally {
      // A caller that leaves in the middle ends here too.
      if (!ended) call.end(new AppError("CancelledError", "The model call was given up"));
    }
  }

  /** What the settings say it costs. Nothing is assumed: makers change their lists. */
  #price({ provider, model }: Target): Price | undefined {
    const { prices } = this.#options;
    return prices[`${provider}/${model}`] ?? prices[model];
  }
}

function toName({ provider, model }: Candidate): string {
  return model ? `${provider}/${model}` : provider ?? "default";
}

/** Builds the {@linkcode Model} the settings describe. */
export function createModel(options: ModelOptions): Model {
  return new ProviderModel(options);
}
