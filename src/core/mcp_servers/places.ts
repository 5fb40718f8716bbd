/**
 * How many programs of tool servers run at the same time.
 *
 * @module
 */
import { McpFailure } from "../../domain/mcp_server.ts";
import { Lines } from "../../kit/lines.ts";
import type { Upstream } from "./upstream.ts";

/** Gives places to servers that run programs; whoever is idle for the longest gives up theirs. */
export class Places {
  readonly #most: () => number;
  readonly #taken = new Set<Upstream>();
  readonly #lines = new Lines();

  constructor(most: () => number) {
    this.#most = most;
  }

  /** Resolves when `upstream` may start. Rejects when everybody is busy. */
  async enter(upstream: Upstream): Promise<void> {
    // A connection to somewhere else costs nothing worth counting.
    if (upstream.definition.command === undefined) return;
    await this.#lines.run("", async () => {
      while (this.#taken.size >= this.#most()) await this.#free(upstream);
      this.#taken.add(upstream);
    });
  }

  /** Gives the place of `upstream` back. */
  leave(upstream: Upstream): void {
    this.#taken.delete(upstream);
  }

  async #free({ definition: { name } }: Upstream): Promise<void> {
    const [longest] = [...this.#taken].filter(({ idle }) => idle).sort((a, b) => a.last_used - b.last_used);
    if (longest === undefined) {
      const most = this.#most();
      const message =
        `Cannot start tool server "${name}": ${this.#taken.size} of at most ${most} run, and none is idle`;
      throw new McpFailure("unreachable", message, { sent: false });
    }
    await longest.rest("It made room for another");
  }
}
