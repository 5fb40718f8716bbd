/**
 * One tool server, looked after: connected, listened to, called, and brought back when it is lost.
 *
 * @module
 */
import { toSecrets } from "../../domain/mcp_secrets.ts";
import { McpFailure, type McpServer, type McpServerState } from "../../domain/mcp_server.ts";
import type { FilledPrompt } from "../../domain/prompt.ts";
import type { ToolContent, ToolResult } from "../../domain/tool.ts";
import { maskSecrets } from "../../kit/log.ts";
import type { McpCallOptions, McpConnection, McpReadOptions, OfferedTool } from "../../ports/mcp_client.ts";
import type { SandboxReport } from "../../ports/sandbox.ts";
import { Circuit, pauseAfter } from "./back_off.ts";
import { Denials, explained } from "./denials.ts";
import { Link } from "./link.ts";
import { ListReader } from "./list_reader.ts";
import { Offers } from "./offers.ts";
import { findDead } from "./pulse.ts";
import { isLoss, Requests } from "./requests.ts";
import { ResourceWatches } from "./resource_watches.ts";
import { Tally } from "./tally.ts";
import type { Agreed, UpstreamDeps } from "./upstream_deps.ts";

/** Failures that trying again doesn't mend. */
const FINAL: ReadonlySet<string> = new Set(["unauthorized", "sandbox"]);

/** See the module. */
export class Upstream implements AsyncDisposable {
  readonly definition: McpServer;
  readonly offers: Offers;
  readonly tally = new Tally();
  readonly denials = new Denials();
  state: McpServerState = "stopped";
  reason: string | null = null;
  sign_in_url: string | null = null;
  /** Whether it is stopped because nobody needs it now. */
  resting = false;
  agreed: Agreed | undefined;
  /** What its last program asked for. */
  report: SandboxReport | undefined;
  readonly #deps: UpstreamDeps;
  readonly #circuit: Circuit;
  readonly #lists: ListReader;
  readonly #life = new AbortController();
  readonly #calls = new Set<string>();
  readonly #link: Link;
  readonly #requests: Requests;
  readonly #watches: ResourceWatches;
  #checking: Promise<void> | undefined;
  #timer: Disposable | undefined;
  #secrets: readonly string[];
  /** What the connection was trusted with when that was last looked at. */
  #trusted: readonly string[] = [];
  #connected: McpConnection | undefined;
  #attempts = 0;
  #renewing = false;
  #last_heard = 0;
  /** How much was denied before the attempt to connect. */
  #denied = 0;

  constructor(definition: McpServer, agreed: Agreed | undefined, deps: UpstreamDeps) {
    this.definition = definition;
    this.offers = new Offers(definition.name);
    this.agreed = agreed;
    this.#secrets = deps.secrets;
    this.#deps = deps;
    this.#circuit = new Circuit(deps.options);
    this.#lists = new ListReader({
      offers: this.offers,
      clock: deps.clock,
      timeout_ms: () => deps.options().connect_timeout_ms,
      connection: () => this.#link.connection,
      onChanged: (kind) => deps.onChanged(kind),
      onRead: (connection, error) => this.#onRead(connection, error),
    });
    this.#watches = new ResourceWatches(definition.name, deps);
    this.#link = new Link(definition, {
      ...deps,
      handlers: {
        ...deps.asking,
        onListChanged: (kind) => this.#lists.changed(kind),
        onResourceUpdated: (uri) => this.#watches.tell(uri),
      },
      signal: this.#life.signal,
      agreed: () => this.agreed,
      onConnecting: () => this.#onConnecting(),
      onUp: (connection) => this.#onUp(connection),
      onFailed: (error, stopped) => this.#giveUp(error, stopped),
      onEnded: (connection, error) => this.#lost(connection, error),
    });
    this.#requests = new Requests({
      clock: deps.clock,
      connection: () => this.connection,
      wake: () => this.#wake(),
      onAnswered: () => this.#onAnswered(),
      onFailed: (connection, failure) => this.#failed(connection, failure),
      onIdle: () => this.#renewing && this.renew(),
    });
  }

  /** The connection that is up. */
  get connection(): McpConnection | undefined {
    return this.#link.connection;
  }

  /** What it was trusted with, also since it is connected: no word of it may come back in its answers. */
  get secrets(): readonly string[] {
    const trusted = this.#connected?.secrets ?? this.#trusted;
    if (trusted !== this.#trusted) this.#secrets = toSecrets([...this.#deps.secrets, ...trusted]);
    this.#trusted = trusted;
    return this.#secrets;
  }

  /** How many requests are under way. */
  get busy(): number {
    return this.#requests.busy;
  }

  /** When it was last needed. */
  get last_used(): number {
    return this.#requests.last_used;
  }

  /** The call under way; undefined where there is none, or several. */
  get onlyCall(): string | undefined {
    return this.#calls.size === 1 ? this.#calls.values().next().value : undefined;
  }

  /** Whether nothing would be lost by stopping it. */
  get idle(): boolean {
    return this.busy === 0 && this.state !== "connecting" && this.connection !== undefined;
  }

  /** Connects and reads the lists. Never rejects: `state` and `reason` tell how it went. */
  async start(): Promise<void> {
    await this.#link.open().catch(() => {});
    await this.#lists.read();
  }

  /** Ends the connection, or the attempt at one, and begins anew, whatever happened before. */
  async restart(): Promise<void> {
    if (this.connection) this.tally.restarts++;
    await this.stop("It is restarted");
    this.#circuit.succeed();
    this.#attempts = 0;
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
    this.resting = true;
  }

  /** Ends the connection, or the attempt at one. */
  async stop(reason: string): Promise<void> {
    const why = `Tool server "${this.definition.name}": ${reason}`;
    await this.#link.abandon(new McpFailure("closed", why, { sent: false }));
    this.#to("stopped", reason);
    this.#link.drop();
    await this.#link.gone;
  }

  /** Calls a tool. What was not sent, or may be sent twice, survives the loss of the connection. */
  async call(tool: OfferedTool, args: Record<string, unknown>, options: McpCallOptions): Promise<ToolResult> {
    const { clock } = this.#deps;
    const { signal, tool_call_id } = options;
    const started = clock.now();
    const denied = this.denials.count;
    this.#calls.add(tool_call_id);
    try {
      const repeatable = tool.read_only || tool.idempotent;
      const work = (connection: McpConnection) => connection.callTool(tool.name, args, options);
      const result = await this.#requests.make(work, { signal, repeatable });
      this.tally.answered(clock.now() - started);
      return explained(result, this.denials.since(denied));
    } catch (error) {
      if (!signal.aborted) this.tally.failed(textOf(error));
      throw error;
    } finally {
      this.#calls.delete(tool_call_id);
    }
  }

  /** Reads a resource. */
  async read(uri: string, options: McpReadOptions): Promise<ToolContent[]> {
    const work = (connection: McpConnection) => connection.readResource(uri, options);
    return await this.#requests.make(work, { signal: options.signal, repeatable: true });
  }

  /** Fills in a prompt, by the server's own name of it. */
  async prompt(name: string, args: Record<string, string>, options: McpReadOptions): Promise<FilledPrompt> {
    const work = (connection: McpConnection) => connection.getPrompt(name, args, options);
    return await this.#requests.make(work, { signal: options.signal, repeatable: true });
  }

  /** Calls `listener` when a resource may be another now, until disposed. Rejects where the server can't tell. */
  async watch(uri: string, { signal, listener }: { signal: AbortSignal; listener: () => void }): Promise<Disposable> {
    const work = (connection: McpConnection) => this.#watches.add(connection, uri, listener);
    return await this.#requests.make(work, { signal, repeatable: true });
  }

  /** Ends it for good. Resolves when nothing of it is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#lists[Symbol.dispose]();
    this.#watches[Symbol.dispose]();
    this.#life.abort(new McpFailure("closed", `Tool server "${this.definition.name}" is shut down`, { sent: false }));
    await this.stop("It is shut down");
    await this.#checking;
  }

  #onAnswered(): void {
    this.#last_heard = this.#deps.clock.now();
    this.#circuit.succeed();
  }

  /** A connection for somebody who needs one now; refused while too much failed. */
  #wake(): Promise<McpConnection> {
    if (this.state !== "open_circuit") return this.#link.open();
    const message = `Cannot reach tool server "${this.definition.name}": ${this.reason}`;
    const retry_after = Math.ceil(this.#deps.options().open_ms / 1000);
    return Promise.reject(new McpFailure("unreachable", message, { sent: false, retry_after }));
  }

  #onConnecting(): void {
    this.#denied = this.denials.count;
    this.#to("connecting", null);
  }

  #onUp(connection: McpConnection): void {
    const { era, type, sandbox } = connection;
    this.#connected = connection;
    this.#last_heard = this.#requests.last_used = this.#deps.clock.now();
    this.sign_in_url = null;
    this.report = sandbox;
    if (this.agreed?.era !== era || this.agreed.type !== type) {
      this.agreed = { era, type };
      this.#deps.onAgreed(this.agreed);
    }
    void this.#lists.readAll();
    this.#watches.resume(connection);
  }

  /** What a failed attempt to connect means for the next one. */
  #giveUp(error: unknown, stopped: boolean): void {
    const reason = [textOf(error), ...this.denials.since(this.#denied)].join("; ");
    if (stopped) return this.#to("stopped", reason);
    this.tally.last_error = reason;
    if (error instanceof McpFailure) this.#noteSignIn(error);
    // Nothing but a person mends these, so nothing is tried until somebody calls.
    if (error instanceof McpFailure && FINAL.has(error.kind)) return this.#to("stopped", reason);
    this.#retry(reason);
  }

  #retry(reason: string): void {
    const { clock, log, options } = this.#deps;
    const { retry_ms, open_ms, failures } = options();
    const open = this.#circuit.fail(clock.now());
    if (open) this.#to("open_circuit", `it failed ${failures} times in a row, and is let alone for now: ${reason}`);
    else this.#to("backing_off", reason);
    log.warn("Tool server failed", { server: this.definition.name, state: this.state, reason });
    const pause = open ? open_ms : pauseAfter(++this.#attempts, retry_ms);
    this.#plan(pause, () => void this.#link.open().catch(() => {}));
  }

  /** A failure on a connection that was up. */
  #failed(connection: McpConnection, error: McpFailure): void {
    if (isLoss(error)) return this.#lost(connection, error);
    if (this.connection !== connection) return;
    // Slow, or hung: a ping tells.
    if (error.kind === "timeout") return void this.#check();
    if (error.kind === "protocol" && this.#circuit.fail(this.#deps.clock.now())) return this.#lost(connection, error);
    if (error.kind !== "protocol" && error.kind !== "unauthorized") return;
    // One user who has not signed in makes the server no worse for the others.
    if (error.details?.user_id !== undefined) return;
    this.#noteSignIn(error);
    this.#degrade(error);
  }

  #noteSignIn({ details: { sign_in_url } = {} }: McpFailure): void {
    this.sign_in_url = typeof sign_in_url === "string" ? sign_in_url : null;
  }

  #degrade(error: Error): void {
    this.tally.last_error = textOf(error);
    this.#to("degraded", textOf(error));
    this.#watch();
  }

  /** The connection is over. Only the first who says so counts. */
  #lost(connection: McpConnection, error: Error): void {
    if (this.connection !== connection || this.#life.signal.aborted) return;
    this.#link.drop();
    this.tally.restarts++;
    this.tally.last_error = textOf(error);
    this.#retry(textOf(error));
  }

  #onRead(connection: McpConnection, error: Error | undefined): void {
    if (this.#life.signal.aborted) return;
    if (error === undefined) return this.#well();
    if (error instanceof McpFailure && isLoss(error)) return this.#lost(connection, error);
    this.#degrade(error);
  }

  #well(): void {
    this.#attempts = 0;
    this.#to("ready", null);
    this.#watch();
  }

  /** Looks again when it was quiet for long, or idle for too long. */
  #watch(): void {
    const { clock, options } = this.#deps;
    const { idle_seconds = Infinity } = this.definition;
    const idle_ms = this.last_used + idle_seconds * 1000 - clock.now();
    this.#plan(Math.max(1, Math.min(options().health_ms, idle_ms)), () => this.#look());
  }

  #look(): void {
    const { clock, options } = this.#deps;
    const { idle_seconds = Infinity } = this.definition;
    const now = clock.now();
    if (this.#watches.any) this.#requests.last_used = now;
    if (this.busy === 0 && now - this.last_used >= idle_seconds * 1000) {
      void this.rest("It was not used for long");
    } else if (this.state === "degraded" || now - this.#last_heard >= options().health_ms) {
      void this.#check();
    } else {
      this.#watch();
    }
  }

  /** Asks whether it lives: twice, before it is given up. */
  #check(): Promise<void> {
    return this.#checking ??= this.#ping().finally(() => this.#checking = undefined);
  }

  async #ping(): Promise<void> {
    const { connection } = this;
    if (connection === undefined) return;
    const { clock } = this.#deps;
    const { signal } = this.#life;
    const isOld = () => this.connection !== connection || signal.aborted;
    const onDoubt = (reason: Error) => isOld() ? undefined : this.#to("degraded", textOf(reason));
    const dead = await findDead(connection, { clock, signal, onDoubt });
    if (isOld()) return;
    if (dead !== undefined) return this.#lost(connection, dead);
    this.#last_heard = clock.now();
    if (this.#lists.stale) await this.#lists.read();
    else this.#well();
  }

  #to(state: McpServerState, reason: string | null): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.state = state;
    this.reason = reason;
    this.resting = false;
  }

  #plan(ms: number, task: () => void): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#life.signal.aborted ? undefined : this.#deps.clock.after(ms, task);
  }
}

function textOf(error: unknown): string {
  return maskSecrets(error instanceof Error ? error.message : String(error));
}
