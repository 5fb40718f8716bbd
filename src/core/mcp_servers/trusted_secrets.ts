/**
 * What one tool server was trusted with.
 *
 * @module
 */
import { toSecrets } from "../../domain/mcp_secrets.ts";
import type { McpConnection } from "../../ports/mcp_client.ts";

/** The secrets of a definition, with those of the last connection, which may get more while it is up. */
export class TrustedSecrets {
  readonly #defined: readonly string[];
  #all: readonly string[];
  /** Those of the connection when they were last looked at. */
  #connected: readonly string[] = [];
  #connection: McpConnection | undefined;

  constructor(defined: readonly string[]) {
    this.#defined = defined;
    this.#all = defined;
  }

  /** Every one of them: no word of it may come back in an answer. */
  get all(): readonly string[] {
    const now = this.#connection?.secrets ?? this.#connected;
    if (now !== this.#connected) this.#all = toSecrets([...this.#defined, ...now]);
    this.#connected = now;
    return this.#all;
  }

  /** From now on those of `connection` count. */
  follow(connection: McpConnection): void {
    this.#connection = connection;
  }
}
