/**
 * A server that has no place says when to try again: that is waited for, and done.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="esnext" />
/// <reference lib="dom" />
import { byId, el } from "./element.ts";
import { CallError } from "./session_client.ts";

/** The answers that pass by themselves. */
const BUSY = [429, 503];
const SECOND = 1000;

/** Shows how long is waited, and lets the person try at once or give up. */
export class Retry {
  readonly #view = byId("retry");
  #end: ((again: boolean) => void) | undefined;

  constructor() {
    byId("retry-now").addEventListener("click", () => this.#end?.(true));
    byId("retry-cancel").addEventListener("click", () => this.#end?.(false));
  }

  /** Does `task` until there is a place for it. Rejects with what else is wrong, and when the person gives up. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    this.#end?.(false);
    for (;;) {
      try {
        return await task();
      } catch (error) {
        const seconds = error instanceof CallError && BUSY.includes(error.status) ? error.retry_after : undefined;
        if (seconds === undefined || !await this.#wait((error as CallError).message, seconds)) throw error;
      }
    }
  }

  /** Resolves with whether to try again. */
  async #wait(message: string, seconds: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const until = performance.now() + seconds * SECOND;
    const tick = () => {
      const left = Math.ceil((until - performance.now()) / SECOND);
      byId("retry-left").textContent = String(left);
      if (left <= 0) resolve(true);
    };
    this.#end = resolve;
    this.#view.hidden = false;
    const said = el("span", { class: "hidden" }, ` Trying again in ${seconds} seconds.`);
    byId("retry-text").replaceChildren(`${message}.`, said);
    // Whoever begins by keyboard had the focus on a button that can't be used now.
    if (document.activeElement?.matches("body, :disabled")) byId("retry-cancel").focus();
    tick();
    const ticking = setInterval(tick, SECOND / 4);
    const again = await promise;
    clearInterval(ticking);
    this.#end = undefined;
    this.#view.hidden = true;
    return again;
  }
}
