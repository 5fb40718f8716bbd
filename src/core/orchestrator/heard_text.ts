/**
 * What a listener heard of a message, bounded in time.
 *
 * @module
 */
import type { Citation } from "../../domain/message.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Delivery } from "./execution.ts";

/** How long a message may take to be said: a minute for pauses, and the slowest speech. */
const PAUSE_MS = 60_000;
const CHARACTER_MS = 300;
/** How long it may take to tell what was heard, once it was stopped. */
const STOP_MS = 1000;

/** What came of a message that was said. */
export interface Heard {
  text: string;
  /** Whether the listener wanted no more: nothing of the run may follow. */
  interrupted: boolean;
}

/** Waits until `text` was said. What is not said, or never told of, counts as heard. */
export async function hear(
  delivery: Delivery | undefined,
  text: string,
  { signal, clock }: { signal: AbortSignal; clock: Clock },
): Promise<Heard> {
  if (!delivery) return { text, interrupted: false };
  const heard = text === "" ? text : await settle(delivery, text, { signal, clock });
  return { text: heard, interrupted: delivery.interrupted.aborted || heard !== text };
}

async function settle(
  delivery: Delivery,
  text: string,
  { signal, clock }: { signal: AbortSignal; clock: Clock },
): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  using timers = new DisposableStack();
  const late = (ms: number) => timers.use(clock.after(ms, () => resolve(text)));
  const stop = () => void late(STOP_MS);
  const stops = [signal, delivery.interrupted, delivery.over];
  late(PAUSE_MS + CHARACTER_MS * text.length);
  for (const one of stops) one.addEventListener("abort", stop, { once: true });
  if (stops.some(({ aborted }) => aborted)) stop();
  // Who fails to say what was heard leaves the text as it was written.
  delivery.heard(text, { signal }).then(resolve, () => resolve(text));
  try {
    return await promise;
  } finally {
    for (const one of stops) one.removeEventListener("abort", stop);
  }
}

/** The sources of what was heard. */
export function citationsOf(citations: readonly Citation[], text: string): Citation[] {
  return citations.filter(({ end_index = 0 }) => end_index <= text.length);
}
