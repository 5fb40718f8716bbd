/**
 * A server for a desktop host: standard input and output, and a folder of its own. The key is its one argument.
 *
 * @module
 */
import { createApp } from "../../src/app.ts";
import { systemClock } from "../../src/kit/clock.ts";
import { createLog } from "../../src/kit/log.ts";
import { serveStdio } from "../../src/transports/mcp/stdio.ts";
import { testSettings } from "./server.ts";

if (import.meta.main) {
  const [data_dir = "", token = ""] = Deno.args;
  const log = createLog({ level: "error", format: "json", write: () => {} });
  await using app = await createApp(testSettings(data_dir), { ports: { log } });
  const { gateway } = app;
  await serveStdio({
    gateway,
    clock: systemClock,
    version: "1.0.0",
    credentials: { token, address: "unix", request_id: "req_stdio" },
    stdin: Deno.stdin.readable,
    stdout: Deno.stdout.writable,
    signal: new AbortController().signal,
  });
}
