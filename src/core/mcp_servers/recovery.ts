/**
 * What a failure of one tool server means for it: it is tried again, let alone for a while, or left to a person.
 *
 * @module
 */
import { McpFailure } from "../../domain/mcp_server.ts";
import type { McpConnection } from "../../ports/mcp_client.ts";
import { Circuit, pauseAfter } from "./back_off.ts";
import type { Condition } from "./condition.ts";
import type { Denials } from "./denials.ts";
import type { Link } from "./link.ts";
import type { Lookout } from "./lookout.ts";
import { isLoss } from "./requests.ts";
import { type Tally, textOf } from "./tally.ts";
import type { UpstreamDeps } from "./upstream_deps.ts";

/** Failures that trying again doesn't mend. */
const FINAL: ReadonlySet<string> = new Set(["unauthorized", "sandbox"]);

/** What {@linkcode Recovery} needs. */
export interface RecoveryDeps extends Pick<UpstreamDeps, "clock" | "log" | "options"> {
  server: string;
  signal: AbortSignal;
  condition: Condition;
  link: Link;
  lookout: Lookout;
  tally: Tally;
  denials: Denials;
}

/** See the module. */
export class Recovery {
  /** Where a person signs in, if that is what is missing. */
  sign_in_url: string | null = null;
  readonly #deps: RecoveryDeps;
  readonly #circuit: Circuit;
  #attempts = 0;
  /** How much was denied before the attempt to connect. */
  #denied = 0;

  constructor(deps: RecoveryDeps) {
    this.#deps = deps;
    this.#circuit = new Circuit(deps.options);
  }

  /** Forgets what failed. */
  forget(): void {
    this.#circuit.succeed();
    this.#attempts = 0;
  }

  /** A connection for somebody who needs one now; refused while too much failed. */
  wake(): Promise<McpConnection> {
    const { server, condition: { state, reason }, link, options } = this.#deps;
    if (state !== "open_circuit") return link.open();
    const message = `Cannot reach tool server "${server}": ${reason}`;
    const retry_after = Math.ceil(options().open_ms / 1000);
    return Promise.reject(new McpFailure("unreachable", message, { sent: false, retry_after }));
  }

  /** An attempt to connect begins. */
  begin(): void {
    const { condition, denials } = this.#deps;
    this.#denied = denials.count;
    condition.to("connecting", null);
  }

  /** Its program printed a line that is no message: where nothing else comes, that is why it isn't ready. */
  hear(line: string): void {
    const { condition } = this.#deps;
    if (condition.state !== "connecting") return;
    condition.reason ??= `it printed "${line}", which is no message of the protocol`;
  }

  /** It failed, or was `stopped`. */
  giveUp(error: unknown, stopped: boolean): void {
    const { condition, tally, denials } = this.#deps;
    const heard = condition.reason === null ? [] : [condition.reason];
    const reason = [textOf(error), ...heard, ...denials.since(this.#denied)].join("; ");
    if (stopped) return condition.to("stopped", reason);
    tally.last_error = reason;
    if (error instanceof McpFailure) this.#noteSignIn(error);
    // Nothing but a person mends these, so nothing is tried until somebody calls.
    if (error instanceof McpFailure && FINAL.has(error.kind)) return condition.to("stopped", reason);
    this.#retry(reason);
  }

  /** A request was answered. */
  answered(): void {
    this.#deps.lookout.hear();
    this.#circuit.succeed();
  }

  /** A request failed on a connection that was up. */
  failed(connection: McpConnection, error: McpFailure): void {
    const { clock, link, lookout } = this.#deps;
    if (isLoss(error)) return this.lose(connection, error);
    if (link.connection !== connection) return;
    // Slow, or hung: a ping tells.
    if (error.kind === "timeout") return void lookout.check();
    if (error.kind === "protocol" && this.#circuit.fail(clock.now())) return this.lose(connection, error);
    if (error.kind !== "protocol" && error.kind !== "unauthorized") return;
    // One user who has not signed in makes the server no worse for the others.
    if (error.details?.user_id !== undefined) return;
    this.#noteSignIn(error);
    this.#degrade(error);
  }

  /** Its lists were read, or one of them can't be. */
  listed(connection: McpConnection, error: Error | undefined): void {
    if (this.#deps.signal.aborted) return;
    if (error === undefined) return this.well();
    if (error instanceof McpFailure && isLoss(error)) return this.lose(connection, error);
    this.#degrade(error);
  }

  /** The connection is over. Only the first who says so counts. */
  lose(connection: McpConnection, error: Error): void {
    const { link, signal, tally } = this.#deps;
    if (link.connection !== connection || signal.aborted) return;
    link.drop();
    tally.restarts++;
    tally.last_error = textOf(error);
    this.#retry(textOf(error));
  }

  /** Nothing is wrong with it. */
  well(): void {
    const { condition, lookout } = this.#deps;
    this.#attempts = 0;
    condition.to("ready", null);
    lookout.watch();
  }

  #degrade(error: Error): void {
    const { condition, lookout, tally } = this.#deps;
    tally.last_error = textOf(error);
    condition.to("degraded", textOf(error));
    lookout.watch();
  }

  #retry(reason: string): void {
    const { server, clock, log, options, condition, link } = this.#deps;
    const { retry_ms, open_ms, failures } = options();
    const open = this.#circuit.fail(clock.now());
    if (open) condition.to("open_circuit", `it failed ${failures} times in a row, and is let alone for now: ${reason}`);
    else condition.to("backing_off", reason);
    log.warn("Tool server failed", { server, state: condition.state, reason });
    const pause = open ? open_ms : pauseAfter(++this.#attempts, retry_ms);
    condition.plan(pause, () => void link.open().catch(() => {}));
  }

  #noteSignIn({ details: { sign_in_url } = {} }: McpFailure): void {
    this.sign_in_url = typeof sign_in_url === "string" ? sign_in_url : null;
  }
}
