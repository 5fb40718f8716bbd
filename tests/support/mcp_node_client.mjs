/**
 * The official client under Node, of either generation, on a walk through a server. It is copied to where the packages
 * are, and run with one argument, the JSON of a walk:
 *
 *     node mcp_node_client.mjs '{"sdk": "client", "way": "http", "url": "http://127.0.0.1:8000/mcp", "headers": {…}}'
 *
 * It prints one line of JSON: what it saw.
 *
 * @module
 */
// deno-lint-ignore-file no-console no-process-global -- a program for Node, whose output is read
const PACKAGES = {
  sdk: {
    client: "@modelcontextprotocol/sdk/client/index.js",
    http: "@modelcontextprotocol/sdk/client/streamableHttp.js",
    sse: "@modelcontextprotocol/sdk/client/sse.js",
    stdio: "@modelcontextprotocol/sdk/client/stdio.js",
  },
  client: {
    client: "@modelcontextprotocol/client",
    http: "@modelcontextprotocol/client",
    sse: "@modelcontextprotocol/client",
    stdio: "@modelcontextprotocol/client/stdio",
  },
};

const { sdk, way, revision, url, headers, command, args, env } = JSON.parse(process.argv[2]);
const from = PACKAGES[sdk];
const { Client } = await import(from.client);
const { StreamableHTTPClientTransport, SSEClientTransport, StdioClientTransport } = await import(from[way]);

function createTransport() {
  const requestInit = { headers };
  if (way === "http") return new StreamableHTTPClientTransport(new URL(url), { requestInit });
  if (way === "sse") return new SSEClientTransport(new URL(url), { requestInit });
  return new StdioClientTransport({ command, args, env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env } });
}

const transport = createTransport();
const client = new Client(
  { name: "a-host", version: "1.0.0" },
  revision === undefined ? {} : { versionNegotiation: { mode: { pin: revision } } },
);
await client.connect(transport);

/** Calls a tool; what it said, and what it told meanwhile. */
async function call(name, args) {
  const progress = [];
  const options = { onprogress: (one) => progress.push(one) };
  const params = { name, arguments: args };
  const result = await (sdk === "sdk" ? client.callTool(params, undefined, options) : client.callTool(params, options));
  return { text: result.content[0].text, is_error: result.isError === true, progress };
}

const { tools } = await client.listTools();
const agent = await call("agent__assistant", { message: "What can you do?" });
const sum = await call("everything__get-sum", { a: 2, b: 40 });
const long = await call("everything__trigger-long-running-operation", { duration: 2, steps: 4 });
const { resources } = await client.listResources();
const conversation = resources.find(({ uri }) => uri.startsWith("muxi://conversations/"));
const document = resources.find(({ uri }) => uri.startsWith("muxi://servers/everything/"));
const { prompts } = await client.listPrompts();
const review = await client.getPrompt({ name: "editor__review", arguments: { topic: "boats" } });
const simple = await client.getPrompt({ name: "everything__simple-prompt" });
const seen = {
  server: client.getServerVersion().name,
  revision: client.getNegotiatedProtocolVersion?.() ?? null,
  tools: tools.map(({ name }) => name),
  agent,
  sum,
  long,
  conversation: (await client.readResource({ uri: conversation.uri })).contents[0].text,
  document: (await client.readResource({ uri: document.uri })).contents[0].text,
  prompts: prompts.map(({ name }) => name),
  review: review.messages[0].content.text,
  simple: simple.messages[0].content.text,
};
if (way === "http") await transport.terminateSession();
await client.close();
console.log(JSON.stringify(seen));
