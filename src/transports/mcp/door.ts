/**
 * What the routes of this door share.
 *
 * @module
 */
import type { Clock } from "../../kit/clock.ts";
import type { AssertedUserOptions } from "../asserted_user.ts";
import type { EventStreams } from "../streams.ts";
import type { Catalog } from "./catalog.ts";
import type { TokenIssuers } from "./protected_resource.ts";
import type { Soon } from "./soon.ts";

/** What the door is opened with. */
export interface McpDeps extends AssertedUserOptions {
  catalog: Catalog;
  streams: EventStreams;
  clock: Clock;
  /** How long an answer may take before it becomes a stream. */
  soon: Soon;
  /** Reads a body of JSON, bounded. */
  readJson(request: Request): Promise<unknown>;
  /** What is wrong with where a request says it comes from, or goes to. */
  findFault(request: Request): string | undefined;
  /** Set when tokens of others are taken. */
  tokens?: TokenIssuers;
  keepalive_ms: number;
  /** How long a reader may leave unread what was written. */
  write_timeout_ms: number;
  /** The most characters of a message that comes over a WebSocket. */
  max_message: number;
  /** The most sessions of the older era, and how long one may be idle. */
  max_sessions: number;
  session_idle_ms: number;
}
