/**
 * What a policy leaves to a person.
 *
 * @module
 */
import { type Clock, sleep } from "../../kit/clock.ts";
import { Lines } from "../../kit/lines.ts";
import type { AccessQuestion } from "../../ports/sandbox.ts";

/** Asks a person. */
export type Ask = (question: AccessQuestion, signal: AbortSignal) => Promise<boolean>;

/** The program stands still while a person thinks. */
const ASK_MS = 30_000;
const MOST_REMEMBERED = 1000;

/** Asks one question at a time, for half a minute, and never twice what was answered. */
export class Asker {
  readonly #ask: Ask | undefined;
  readonly #clock: Clock;
  readonly #lines = new Lines();
  readonly #answers = new Map<string, boolean>();

  constructor({ ask, clock }: { ask: Ask | undefined; clock: Clock }) {
    this.#ask = ask;
    this.#clock = clock;
  }

  /** Whether a person allows it. No answer in time is a no that isn't remembered. */
  async ask(question: AccessQuestion, signal: AbortSignal): Promise<boolean> {
    const ask = this.#ask;
    if (ask === undefined) return false;
    const key = `${question.permission} ${question.value}`;
    return await this.#lines.run("", async () => {
      const known = this.#answers.get(key);
      if (known !== undefined || signal.aborted) return known ?? false;
      const answer = await this.#inTime(ask, question, signal);
      if (answer !== undefined && this.#answers.size < MOST_REMEMBERED) this.#answers.set(key, answer);
      return answer ?? false;
    });
  }

  async #inTime(ask: Ask, question: AccessQuestion, signal: AbortSignal): Promise<boolean | undefined> {
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const late = sleep(this.#clock, ASK_MS, either).then(() => undefined, () => undefined);
    try {
      return await Promise.race([ask(question, either), late]);
    } catch {
      return undefined;
    } finally {
      over.abort();
    }
  }
}
