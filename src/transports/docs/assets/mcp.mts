import process from "node:process";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

const { MUXI_URL = "http://127.0.0.1:8000", MUXI_KEY } = process.env;
const transport = new StreamableHTTPClientTransport(new URL(`${MUXI_URL}/mcp`), {
  requestInit: { headers: { Authorization: `Bearer ${MUXI_KEY}` } },
});
const client = new Client({ name: "example", version: "1.0.0" });
await client.connect(transport);

const { tools } = await client.listTools();
for (const { name } of tools) process.stdout.write(`${name}\n`);

const { content } = await client.callTool({
  name: "agent__assistant",
  arguments: { message: "What can you do?" },
});
process.stdout.write(`${JSON.stringify(content)}\n`);
await transport.terminateSession();
await client.close();
