/**
 * Does nothing but look how late its timers come: a thread of its own, which no server and no test holds up.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { watchLag } from "./lag.ts";
import type { Span } from "./real_time.ts";

/** What is shorter cuts nothing in two, and there is much of it. */
const LEAST_MS = 20;
/** A standstill that is hardly over is seen by then. */
const SEEN_MS = 50;

const standstills: { began: number; ms: number }[] = [];
watchLag((ms) => {
  if (ms >= LEAST_MS) standstills.push({ began: Date.now() - ms, ms });
});
self.onmessage = ({ data: { from, until } }: MessageEvent<Span>) => {
  const most = () =>
    Math.max(0, ...standstills.filter(({ began, ms }) => began < until && began + ms > from).map(({ ms }) => ms));
  setTimeout(() => self.postMessage(most()), SEEN_MS);
};
self.postMessage(0);
