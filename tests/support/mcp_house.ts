/**
 * A server with something of everything that a client of the Model Context Protocol may ask for: an agent with a prompt,
 * and the reference server behind it, in the sandbox.
 *
 * @module
 */
import { untilLong } from "./mcp_servers_office.ts";
import { startServer, type TestServer } from "./server.ts";
import { ask, createAgent } from "./story.ts";

/** Starts one. Its user key may use the tools of others. */
export async function openMcpHouse(): Promise<TestServer> {
  await using stack = new AsyncDisposableStack();
  const everything = { command: "npx", args: ["-y", "@modelcontextprotocol/server-everything@2026.8.31"] };
  const server = stack.use(
    await startServer({
      variables: Deno.env.toObject(),
      settings: {
        auth: { user_scopes: ["tools"] },
        mcp_servers: JSON.stringify({ mcpServers: { everything } }),
      },
    }),
  );
  const topic = { name: "topic", required: true };
  await createAgent(server, "editor", { prompts: [{ name: "review", text: "Review {{topic}}", arguments: [topic] }] });
  await untilLong("its tools are there", async () => (await ask(server, "GET /tools")).data.length > 0);
  stack.move();
  return server;
}
