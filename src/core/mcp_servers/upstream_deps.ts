/**
 * What the supervision of one tool server needs.
 *
 * @module
 */
import type { McpServerType } from "../../domain/mcp_server.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { McpConnector, McpHandlers } from "../../ports/mcp_client.ts";
import type { OfferKind } from "./offers.ts";

/** Times and numbers of the supervision. */
export interface UpstreamOptions {
  connect_timeout_ms: number;
  timeout_ms: number;
  max_timeout_ms: number;
  /** After this long without an answer it is asked whether it lives. */
  health_ms: number;
  /** The longest pause before it is tried again. */
  retry_ms: number;
  /** This many failures within the window stop the trying, for `open_ms`. */
  failures: number;
  window_ms: number;
  open_ms: number;
}

/** What was agreed on with a server. */
export type Agreed = { era: string; type: McpServerType };

/** What an upstream needs. */
export interface UpstreamDeps {
  connector: McpConnector;
  clock: Clock;
  log: Log;
  options: () => UpstreamOptions;
  /** What its definition trusts it with. */
  secrets: readonly string[];
  /** What it may ask of people and models. */
  asking: Pick<McpHandlers, "elicit" | "sample">;
  /** Resolves when there is room for one more; `leave` gives it back. */
  enter(): Promise<void>;
  leave(): void;
  /** Told of a list that is another now, and of what was agreed on. */
  onChanged(kind: OfferKind): void;
  onAgreed(agreed: Agreed): void;
}
