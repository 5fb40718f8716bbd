/**
 * Planning where connections break, and counting where they did.
 *
 * @module
 */
import { type Cut, Cutter } from "./cutter.ts";
import type { Random } from "./random.ts";

/** Classes of cuts, by where the connection breaks and in what story. */
export const CLASSES = [
  "inside a frame",
  "between frames",
  "before the first event",
  "after the last event",
  "slow model",
  "fast model",
  "two readers at once",
  "server restarted in between",
  "server killed in between",
  "the product's client",
] as const;
/** One of {@linkcode CLASSES}. */
export type CutClass = typeof CLASSES[number];

const PLACES: Record<Cut["at"], CutClass> = {
  inside: "inside a frame",
  between: "between frames",
  request: "before the first event",
  headers: "before the first event",
  end: "after the last event",
};

/** Cuts that were made, by class. */
export class Tally {
  total = 0;
  readonly counts = new Map<CutClass, number>(CLASSES.map((name) => [name, 0]));

  /** Counts a cut under its place and `classes`. */
  add(cut: Cut, classes: Iterable<CutClass>): void {
    this.total++;
    for (const name of new Set([PLACES[cut.at], ...classes])) this.counts.set(name, this.counts.get(name)! + 1);
  }

  toString(): string {
    const rows = Array.from(this.counts, ([name, count]) => `  ${name.padEnd(28)}${String(count).padStart(6)}`);
    return [...rows, `  ${"cuts in all".padEnd(28)}${String(this.total).padStart(6)}`].join("\n");
  }
}

/** Breaks the connections of readers as each one plans it. */
export class CutLine implements AsyncDisposable {
  readonly cutter: Cutter;
  readonly tally: Tally;
  readonly #plans = new Map<string, { cut: () => Cut | undefined; onCut: (cut: Cut) => void }>();

  constructor(url: string, tally: Tally) {
    this.tally = tally;
    const planOf = (head: string) => this.#plans.get(/\r\nidempotency-key: ([\w-]+)/i.exec(head)?.[1] ?? "");
    this.cutter = new Cutter({
      url,
      plan: (head) => planOf(head)?.cut(),
      onCut: (head, cut) => planOf(head)?.onCut(cut),
    });
  }

  /** Cuts requests that carry the idempotency key `name` as `cut` says. */
  plan(name: string, cut: () => Cut | undefined, onCut: (cut: Cut) => void): void {
    this.#plans.set(name, { cut, onCut });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cutter[Symbol.asyncDispose]();
  }
}

/** Somewhere in an answer. */
export function chooseCut(random: Random): Cut {
  const part = random.next();
  const frames = random.whole(0, 3);
  switch (random.whole(0, 5)) {
    case 0:
      return { at: "request" };
    case 1:
      return { at: "headers", part: part < 0.5 ? 1 : part };
    case 2:
      return { at: "end" };
    case 3:
      return { at: "between", frames: frames + 1 };
    default:
      return { at: "inside", frames, part };
  }
}
