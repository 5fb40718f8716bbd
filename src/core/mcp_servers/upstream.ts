/**
 * One tool server, looked after: connected, listened to, called, and brought back when it is lost.
 *
 * @module
 */
import { NO_PROPOSALS, type Proposals } from "../../domain/proposals.ts";
import { McpFailure, type McpServer, type McpServerState } from "../../domain/mcp_server.ts";
import type { FilledPrompt } from "../../domain/prompt.ts";
import type { ToolContent, ToolResult } from "../../domain/tool.ts";
import type {
  CompletionRequest,
  McpCallOptions,
  McpConnection,
  McpReadOptions,
  OfferedTool,
} from "../../ports/mcp_client.ts";
import type { SandboxReport } from "../../ports/sandbox.ts";
import type { Denials } from "./denials.ts";
import type { Offers } from "./offers.ts";
import type { Tally } from "./tally.ts";
import { TrustedSecrets } from "./trusted_secrets.ts";
import type { Agreed, UpstreamDeps } from "./upstream_deps.ts";
import { createParts, type UpstreamParts } from "./upstream_parts.ts";

/** See the module. */
export class Upstream implements AsyncDisposable {
  readonly definition: McpServer;
  readonly offers: Offers;
  readonly tally: Tally;
  readonly denials: Denials;
  agreed: Agreed | undefined;
  /** What its last program asked for. */
  report: SandboxReport | undefined;
  readonly #life = new AbortController();
  readonly #onAgreed: (agreed: Agreed) => void;
  readonly #secrets: TrustedSecrets;
  readonly #parts: UpstreamParts;
  #renewing = false;

  constructor(definition: McpServer, agreed: Agreed | undefined, deps: UpstreamDeps) {
    this.definition = definition;
    this.agreed = agreed;
    this.#onAgreed = deps.onAgreed;
    this.#secrets = new TrustedSecrets(deps.secrets);
    this.#parts = createParts(definition, {
      ...deps,
      signal: this.#life.signal,
      agreed: () => this.agreed,
      onUp: (connection) => this.#onUp(connection),
      onFree: () => this.#renewing && this.renew(),
      onIdle: () => void this.rest("It was not used for long"),
    });
    const { offers, tally, denials } = this.#parts;
    this.offers = offers;
    this.tally = tally;
    this.denials = denials;
  }

  /** How it does. */
  get state(): McpServerState {
    return this.#parts.condition.state;
  }

  /** Why it does not do better. */
  get reason(): string | null {
    return this.#parts.condition.reason;
  }

  /** Whether it is stopped because nobody needs it now. */
  get resting(): boolean {
    return this.#parts.condition.resting;
  }

  /** Where a person signs in, if that is what is missing. */
  get sign_in_url(): string | null {
    return this.#parts.recovery.sign_in_url;
  }

  set sign_in_url(url: string | null) {
    this.#parts.recovery.sign_in_url = url;
  }

  /** The connection that is up. */
  get connection(): McpConnection | undefined {
    return this.#parts.link.connection;
  }

  /** What it was trusted with, also since it is connected: no word of it may come back in its answers. */
  get secrets(): readonly string[] {
    return this.#secrets.all;
  }

  /** How many requests are under way. */
  get busy(): number {
    return this.#parts.requests.busy;
  }

  /** When it was last needed. */
  get last_used(): number {
    return this.#parts.requests.last_used;
  }

  /** The call under way; undefined where there is none, or several. */
  get onlyCall(): string | undefined {
    return this.#parts.calls.only;
  }

  /** Whether nothing would be lost by stopping it. */
  get idle(): boolean {
    return this.busy === 0 && this.state !== "connecting" && this.connection !== undefined;
  }

  /** Connects and reads the lists. Never rejects: `state` and `reason` tell how it went. */
  async start(): Promise<void> {
    await this.#parts.link.open().catch(() => {});
    await this.#parts.lists.read();
  }

  /** Ends the connection, or the attempt at one, and begins anew, whatever happened before. */
  async restart(): Promise<void> {
    if (this.connection) this.tally.restarts++;
    await this.stop("It is restarted");
    this.#parts.recovery.forget();
    await this.start();
  }

  /** Begins anew as soon as nothing is under way: its program may do more then. */
  renew(): void {
    this.#renewing = this.busy > 0;
    if (!this.#renewing) void this.restart();
  }

  /** Ends the connection until somebody calls. */
  async rest(reason: string): Promise<void> {
    await this.stop(`${reason}; a call wakes it`);
    this.#parts.condition.resting = true;
  }

  /** Ends the connection, or the attempt at one. */
  async stop(reason: string): Promise<void> {
    const why = `Tool server "${this.definition.name}": ${reason}`;
    const { link, condition } = this.#parts;
    await link.abandon(new McpFailure("closed", why, { sent: false }));
    condition.to("stopped", reason);
    link.drop();
    await link.gone;
  }

  /** Calls a tool. What was not sent, or may be sent twice, survives the loss of the connection. */
  call(tool: OfferedTool, args: Record<string, unknown>, options: McpCallOptions): Promise<ToolResult> {
    return this.#parts.calls.make(tool, args, options);
  }

  /** Reads a resource. */
  read(uri: string, options: McpReadOptions): Promise<ToolContent[]> {
    return this.#ask(options, (connection) => connection.readResource(uri, options));
  }

  /** Fills in a prompt, by the server's own name of it. */
  prompt(name: string, args: Record<string, string>, options: McpReadOptions): Promise<FilledPrompt> {
    return this.#ask(options, (connection) => connection.getPrompt(name, args, options));
  }

  /** Proposes values for an argument; none where the server can't. */
  complete(request: CompletionRequest, options: McpReadOptions): Promise<Proposals> {
    return this.#ask(options, async (connection) => await connection.complete?.(request, options) ?? NO_PROPOSALS);
  }

  /** Calls `listener` when a resource may be another now, until disposed. Rejects where the server can't tell. */
  watch(uri: string, { signal, listener }: { signal: AbortSignal; listener: () => void }): Promise<Disposable> {
    return this.#ask({ signal }, (connection) => this.#parts.watches.add(connection, uri, listener));
  }

  /** Ends it for good. Resolves when nothing of it is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { lists, watches, lookout } = this.#parts;
    lists[Symbol.dispose]();
    watches[Symbol.dispose]();
    this.#life.abort(new McpFailure("closed", `Tool server "${this.definition.name}" is shut down`, { sent: false }));
    await this.stop("It is shut down");
    await lookout.settled;
  }

  /** What changes nothing may be asked twice. */
  #ask<T>({ signal }: { signal: AbortSignal }, work: (connection: McpConnection) => Promise<T>): Promise<T> {
    return this.#parts.requests.make(work, { signal, repeatable: true });
  }

  #onUp(connection: McpConnection): void {
    const { era, type, sandbox } = connection;
    const { lookout, requests, recovery, lists, watches } = this.#parts;
    this.#secrets.follow(connection);
    lookout.hear();
    requests.touch();
    recovery.sign_in_url = null;
    this.report = sandbox;
    if (this.agreed?.era !== era || this.agreed.type !== type) {
      this.agreed = { era, type };
      this.#onAgreed(this.agreed);
    }
    void lists.readAll();
    watches.resume(connection);
  }
}
