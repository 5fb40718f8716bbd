/**
 * The sessions of the older era: bounded, and gone when nobody uses them.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Visit } from "../../operations/operation.ts";
import type { Catalog } from "./catalog.ts";
import { ownerOf, Session } from "./session.ts";

/** What {@linkcode Sessions} needs. */
export interface SessionsOptions {
  catalog: Catalog;
  clock: Clock;
  /** The most there may be. A new one ends the one that was idle longest, of the key that has the most. */
  max_sessions: number;
  /** How long one may be idle, in milliseconds. */
  idle_ms: number;
}

/** See the module. */
export class Sessions implements Disposable {
  #options: SessionsOptions;
  /** The one that was used last is at the end. */
  #open = new Map<string, Session>();
  /** How many each key has. */
  #owned = new Map<string, number>();
  #sweeping: Disposable;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#sweeping = options.clock.every(Math.max(1000, options.idle_ms / 10), () => this.#sweep());
  }

  /** How many there are. */
  get size(): number {
    return this.#open.size;
  }

  /** Makes one. Throws `UnavailableError` when there is no room. */
  async create(visit: Visit): Promise<Session> {
    const { catalog, clock, max_sessions } = this.#options;
    if (this.#open.size >= max_sessions) await this.#makeRoom();
    const session = new Session(catalog, { id: crypto.randomUUID(), visit, clock });
    await session.open();
    const forget = session.onclose;
    session.onclose = () => {
      if (this.#open.delete(session.sessionId)) this.#count(session.owner, -1);
      forget?.();
    };
    this.#open.set(session.sessionId, session);
    this.#count(session.owner, 1);
    return session;
  }

  /** The session `id`; undefined for what is none, or another's. */
  find(id: string, visit: Visit): Session | undefined {
    const session = this.#open.get(id);
    if (!session || session.owner !== ownerOf(visit)) return undefined;
    session.touch();
    this.#open.delete(id);
    this.#open.set(id, session);
    return session;
  }

  [Symbol.dispose](): void {
    this.#sweeping[Symbol.dispose]();
    for (const session of [...this.#open.values()]) session.end().catch(() => {});
  }

  async #makeRoom(): Promise<void> {
    const [busiest] = [...this.#owned].reduce((most, one) => one[1] > most[1] ? one : most);
    const idle = this.#open.values().filter(({ busy }) => !busy).toArray();
    const last = idle.find(({ owner }) => owner === busiest) ?? idle[0];
    if (last) return await last.end();
    throw new AppError(
      "UnavailableError",
      `Cannot open a session: ${this.#open.size} are in use`,
      { retry_after: 5 },
    );
  }

  #count(owner: string, more: number): void {
    const count = (this.#owned.get(owner) ?? 0) + more;
    if (count > 0) this.#owned.set(owner, count);
    else this.#owned.delete(owner);
  }

  #sweep(): void {
    const { clock, idle_ms } = this.#options;
    const late = clock.now() - idle_ms;
    for (const session of [...this.#open.values()]) {
      if (!session.busy && session.used <= late) session.end().catch(() => {});
    }
  }
}
