/**
 * What one client hears of changes.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Visit } from "../../operations/operation.ts";
import type { Catalog, Change } from "./catalog.ts";

/** The most resources that one client may watch. */
const MAX_URIS = 100;

/** What {@linkcode Watches} needs. */
export interface WatchesOptions {
  catalog: Catalog;
  onChange(change: Change): void;
  /** Called when the catalog ends the watch on the lists: the client may not come any more. */
  onOver(): void;
}

/** Watches the lists, and resources by their addresses. Disposing it ends them all. */
export class Watches implements Disposable {
  #options: WatchesOptions;
  #open = new Map<string | undefined, AbortController>();

  constructor(options: WatchesOptions) {
    this.#options = options;
  }

  /** Watches a resource, or the lists when `uri` is undefined. Rejects when that can't be. */
  async add(uri: string | undefined, visit: Visit): Promise<void> {
    if (this.#open.has(uri)) return;
    if (this.#open.size > MAX_URIS) {
      throw new AppError("ConflictError", `Cannot watch more than ${MAX_URIS} resources at once`);
    }
    const ending = new AbortController();
    this.#open.set(uri, ending);
    const { catalog, onChange, onOver } = this.#options;
    try {
      const own: Visit = { ...visit, signal: ending.signal };
      const changes = await catalog.watch({ visit: own, ...uri !== undefined && { uri } });
      this.#tell(changes, onChange).catch(() => {}).then(() => {
        if (ending.signal.aborted) return;
        this.remove(uri);
        if (uri === undefined) onOver();
      });
    } catch (thrown) {
      this.remove(uri);
      throw thrown;
    }
  }

  /** The addresses of the resources that are watched. */
  get uris(): string[] {
    return [...this.#open.keys()].filter((uri) => uri !== undefined);
  }

  /** Ends one. */
  remove(uri: string | undefined): void {
    this.#open.get(uri)?.abort();
    this.#open.delete(uri);
  }

  [Symbol.dispose](): void {
    for (const uri of [...this.#open.keys()]) this.remove(uri);
  }

  async #tell(changes: AsyncIterable<Change>, onChange: (change: Change) => void): Promise<void> {
    for await (const change of changes) onChange(change);
  }
}
