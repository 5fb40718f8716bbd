/**
 * A subscription of the newer era that is taken up again whenever it ends.
 *
 * @module
 */
import type { Client, McpSubscription } from "@modelcontextprotocol/client";
import { type Clock, sleep } from "../../kit/clock.ts";

/** How long to wait before listening again, in ms: at first, and at most. */
const AGAIN_MS = { first: 1_000, most: 60_000 };

/** Options for {@linkcode keepListening}. */
export interface ListeningOptions {
  clock: Clock;
  /** Ends it. */
  signal: AbortSignal;
  /** Called when it goes on after a pause, of which nothing was told. */
  onAgain(): void;
}

/**
 * Listens to what `filter` names. Resolves when the server agreed; one that never listened won't, so then it rejects.
 * What comes reaches the client's handlers of notifications.
 */
export async function keepListening(
  client: Client,
  filter: Parameters<Client["listen"]>[0],
  options: ListeningOptions,
): Promise<void> {
  const subscription = await client.listen(filter, { signal: options.signal });
  goOn(client, filter, { ...options, subscription }).catch(() => {});
}

async function goOn(
  client: Client,
  filter: Parameters<Client["listen"]>[0],
  { clock, signal, onAgain, subscription: first }: ListeningOptions & { subscription: McpSubscription },
): Promise<void> {
  let subscription: McpSubscription | undefined = first;
  let wait = AGAIN_MS.first;
  while (!signal.aborted) {
    const since = clock.now();
    await subscription?.closed;
    if (subscription && clock.now() - since > AGAIN_MS.most) wait = AGAIN_MS.first;
    await sleep(clock, wait, signal);
    wait = Math.min(wait * 2, AGAIN_MS.most);
    // One that did listen may be away for a while.
    subscription = await client.listen(filter, { signal }).catch(() => undefined);
    if (subscription) onAgain();
  }
}
