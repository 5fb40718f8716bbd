/**
 * The connection to one tool server: one at a time, opened once for all who wait, and ended without a trace.
 *
 * @module
 */
import type { McpFailure, McpServer } from "../../domain/mcp_server.ts";
import type { McpConnection, McpHandlers } from "../../ports/mcp_client.ts";
import { connectTo, settled } from "./connecting.ts";
import type { Agreed, UpstreamDeps } from "./upstream_deps.ts";

/** What a {@linkcode Link} needs. */
export interface LinkDeps extends Pick<UpstreamDeps, "connector" | "clock" | "log" | "options" | "enter" | "leave"> {
  handlers: McpHandlers;
  /** Ends every attempt, for good. */
  signal: AbortSignal;
  /** What was agreed on the last time. */
  agreed(): Agreed | undefined;
  onConnecting(): void;
  onUp(connection: McpConnection): void;
  /** Told of an attempt that failed, or that was `stopped`. */
  onFailed(error: unknown, stopped: boolean): void;
  /** Told of a connection that ended by itself. */
  onEnded(connection: McpConnection, error: Error): void;
}

/** See the module. */
export class Link {
  readonly #server: McpServer;
  readonly #deps: LinkDeps;
  #connection: McpConnection | undefined;
  #opening: Promise<McpConnection> | undefined;
  #trying = new AbortController();
  #closing: Promise<void> = Promise.resolve();

  constructor(server: McpServer, deps: LinkDeps) {
    this.#server = server;
    this.#deps = deps;
  }

  /** The connection that is up. */
  get connection(): McpConnection | undefined {
    return this.#connection;
  }

  /** Connects: one attempt for all who wait. */
  open(): Promise<McpConnection> {
    return this.#opening ??= this.#connect().finally(() => this.#opening = undefined);
  }

  /** Ends the attempt to connect. */
  async abandon(reason: McpFailure): Promise<void> {
    this.#trying.abort(reason);
    await this.#opening?.catch(() => {});
  }

  /** Lets go of the connection that is up. */
  drop(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#connection = undefined;
    const { clock, log, leave } = this.#deps;
    const closing = connection.close()
      .catch((error) => log.error("Cannot close the connection to a tool server", { error }));
    this.#closing = settled(closing, clock).then(() => leave());
  }

  /** Resolves when nothing is left of the last connection. */
  get gone(): Promise<void> {
    return this.#closing;
  }

  async #connect(): Promise<McpConnection> {
    const { options, agreed, enter, leave, onConnecting, onUp, onFailed } = this.#deps;
    onConnecting();
    this.#trying = new AbortController();
    const signal = AbortSignal.any([this.#deps.signal, this.#trying.signal]);
    let entered = false;
    try {
      // The program before must be gone: some hold a lock on what they serve.
      await this.#closing;
      await enter();
      entered = true;
      signal.throwIfAborted();
      const connection = await connectTo(this.#server, { ...this.#deps, ...options(), signal, remembered: agreed() });
      this.#adopt(connection);
      onUp(connection);
      return connection;
    } catch (error) {
      if (entered) leave();
      onFailed(error, signal.aborted);
      throw error;
    }
  }

  #adopt(connection: McpConnection): void {
    this.#connection = connection;
    void connection.closed.then((error) => {
      this.#deps.onEnded(connection, error ?? new Error("it ended the connection"));
    });
  }
}
