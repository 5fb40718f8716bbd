/**
 * A server that tells how large its heap is once everything nobody needs was collected. Its output names the address to
 * ask that at. To be started with `--v8-flags=--expose-gc`.
 *
 * @module
 */
import { startServer } from "../../support/server.ts";

/** What is told. */
export interface HeapReport {
  /** Where the server itself is. */
  url: string;
  heap: number;
}

const { gc } = globalThis as { gc?: () => void };
if (!gc) throw new Error("Cannot collect: expected --v8-flags=--expose-gc");

await using server = await startServer({ settings: { server: { max_mcp_sessions: 20_000 } } });
const over = Promise.withResolvers<void>();
const encoder = new TextEncoder();
await using _ = Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => Deno.stdout.writeSync(encoder.encode(`http://127.0.0.1:${port}\n`)),
}, async () => {
  // What ended in this turn is free in a later one.
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    gc();
  }
  return Response.json({ url: server.url, heap: Deno.memoryUsage().heapUsed } satisfies HeapReport);
});
Deno.addSignalListener("SIGTERM", over.resolve);
await over.promise;
