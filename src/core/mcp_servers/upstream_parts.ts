/**
 * What looks after one tool server, wired together.
 *
 * @module
 */
import type { McpServer } from "../../domain/mcp_server.ts";
import type { McpConnection } from "../../ports/mcp_client.ts";
import { Calls } from "./calls.ts";
import { Condition } from "./condition.ts";
import { Denials } from "./denials.ts";
import { Link } from "./link.ts";
import { ListReader } from "./list_reader.ts";
import { Lookout } from "./lookout.ts";
import { Offers } from "./offers.ts";
import { Recovery } from "./recovery.ts";
import { Requests } from "./requests.ts";
import { ResourceWatches } from "./resource_watches.ts";
import { Tally } from "./tally.ts";
import type { Agreed, UpstreamDeps } from "./upstream_deps.ts";

/** What the parts tell, and ask, whoever they belong to. */
export interface Owner extends UpstreamDeps {
  /** Ends everything. */
  signal: AbortSignal;
  /** What was agreed on the last time. */
  agreed(): Agreed | undefined;
  onUp(connection: McpConnection): void;
  /** Told when no request is under way any more. */
  onFree(): void;
  /** Told when nobody needed it for long. */
  onIdle(): void;
}

/** See {@linkcode createParts}. */
export type UpstreamParts = ReturnType<typeof createParts>;

/** Makes the parts. They know each other by what they tell. */
export function createParts(definition: McpServer, owner: Owner) {
  const { clock, log, options, signal, asking, agreed, onChanged, onUp, onFree, onIdle } = owner;
  const { name, idle_seconds = Infinity } = definition;
  const tally = new Tally();
  const denials = new Denials();
  const offers = new Offers(definition);
  const condition = new Condition({ clock, signal });
  const connection = () => link.connection;
  const lists: ListReader = new ListReader({
    offers,
    clock,
    timeout_ms: () => options().connect_timeout_ms,
    connection,
    onChanged,
    onRead: (connection, error) => recovery.listed(connection, error),
  });
  const watches = new ResourceWatches(name, { log });
  const link: Link = new Link(definition, {
    ...owner,
    handlers: {
      ...asking,
      onListChanged: (kind) => lists.changed(kind),
      onResourceUpdated: (uri) => watches.tell(uri),
      onNoise: (line) => recovery.hear(line),
    },
    agreed,
    onConnecting: () => recovery.begin(),
    onUp,
    onFailed: (error, stopped) => recovery.giveUp(error, stopped),
    onEnded: (connection, error) => recovery.lose(connection, error),
  });
  const requests: Requests = new Requests({
    clock,
    connection,
    wake: () => recovery.wake(),
    onAnswered: () => recovery.answered(),
    onFailed: (connection, failure) => recovery.failed(connection, failure),
    onIdle: onFree,
  });
  const calls = new Calls({ clock, requests, tally, denials });
  const lookout: Lookout = new Lookout({
    ...{ clock, signal, options, idle_seconds, condition, link, lists, requests, watches, onIdle },
    onDead: (connection, error) => recovery.lose(connection, error),
    onWell: () => recovery.well(),
  });
  const recovery: Recovery = new Recovery({
    ...{ server: name, clock, log, options, signal, condition, link, lookout, tally, denials },
  });
  return { tally, denials, offers, condition, lists, watches, link, requests, calls, lookout, recovery };
}
