/**
 * The official client of the Model Context Protocol talks to MUXI, over HTTP and, as desktop hosts do, with a program
 * that it starts.
 *
 *     export MUXI_URL=http://127.0.0.1:8000 MUXI_KEY=sk_muxi_user_…
 *     deno run -A examples/mcp_client.ts
 *
 * With further words, these are the program: `deno run -A examples/mcp_client.ts muxi mcp serve`. It ends with an error
 * when an answer isn't what it must be.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- an example tells what it does
import { strict as assert } from "node:assert";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const { MUXI_URL: url = "http://127.0.0.1:8000", MUXI_KEY: key = "" } = Deno.env.toObject();
const [command, ...args] = Deno.args;

const transport = command === undefined
  ? new StreamableHTTPClientTransport(new URL(`${url}/mcp`), {
    requestInit: { headers: { Authorization: `Bearer ${key}` } },
  })
  : new StdioClientTransport({ command, args, env: Deno.env.toObject() });
const client = new Client({ name: "muxi-example", version: "1.0.0" });
await client.connect(transport);

const { tools } = await client.listTools();
console.log("tools:", tools.map(({ name }) => name).join(", "));
assert.ok(tools.some(({ name }) => name === "agent__assistant"), "An agent is a tool");

const { content } = await client.callTool(
  { name: "agent__assistant", arguments: { message: "What can you do?" } },
  { onprogress: ({ message }) => console.log("progress:", message) },
);
const [part] = content;
assert.ok(part?.type === "text" && part.text !== "");
console.log("answer:", part.text);

const { resources } = await client.listResources();
console.log("resources:", resources.map(({ uri }) => uri).join(", "));
assert.ok(resources.length > 0, "The conversation is a resource");
// A session that nobody ends is kept until it was idle for long.
if (transport instanceof StreamableHTTPClientTransport) await transport.terminateSession();
await client.close();
