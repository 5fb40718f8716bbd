/**
 * A server's lists change: who cares is told, at most once in a while.
 *
 * @module
 */
import type { Client } from "@modelcontextprotocol/client";
import type { Clock } from "../../kit/clock.ts";
import { type Log, maskSecrets } from "../../kit/log.ts";
import type { McpHandlers } from "../../ports/mcp_client.ts";
import { redact } from "./credentials.ts";
import type { KnownSecrets } from "./known_secrets.ts";
import { MAX_WORDS } from "./limits.ts";
import { keepListening } from "./listening.ts";

const KINDS = ["tools", "resources", "prompts"] as const;
type Kind = typeof KINDS[number];

/** Changes within this time, in ms, are told as one. */
const GATHER_MS = 50;

/** Parts of {@linkcode followChanges}. */
export interface ChangesDeps {
  client: Client;
  handlers: Pick<McpHandlers, "onListChanged" | "onResourceUpdated">;
  secrets: KnownSecrets;
  clock: Clock;
  log: Log;
  /** Aborts when the connection is over. */
  signal: AbortSignal;
}

/** Tells the handlers of changes until the connection is over. In the newer era that takes a request, which is repeated. */
export function followChanges({ client, handlers, secrets, clock, log, signal }: ChangesDeps): void {
  const due = new Map<Kind, Disposable>();
  const changed = (kind: Kind) => {
    if (due.has(kind) || signal.aborted) return;
    due.set(
      kind,
      clock.after(GATHER_MS, () => {
        due.delete(kind);
        handlers.onListChanged(kind);
      }),
    );
  };
  signal.addEventListener("abort", () => due.forEach((timer) => timer[Symbol.dispose]()), { once: true });
  for (const kind of KINDS) client.setNotificationHandler(`notifications/${kind}/list_changed`, () => changed(kind));
  client.setNotificationHandler("notifications/resources/updated", ({ params }) => {
    handlers.onResourceUpdated(params.uri);
  });
  const kinds = KINDS.filter((kind) => client.getServerCapabilities()?.[kind]?.listChanged);
  if (client.getProtocolEra() !== "modern" || kinds.length === 0) return;
  const filter = Object.fromEntries(kinds.map((kind) => [`${kind}ListChanged`, true]));
  // What changed while nobody listened was not told.
  keepListening(client, filter, { clock, signal, onAgain: () => kinds.forEach(changed) }).catch((error) => {
    if (signal.aborted) return;
    const reason = maskSecrets(redact(String(error), secrets.all)).slice(0, MAX_WORDS);
    log.debug("A tool server doesn't tell when its lists change", { reason });
  });
}
