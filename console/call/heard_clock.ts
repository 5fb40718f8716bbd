/**
 * When an answer is first heard, by the caller's own clock.
 *
 * @module
 */

/** How often it listens. */
const LOOK_MS = 20;
/** How loud speech is at least, of {@linkcode LevelMeter.read}. */
const SPEECH = 0.35;
const MAX_MS = 60_000;

/** What is listened to: how loud each side is now. */
export interface Sides {
  caller(): number;
  agent(): number;
}

/** Measures from the end of the caller's speech to the first sound of the answer. */
export class HeardClock implements Disposable {
  readonly #sides: Sides;
  readonly #onHeard: (turn_id: string, ms: number) => void;
  #timer: ReturnType<typeof setInterval> | undefined;
  #spoke = 0;
  #turn = "";
  #over = false;

  constructor(sides: Sides, onHeard: (turn_id: string, ms: number) => void) {
    this.#sides = sides;
    this.#onHeard = onHeard;
  }

  /** The caller began to speak. Until the turn is over, what is heard is an answer to something before. */
  begin(turn_id: string): void {
    this.#turn = turn_id;
    this.#over = false;
    this.#spoke = performance.now();
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
  }

  /** The caller's turn is over: what is heard from now on answers it. */
  end(): void {
    this.#over = true;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const now = performance.now();
    if (this.#sides.caller() > SPEECH) this.#spoke = now;
    const ms = now - this.#spoke;
    const heard = this.#over && this.#sides.agent() > SPEECH;
    if (heard) this.#onHeard(this.#turn, Math.round(ms));
    if (heard || ms > MAX_MS) this[Symbol.dispose]();
  }
}
