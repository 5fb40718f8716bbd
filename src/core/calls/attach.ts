/**
 * Being in a call without media.
 *
 * @module
 */
import { joinSignals } from "../../kit/joined_signal.ts";
import type { Principal } from "../../domain/access.ts";
import { type CallEvents, toFrame } from "./call_events.ts";
import type { Looks } from "./looks.ts";
import type { Watchdog } from "./watchdog.ts";

/** Options for {@linkcode attach}. */
export interface AttachOptions {
  /** Who attaches. */
  principal: Principal;
  /** What the client says. */
  incoming: AsyncIterable<string>;
  /** The last event seen. */
  cursor: number | undefined;
  signal: AbortSignal;
  /** Takes what the client says. */
  take(text: string): void;
}

/** What is said about a call, for as long as `incoming` goes on. The call waits for who is attached. */
export async function* attach(
  { events, watchdog, looks }: { events: CallEvents; watchdog: Watchdog; looks: Looks },
  { principal, incoming, cursor, signal, take }: AttachOptions,
): AsyncGenerator<string> {
  const gone = new AbortController();
  using over = joinSignals(signal, gone.signal);
  using _ = watchdog.attach();
  using _present = looks.attend(principal);
  const following = events.follow({ cursor, signal: over.signal });
  void (async () => {
    for await (const text of incoming) take(text);
  })().catch(() => {}).finally(() => gone.abort());
  try {
    for await (const event of following) yield toFrame(event);
  } finally {
    gone.abort();
  }
}
