/**
 * How often an address may fail to say who it is.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import type { Clock } from "../../kit/clock.ts";
import { Recent } from "./recent.ts";
import { networkOf } from "./subject.ts";

/** Options for {@linkcode AttemptLimit}. */
export interface AttemptOptions {
  /** Failed attempts an address may make within a minute. */
  per_minute: number;
}

interface Failures {
  count: number;
  until: number;
}

const MINUTE = 60_000;
const HOUR = 3_600_000;
/** How many networks are remembered, and keys of each. */
const MAX_NETWORKS = 10_000;
const MAX_KEYS = 100;

/**
 * Stops guessing. Only failures count. An address that failed too often is
 * refused until its minute ends, also with a right key, or guessing could go on
 * by the difference; but keys that were right from there within the last hour
 * still are, so that a stranger behind the same address can't lock them out.
 */
export class AttemptLimit {
  readonly #clock: Clock;
  readonly #failures = new Recent<Failures>(MAX_NETWORKS);
  /** When each key was last right, by network. */
  readonly #proven = new Recent<Map<string, number>>(MAX_NETWORKS);
  #perMinute: number;

  constructor({ per_minute, clock }: AttemptOptions & { clock: Clock }) {
    this.#perMinute = per_minute;
    this.#clock = clock;
  }

  /** Puts another limit in force. */
  update({ per_minute }: AttemptOptions): void {
    this.#perMinute = per_minute;
  }

  /**
   * Does `identify` for a caller at `address` and counts how it ends. Throws
   * what it throws, or `TooManyRequestsError`.
   */
  async guard(address: string, identify: () => Promise<Principal>): Promise<Principal> {
    const network = networkOf(address);
    // Where no key was ever right, none can be let through, and none need be looked at.
    if (this.#blockedUntil(network) > 0 && !this.#proven.get(network)) throw this.#refusal(network);
    let principal: Principal;
    try {
      principal = await identify();
    } catch (error) {
      if (!(error instanceof AppError) || error.name !== "UnauthorizedError") throw error;
      // Judged before it counts: the attempt that reaches the limit still learns that its key was wrong.
      const refusal = this.#blockedUntil(network) > 0 ? this.#refusal(network) : error;
      this.#count(network);
      throw refusal;
    }
    // Again, as attempts made at the same time may have failed meanwhile.
    if (this.#blockedUntil(network) > 0 && !this.#isProven(network, principal.key_id)) throw this.#refusal(network);
    this.#prove(network, principal.key_id);
    return principal;
  }

  /** When the network may try again; 0 when it may now. */
  #blockedUntil(network: string): number {
    const failures = this.#failures.get(network);
    if (!failures || failures.count < this.#perMinute || failures.until <= this.#clock.now()) return 0;
    return failures.until;
  }

  #count(network: string): void {
    const now = this.#clock.now();
    const failures = this.#failures.get(network);
    if (failures && now < failures.until) failures.count += 1;
    else this.#failures.set(network, { count: 1, until: now + MINUTE });
  }

  #isProven(network: string, key_id: string): boolean {
    const time = this.#proven.get(network)?.get(key_id);
    return time !== undefined && this.#clock.now() - time < HOUR;
  }

  #prove(network: string, key_id: string): void {
    let keys = this.#proven.get(network);
    if (!keys) this.#proven.set(network, keys = new Map());
    if (keys.size >= MAX_KEYS && !keys.has(key_id)) keys.delete(keys.keys().next().value!);
    keys.set(key_id, this.#clock.now());
  }

  #refusal(network: string): AppError {
    const retry_after = Math.max(1, Math.ceil((this.#blockedUntil(network) - this.#clock.now()) / 1000));
    return new AppError(
      "TooManyRequestsError",
      `Cannot identify the caller: ${this.#perMinute} attempts failed within a minute, try again in ${retry_after} s`,
      { retry_after },
    );
  }
}
