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

/** What was waited for never came. */
export class InVain extends Error {
  override readonly name = "InVain";
  /** When the last thing came, or the waiting began: milliseconds since 1970. */
  readonly since: number;

  constructor(message: string, { since, ...options }: ErrorOptions & { since: number }) {
    super(message, options);
    this.since = since;
  }
}

/** Options for {@linkcode within}. */
export interface WithinOptions {
  /** What there is when nothing has come, to be told with the failure. */
  seen?: () => unknown;
  /** When something came last; not told: when the waiting began. */
  since?: () => number;
  /** Infinity: as long as it takes, where somebody else has an eye on it. */
  patience_ms?: number;
}

function toText(seen: unknown): string {
  return typeof seen === "string" ? seen : JSON.stringify(seen);
}

/**
 * Settles as `wanted` does. Rejects with {@linkcode InVain}, which says what was waited for, where, and what there is
 * instead, when nothing comes.
 */
export async function within<T>(
  what: string,
  wanted: Promise<T>,
  { seen, since, patience_ms = PATIENCE_MS }: WithinOptions = {},
): Promise<T> {
  if (patience_ms === Infinity) return await wanted;
  const began = Date.now();
  // A timer doesn't know who set it.
  const cause = new Error("It was waited for here");
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const message = `Waited in vain for ${what}${seen ? `. Seen: ${toText(seen())}` : ""}`;
    reject(new InVain(message, { cause, since: since?.() ?? began }));
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
  #since = 0;

  /** Something has happened: everybody looks again. */
  told(): void {
    this.#since = Date.now();
    for (const look of this.#looks) look();
  }

  /** Resolves with what `look` finds as soon as it finds something; rejects when it throws, or nothing comes. */
  async until<T>(what: string, look: () => T, options: WithinOptions = {}): Promise<Found<T>> {
    const { promise, resolve, reject } = Promise.withResolvers<Found<T>>();
    const began = Date.now();
    const since = () => Math.max(began, this.#since);
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
      return await within(what, promise, { since, ...options });
    } finally {
      this.#looks.delete(again);
    }
  }
}
