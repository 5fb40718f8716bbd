/**
 * What a server was trusted with, as it comes to be known.
 *
 * @module
 */
import { toSecrets } from "../../domain/mcp_secrets.ts";

/** The most that is kept of what was granted: what came first is forgotten. Each user has a token and its renewal. */
const MAX_GRANTED = 500;

/** What a definition says, and what was granted since. Shared by all connections to a server. */
export class KnownSecrets {
  readonly #given: readonly string[];
  readonly #granted = new Set<string>();
  #all: readonly string[];

  constructor(given: readonly string[]) {
    this.#given = given;
    this.#all = toSecrets(given);
  }

  /** All of them, the longest first. The list stays the same until there is another. */
  get all(): readonly string[] {
    return this.#all;
  }

  /** Adds what was granted. */
  add(...granted: readonly (string | undefined)[]): void {
    const fresh = granted.filter((secret) => secret !== undefined && !this.#granted.has(secret));
    if (fresh.length === 0) return;
    for (const secret of fresh) this.#granted.add(secret!);
    while (this.#granted.size > MAX_GRANTED) this.#granted.delete(this.#granted.keys().next().value!);
    this.#all = toSecrets([...this.#given, ...this.#granted]);
  }
}
