/**
 * Keeps the lists of a server as they are there.
 *
 * @module
 */
import { McpFailure } from "../../domain/mcp_server.ts";
import { within } from "../../kit/abortable.ts";
import type { Clock } from "../../kit/clock.ts";
import type { McpConnection } from "../../ports/mcp_client.ts";
import { OFFER_KINDS, type OfferKind, type Offers } from "./offers.ts";
import { isLoss } from "./requests.ts";

/** Changes that come together are read together. */
const GATHER_MS = 200;

/** What a {@linkcode ListReader} needs. */
export interface ListReaderDeps {
  offers: Offers;
  clock: Clock;
  /** How long a list may take. */
  timeout_ms: () => number;
  /** The connection that is up. */
  connection: () => McpConnection | undefined;
  /** Told of a list that is another now. */
  onChanged(kind: OfferKind): void;
  /** Told when every list of `connection` is read, or why one can't be. */
  onRead(connection: McpConnection, error?: Error): void;
}

/** Reads lists that changed, one at a time. What can't be read stays stale, and as it was. */
export class ListReader implements Disposable {
  readonly #deps: ListReaderDeps;
  readonly #stale = new Set<OfferKind>();
  readonly #life = new AbortController();
  #reading: Promise<void> | undefined;
  #gathering: Disposable | undefined;

  constructor(deps: ListReaderDeps) {
    this.#deps = deps;
  }

  /** Whether something has yet to be read. */
  get stale(): boolean {
    return this.#stale.size > 0;
  }

  /** Notes that a list changed. */
  changed(kind: OfferKind): void {
    if (this.#life.signal.aborted) return;
    this.#stale.add(kind);
    this.#gathering ??= this.#deps.clock.after(GATHER_MS, () => {
      this.#gathering = undefined;
      void this.read();
    });
  }

  /** Reads every list anew. */
  readAll(): Promise<void> {
    for (const kind of OFFER_KINDS) this.#stale.add(kind);
    return this.read();
  }

  /** Reads what is stale. */
  read(): Promise<void> {
    return this.#reading ??= this.#read().finally(() => this.#reading = undefined);
  }

  [Symbol.dispose](): void {
    this.#gathering?.[Symbol.dispose]();
    this.#gathering = undefined;
    this.#life.abort();
  }

  async #read(): Promise<void> {
    const { offers, clock, timeout_ms, onChanged, onRead } = this.#deps;
    let connection = this.#deps.connection();
    const failed = new Map<OfferKind, Error>();
    // What becomes stale meanwhile comes up again at the end of the set.
    for (const kind of this.#stale) {
      connection = this.#deps.connection();
      if (connection === undefined || this.#life.signal.aborted) return;
      const from = connection;
      this.#stale.delete(kind);
      const late = () => new McpFailure("timeout", `its list of ${kind} did not come in time`, { sent: true });
      try {
        const options = { clock, ms: timeout_ms(), signal: this.#life.signal, late };
        if (await within((signal) => offers.read(kind, from, signal), options)) onChanged(kind);
      } catch (thrown) {
        if (this.#deps.connection() !== from) {
          this.#stale.add(kind);
          continue;
        }
        const error = thrown instanceof Error ? thrown : new Error(String(thrown));
        failed.set(kind, error);
        // Nothing more will come; otherwise one list that is broken hides none of the others.
        if (error instanceof McpFailure && isLoss(error)) break;
      }
    }
    for (const kind of failed.keys()) this.#stale.add(kind);
    const [reason] = failed.values();
    if (connection !== undefined && this.#deps.connection() === connection) onRead(connection, reason);
  }
}
