/**
 * Asks a server for its health every few milliseconds, from a thread of its own: how long the answer takes is how long
 * the server's event loop was busy with something else, plus what an idle server takes.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { toRequest, Wire } from "./wire.ts";

const EVERY_MS = 4;

async function probe(url: string, path: string): Promise<void> {
  using wire = await Wire.open(url);
  const request = toRequest(url, { path });
  let times: number[] = [];
  self.onmessage = () => {
    self.postMessage(times);
    times = [];
  };
  self.postMessage([]);
  for (;;) {
    const { ms } = await wire.ask(request);
    times.push(ms);
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

self.onmessage = ({ data: { url, path } }: MessageEvent<{ url: string; path: string }>) => {
  probe(url, path).catch(() => self.close());
};
