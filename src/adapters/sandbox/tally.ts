/**
 * How often what was allowed and denied.
 *
 * @module
 */
import type { Permission } from "../../domain/policy.ts";
import type { Decision } from "../../ports/sandbox.ts";

/** Counts, in bounded memory: the rarest allowed go first. */
export class Tally {
  readonly #most: number;
  #decisions = new Map<string, Decision>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Counts once. Whether `value` is new here. */
  count({ permission, value, allowed }: { permission: Permission; value: string; allowed: boolean }): boolean {
    const key = `${permission} ${value}`;
    const known = this.#decisions.get(key);
    const decision = known ?? { permission, value, allowed: 0, denied: 0 };
    if (allowed) decision.allowed++;
    else decision.denied++;
    if (known !== undefined) return false;
    if (this.#decisions.size >= this.#most) this.#shrink();
    this.#decisions.set(key, decision);
    return true;
  }

  /** The denied first, then the often asked. */
  list(): Decision[] {
    return [...this.#decisions.values()].sort((a, b) => b.denied - a.denied || b.allowed - a.allowed);
  }

  #shrink(): void {
    const kept = this.list().slice(0, this.#most >> 1);
    this.#decisions = new Map(kept.map((decision) => [`${decision.permission} ${decision.value}`, decision]));
  }
}
