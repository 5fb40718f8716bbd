/**
 * Has an answer prepared while it is judged whether the caller has finished.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Brain } from "./brain.ts";

/** How many answers are prepared for one turn: each may be paid for. */
const MAX_A_TURN = 3;

/** What the caller seems to have said. */
export interface Seeming {
  turn_id: string;
  text: string;
}

/** Asks for one preparation at a time. */
export class Preparing implements Disposable {
  readonly #prepare: Brain["prepare"];
  #paused = false;
  #turn_id = "";
  #text = "";
  #made = 0;
  #current: AbortController | undefined;

  /** `prepare` is absent where nothing can be, or shall be. */
  constructor({ prepare }: { prepare: Brain["prepare"] }) {
    this.#prepare = prepare;
  }

  /** The caller pauses. */
  pause(seeming: Seeming): void {
    this.#paused = true;
    this.understood(seeming);
  }

  /** More is understood; what matters is what is understood in a pause. */
  understood({ turn_id, text }: Seeming): void {
    if (!this.#paused || !this.#prepare || text.trim() === "") return;
    if (this.#current && text === this.#text) return;
    this.#drop();
    if (turn_id !== this.#turn_id) [this.#turn_id, this.#made] = [turn_id, 0];
    if (this.#made >= MAX_A_TURN) return;
    this.#made++;
    this.#text = text;
    this.#current = new AbortController();
    this.#prepare(text, { turn_id, signal: this.#current.signal });
  }

  /** The caller goes on, or has said nothing. */
  resume(): void {
    this.#paused = false;
    this.#drop();
  }

  /** The answer is asked for, and takes what is prepared. */
  release(): void {
    this.#paused = false;
    this.#current = undefined;
  }

  [Symbol.dispose](): void {
    this.resume();
  }

  #drop(): void {
    this.#current?.abort(new AppError("CancelledError", "The caller said something else"));
    this.#current = undefined;
  }
}
