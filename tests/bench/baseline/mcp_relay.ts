/**
 * The least that joins an HTTP server of the newest revision and a program on its standard streams, of the SDK's parts
 * alone: no key, no policy, no limit, no row, no supervision. Frozen.
 *
 * @module
 */
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { createMcpHandler, Server } from "@modelcontextprotocol/server";

const [program] = Deno.args;
const upstream = new Client(
  { name: "relay", version: "1" },
  { versionNegotiation: { mode: { pin: "2026-07-28" } } },
);
await upstream.connect(
  new StdioClientTransport({
    command: Deno.execPath(),
    args: ["run", "--no-config", "--no-lock", "-A", program!],
    stderr: "inherit",
  }),
);
const { tools } = await upstream.listTools();
const handler = createMcpHandler(() => {
  const server = new Server({ name: "relay", version: "1" }, { capabilities: { tools: {} } });
  server.setRequestHandler("tools/list", () => Promise.resolve({ tools }));
  server.setRequestHandler("tools/call", ({ params }) => {
    return upstream.callTool({ name: params.name, arguments: params.arguments ?? {} });
  });
  return server;
});
const encoder = new TextEncoder();
const server = Deno.serve(
  {
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => Deno.stdout.writeSync(encoder.encode(`http://127.0.0.1:${port}\n`)),
  },
  (request) => handler.fetch(request),
);
Deno.addSignalListener("SIGTERM", async () => {
  await server.shutdown();
  await upstream.close();
  Deno.exit(0);
});
