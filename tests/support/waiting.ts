/**
 * How tests wait: for long, but not for ever.
 *
 * @module
 */

/**
 * How long anything is waited for, in milliseconds. It ends what would never come, and measures nothing: a slow machine
 * under load needs a fraction of it.
 */
export const PATIENCE_MS = 120_000;

/** What is found, as opposed to what says that nothing is. */
export type Found<T> = Exclude<T, undefined | null | false>;

/** Options for {@linkcode within}. */
export interface WithinOptions {
  /** What there is when nothing has come, to be told with the failure. */
  seen?: () => unknown;
  /** Infinity: as long as it takes, where somebody else has an eye on it. */
  patience_ms?: number;
}

function toText(seen: unknown): string {
  return typeof seen === "string" ? seen : JSON.stringify(seen);
}

/** Settles as `wanted` does. Rejects with `what` was waited for, where, and what there is instead, when nothing comes. */
export async function within<T>(
  what: string,
  wanted: Promise<T>,
  { seen, patience_ms = PATIENCE_MS }: WithinOptions = {},
): Promise<T> {
  if (patience_ms === Infinity) return await wanted;
  // A timer doesn't know who set it.
  const cause = new Error("It was waited for here");
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Error(`Waited in vain for ${what}${seen ? `. Seen: ${toText(seen())}` : ""}`, { cause }));
  }, patience_ms);
  try {
    return await Promise.race([wanted, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Those who wait for something that somebody else tells of. */
export class Waiting {
  readonly #looks = new Set<() => void>();

  /** Something has happened: everybody looks again. */
  told(): void {
    for (const look of this.#looks) look();
  }

  /** Resolves with what `look` finds as soon as it finds something; rejects when it throws, or nothing comes. */
  async until<T>(what: string, look: () => T, options: WithinOptions = {}): Promise<Found<T>> {
    const { promise, resolve, reject } = Promise.withResolvers<Found<T>>();
    const again = () => {
      try {
        const found = look();
        if (found) resolve(found as Found<T>);
      } catch (error) {
        reject(error);
      }
    };
    this.#looks.add(again);
    again();
    try {
      return await within(what, promise, options);
    } finally {
      this.#looks.delete(again);
    }
  }
}
