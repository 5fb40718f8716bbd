import { strict as assert } from "node:assert";
import { toolText } from "../../src/domain/tool.ts";
import type { Elicitation, McpConnection, McpHandlers } from "../../src/ports/mcp_client.ts";
import { freePort } from "../support/free_port.ts";
import { connectorForTests, toConnectOptions, toServer } from "../support/mcp_client_connector.ts";
import { callOptions } from "../support/mcp_client_odd.ts";
import { connectReal, EVERYTHING, startReal } from "../support/mcp_client_real.ts";

const { signal } = new AbortController();

/** What the reference server shows, the same over every way to it. */
async function useEverything(connection: McpConnection, asked: Elicitation[]): Promise<void> {
  assert.equal(connection.server.name, "mcp-servers/everything");
  assert.deepEqual(connection.offers, { tools: true, resources: true, prompts: true });
  assert.match(connection.instructions ?? "", /\w/);
  const call = (tool: string, args: Record<string, unknown> = {}) => connection.callTool(tool, args, callOptions());
  const tools = await connection.listTools(signal);
  assert.ok(tools.find(({ name }) => name === "get-structured-content")?.output_schema);
  assert.deepEqual(await call("echo", { message: "hi" }), toolText("Echo: hi"));
  assert.equal((await call("echo", { wrong: true })).is_error, true);
  const weather = await call("get-structured-content", { location: "New York" });
  assert.equal(typeof (weather.structured_content as { temperature: unknown }).temperature, "number");
  const image = (await call("get-tiny-image")).content.find(({ type }) => type === "image");
  assert.equal(image?.type === "image" && image.media_type, "image/png");
  const links = (await call("get-resource-links", { count: 2 })).content.filter(({ type }) => type === "resource_link");
  assert.equal(links.length, 2);
  const embedded = await call("get-resource-reference", { resourceType: "Text", resourceId: 1 });
  assert.ok(embedded.content.some((part) => part.type === "resource" && part.text));

  const resources = await connection.listResources(signal);
  assert.ok(resources.some(({ template }) => template));
  const [first] = resources.filter(({ template }) => !template);
  assert.equal((await connection.readResource(first!.uri, { signal }))[0]?.type, "resource");
  const prompts = await connection.listPrompts(signal);
  assert.deepEqual(prompts.find(({ name }) => name === "args-prompt")?.arguments.map(({ required }) => required), [
    true,
    false,
  ]);
  const prompt = await connection.getPrompt("args-prompt", { city: "Rome" }, { signal });
  assert.match(JSON.stringify(prompt.messages), /Rome/);

  const progress: number[] = [];
  await connection.callTool("trigger-long-running-operation", { duration: 0.3, steps: 3 }, {
    ...callOptions(),
    onProgress: ({ progress: far }) => void progress.push(far),
  });
  assert.deepEqual(progress, [1, 2, 3]);
  const stop = new AbortController();
  const long = connection.callTool("trigger-long-running-operation", { duration: 60, steps: 600 }, {
    ...callOptions(stop.signal),
    onProgress: () => stop.abort(new Error("Enough")),
  });
  await assert.rejects(long, /Enough/);

  const answered = await call("trigger-elicitation-request");
  assert.match(JSON.stringify(answered.content), /Ada/);
  assert.equal(asked.length, 1);
  await connection.ping(signal);
}

function answering(): { asked: Elicitation[]; handlers: Partial<McpHandlers> } {
  const asked: Elicitation[] = [];
  const elicit = (question: Elicitation) => {
    asked.push(question);
    return Promise.resolve({ action: "accept" as const, content: { name: "Ada", check: true } });
  };
  return { asked, handlers: { elicit } };
}

Deno.test("the reference server works over its standard streams", async () => {
  const { asked, handlers } = answering();
  const server = toServer({ command: "deno", args: ["run", "--no-config", "--no-lock", "-A", EVERYTHING, "stdio"] });
  const connection = await connectorForTests().connect(server, toConnectOptions({ handlers }));
  assert.equal(connection.type, "command_line");
  await useEverything(connection, asked);
  await connection.close();
});

for (const [kind, path] of [["streamable_http", "mcp"], ["http_sse", "sse"]] as const) {
  Deno.test(`the reference server works over ${kind}, found out by itself`, async () => {
    const { asked, handlers } = answering();
    const port = freePort();
    const mode = kind === "http_sse" ? "sse" : "streamableHttp";
    await using _server = startReal([EVERYTHING, mode], { PORT: String(port) });
    await using connection = await connectReal(`http://127.0.0.1:${port}/${path}`, { handlers });
    assert.equal(connection.type, kind);
    await useEverything(connection, asked);
  });
}

Deno.test("a server whose stream of events breaks off is gone, with the reason", async () => {
  const port = freePort();
  await using server = startReal([EVERYTHING, "sse"], { PORT: String(port) });
  await using connection = await connectReal(`http://127.0.0.1:${port}/sse`);
  await server[Symbol.asyncDispose]();
  assert.match((await connection.closed)!.message, /Its stream of events ended/);
});

const GATEWAYS: Record<string, { args: (port: number) => string[]; path: string; type: string }> = {
  "supergateway, the older kind": {
    args: (port) => ["npm:supergateway@4.0.0", "--stdio", everythingWords(), "--port", String(port)],
    path: "sse",
    type: "http_sse",
  },
  "supergateway, the newer kind": {
    args: (port) => [
      ...["npm:supergateway@4.0.0", "--stdio", everythingWords(), "--port", String(port)],
      ...["--outputTransport", "streamableHttp", "--stateful"],
    ],
    path: "mcp",
    type: "streamable_http",
  },
  "mcp-proxy, the older kind": {
    args: (port) => ["npm:mcp-proxy@6.7.19", "--port", String(port), "--", ...everythingWords().split(" ")],
    path: "sse",
    type: "http_sse",
  },
  "mcp-proxy, the newer kind": {
    args: (port) => ["npm:mcp-proxy@6.7.19", "--port", String(port), "--", ...everythingWords().split(" ")],
    path: "mcp",
    type: "streamable_http",
  },
};

function everythingWords(): string {
  return `${Deno.execPath()} run --no-config --no-lock -A ${EVERYTHING} stdio`;
}

for (const [name, { args, path, type }] of Object.entries(GATEWAYS)) {
  Deno.test(`another's gateway works: ${name}`, async () => {
    const port = freePort();
    await using _gateway = startReal(args(port));
    await using connection = await connectReal(`http://127.0.0.1:${port}/${path}`);
    assert.equal(connection.type, type);
    assert.ok((await connection.listTools(signal)).length > 5);
    const result = await connection.callTool("echo", { message: "hi" }, callOptions());
    assert.deepEqual(result, toolText("Echo: hi"));
  });
}
