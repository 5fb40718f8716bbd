/**
 * A connection for each user, where a server knows its users by their own tokens.
 *
 * @module
 */
import { McpFailure } from "../../domain/mcp_server.ts";
import { abortable } from "../../kit/abortable.ts";
import type { McpConnection } from "../../ports/mcp_client.ts";

/** The most that are kept; the one that wasn't used for longest makes room. */
const MAX_CONNECTIONS = 100;

/** Opens connections as users appear, and keeps them. */
export class UserConnections {
  readonly #open: (user_id: string) => Promise<McpConnection>;
  readonly #connections = new Map<string, Promise<McpConnection>>();

  constructor(open: (user_id: string) => Promise<McpConnection>) {
    this.#open = open;
  }

  /** Does `work` on the connection of `user_id`; once more on a new one, if the server had forgotten it. */
  async during<T>(user_id: string, signal: AbortSignal, work: (connection: McpConnection) => Promise<T>): Promise<T> {
    const connection = await abortable(this.#of(user_id), signal);
    try {
      return await work(connection);
    } catch (error) {
      if (!(error instanceof McpFailure) || error.kind !== "session_lost" || error.sent) throw error;
      return await work(await abortable(this.#of(user_id), signal));
    }
  }

  /** Closes all of them. */
  async close(): Promise<void> {
    const all = [...this.#connections.values()];
    this.#connections.clear();
    await Promise.all(all.map((one) => one.then((connection) => connection.close(), () => {})));
  }

  #of(user_id: string): Promise<McpConnection> {
    const known = this.#connections.get(user_id);
    const connection = known ?? this.#open(user_id);
    // A map keeps its order: what is put in again is the newest.
    this.#connections.delete(user_id);
    this.#connections.set(user_id, connection);
    if (known) return known;
    const forget = () => {
      if (this.#connections.get(user_id) === connection) this.#connections.delete(user_id);
    };
    connection.then(({ closed }) => closed.then(forget), forget);
    this.#makeRoom();
    return connection;
  }

  #makeRoom(): void {
    if (this.#connections.size <= MAX_CONNECTIONS) return;
    const [user_id, oldest] = this.#connections.entries().next().value!;
    this.#connections.delete(user_id);
    void oldest.then((connection) => connection.close(), () => {});
  }
}
