/**
 * Resources of a server that somebody watches.
 *
 * @module
 */
import { McpFailure } from "../../domain/mcp_server.ts";
import type { Log } from "../../kit/log.ts";
import type { McpConnection } from "../../ports/mcp_client.ts";

/** How many resources of one server may be watched. */
const MAX_WATCHED = 1000;

interface Watched {
  listeners: Set<() => void>;
  /** Ends the server's telling, on the connection that is up. */
  asked: AbortController | undefined;
}

/** Has a server tell of each once, however many listen, and again after the connection was lost. */
export class ResourceWatches implements Disposable {
  readonly #server: string;
  readonly #log: Log;
  readonly #watched = new Map<string, Watched>();

  constructor(server: string, { log }: { log: Log }) {
    this.#server = server;
    this.#log = log;
  }

  /** Whether anything is watched. */
  get any(): boolean {
    return this.#watched.size > 0;
  }

  /** Calls `listener` when `uri` may be another now. Rejects where the server can't tell. */
  async add(connection: McpConnection, uri: string, listener: () => void): Promise<Disposable> {
    const refuse = (why: string) => {
      const message = `Cannot watch the resource "${uri}" of tool server "${this.#server}": ${why}`;
      return new McpFailure("refused", message, { sent: false });
    };
    if (connection.watchResource === undefined) throw refuse("it doesn't tell when its resources change");
    const watched = this.#watched.get(uri) ?? { listeners: new Set(), asked: undefined };
    if (!this.#watched.has(uri) && this.#watched.size >= MAX_WATCHED) {
      throw refuse(`${MAX_WATCHED} of its resources are watched already`);
    }
    this.#watched.set(uri, watched);
    // Two who watch by the same function are two.
    const own = () => listener();
    watched.listeners.add(own);
    const remove = () => {
      watched.listeners.delete(own);
      if (watched.listeners.size > 0 || this.#watched.get(uri) !== watched) return;
      this.#watched.delete(uri);
      watched.asked?.abort();
    };
    try {
      await this.#ask(connection, uri, watched);
    } catch (error) {
      remove();
      throw error;
    }
    return { [Symbol.dispose]: remove };
  }

  /** The server said that `uri` is another now. */
  tell(uri: string): void {
    for (const listener of [...this.#watched.get(uri)?.listeners ?? []]) listener();
  }

  /** Goes on with a new connection. What changed in between was not told, so everybody looks again. */
  resume(connection: McpConnection): void {
    for (const [uri, watched] of this.#watched) {
      watched.asked = undefined;
      this.#ask(connection, uri, watched).then(() => this.tell(uri), (error) => {
        this.#log.debug("A tool server doesn't tell any more when a resource changes", { server: this.#server, error });
      });
    }
  }

  [Symbol.dispose](): void {
    for (const { asked } of this.#watched.values()) asked?.abort();
    this.#watched.clear();
  }

  async #ask(connection: McpConnection, uri: string, watched: Watched): Promise<void> {
    if (watched.asked) return;
    const asked = watched.asked = new AbortController();
    try {
      await connection.watchResource?.(uri, { signal: asked.signal });
    } catch (error) {
      if (watched.asked === asked) watched.asked = undefined;
      throw error;
    }
  }
}
