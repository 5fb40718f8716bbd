/**
 * Whether an agent may look: what the person said, or is asked now.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { LOOK_SOURCE, type LookSource, type LookState, type RtcMessage } from "../../domain/rtc_event.ts";
import type { LookConsentKind } from "../../domain/rtc_look.ts";
import { abortable } from "../../kit/abortable.ts";
import type { Clock } from "../../kit/clock.ts";

/** What a person says of looks. */
export type SaidOfLooks = Omit<Extract<RtcMessage, { type: "consent" }>, "type" | "id">;

/** Options for {@linkcode LookConsent}. */
export interface LookConsentOptions {
  clock: Clock;
  /** `ask`: the person, `always`: unless the person objects, `never`: nobody looks. */
  rule: "ask" | "always" | "never";
  /** How long the person has to answer. */
  ask_ms: number;
  /** Told what holds from now on. */
  onChange(source: LookSource, state: LookState): void;
}

interface Asked {
  look_id: string;
  source: LookSource;
  answer(allow: Exclude<LookConsentKind, "settings"> | AppError): void;
}

/** The consent of one call. One question is open at a time. */
export class LookConsent {
  readonly #options: LookConsentOptions;
  /** What holds until the call ends, or until it is taken back. */
  readonly #standing = new Map<LookSource, Exclude<LookState, "ask">>();
  #asked: Asked | undefined;
  /** The answer in which the person was last asked and said nothing. */
  readonly #unanswered = new Map<LookSource, string>();
  /** Of the look that goes on. */
  #looking: { source: LookSource; stop: AbortController } | undefined;

  constructor(options: LookConsentOptions) {
    this.#options = options;
  }

  /** Begins, and tells what holds. */
  begin(): void {
    if (this.#options.rule !== "always") return;
    for (const source of LOOK_SOURCE) this.#set(source, "settings");
  }

  /** Another connection, maybe somebody else's: what was allowed over the one before is asked for again. */
  renew(): void {
    for (const [source, state] of this.#standing) if (state === "call") this.#set(source, "ask");
  }

  /** Whether the person has to be asked about `source`. */
  isOpen(source: LookSource): boolean {
    return this.#options.rule !== "never" && !this.#standing.has(source);
  }

  /**
   * By what leave `source` may be looked at. Asks with `tell` where that isn't known, and, where nobody answers, once in
   * an answer. Rejects with `ForbiddenError`.
   */
  async obtain(
    source: LookSource,
    { look_id, run_id, tell, signal }: { look_id: string; run_id: string; tell(): void; signal: AbortSignal },
  ): Promise<LookConsentKind> {
    const { rule, ask_ms, clock } = this.#options;
    if (rule === "never") throw refused(source, "the settings don't allow it");
    const standing = this.#standing.get(source);
    if (standing === "refused") throw refused(source, "the person said no for the rest of the call");
    if (standing !== undefined) return standing;
    if (this.#unanswered.get(source) === run_id) {
      throw refused(source, "the person was asked before and didn't answer, and isn't asked again in this answer");
    }
    const { promise, resolve, reject } = Promise.withResolvers<LookConsentKind>();
    using _ = clock.after(ask_ms, () => {
      this.#unanswered.set(source, run_id);
      reject(refused(source, `the person didn't answer in ${ask_ms / 1000} s`));
    });
    const answer: Asked["answer"] = (said) => {
      // What is said from now on is of the look that goes on.
      this.#asked = undefined;
      if (said instanceof AppError) reject(said);
      else resolve(said);
    };
    this.#asked = { look_id, source, answer };
    try {
      tell();
      return await abortable(promise, signal);
    } finally {
      this.#asked = undefined;
    }
  }

  /** A signal that aborts when consent for `source` that was given is taken back, until disposed. */
  watch(source: LookSource): { signal: AbortSignal } & Disposable {
    const looking = this.#looking = { source, stop: new AbortController() };
    return {
      signal: looking.stop.signal,
      [Symbol.dispose]: () => {
        if (this.#looking === looking) this.#looking = undefined;
      },
    };
  }

  /** Takes what the person says. Throws `ConflictError` for a consent to nothing. */
  say({ source, allow, until, look_id }: SaidOfLooks): void {
    const asked = this.#asked?.source === source ? this.#asked : undefined;
    if (allow) {
      if (this.#options.rule === "never") {
        throw new AppError("ConflictError", "Cannot take the consent: the settings let nobody look");
      }
      if (until === "once" && look_id !== undefined && look_id !== asked?.look_id) {
        throw new AppError("ConflictError", "Cannot take the consent: nobody waits for it any more");
      }
      if (until === "once" && !asked) {
        throw new AppError("ConflictError", `Cannot take the consent: nobody asked to see the ${source}`);
      }
      if (until === "call") this.#set(source, "call");
      return asked?.answer(until);
    }
    this.#set(source, until === "call" ? "refused" : "ask");
    if (asked) return asked.answer(refused(source, "the person said no"));
    if (this.#looking?.source === source) this.#looking.stop.abort(refused(source, "the person took the consent back"));
  }

  #set(source: LookSource, state: LookState): void {
    if ((this.#standing.get(source) ?? "ask") === state) return;
    if (state === "ask") this.#standing.delete(source);
    else this.#standing.set(source, state);
    this.#options.onChange(source, state);
  }
}

function refused(source: LookSource, why: string): AppError {
  return new AppError("ForbiddenError", `Cannot look at the ${source}: ${why}`);
}
