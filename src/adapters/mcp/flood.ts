/**
 * How fast a server may talk without being asked.
 *
 * @module
 */
import type { Clock } from "../../kit/clock.ts";
import { FLOOD } from "./limits.ts";

/** Counts what answers nothing, and says once when it is more than bearable. */
export class FloodGate {
  readonly #clock: Clock;
  readonly #onFlood: () => void;
  #left = FLOOD.burst;
  #at: number;
  #flooded = false;

  constructor({ clock, onFlood }: { clock: Clock; onFlood: () => void }) {
    this.#clock = clock;
    this.#onFlood = onFlood;
    this.#at = clock.now();
  }

  /** Whether one more is bearable. */
  pass(): boolean {
    if (this.#left < 1) {
      const now = this.#clock.now();
      this.#left = Math.min(FLOOD.burst, this.#left + (now - this.#at) * FLOOD.per_second / 1000);
      this.#at = now;
    }
    if (--this.#left >= 0) return true;
    if (!this.#flooded) this.#onFlood();
    this.#flooded = true;
    return false;
  }
}
