/**
 * What the conformance suite starts to see how MUXI's client behaves: connects to
 * the address in its last argument, signs in where it must, and uses everything
 * that is offered.
 *
 * @module
 */
import { createMcpConnector } from "../../src/adapters/mcp/connector.ts";
import { McpFailure, McpServer } from "../../src/domain/mcp_server.ts";
import { systemClock } from "../../src/kit/clock.ts";
import { createLog } from "../../src/kit/log.ts";
import type { ElicitationAnswer, McpConnection, OfferedTool } from "../../src/ports/mcp_client.ts";
import type { SignInAnswer } from "../../src/ports/mcp_tokens.ts";
import { spawnPlainly } from "../support/mcp_client_process.ts";
import { tokensInMemory } from "../support/mcp_client_connector.ts";

/** Shown by the suite where something fails. */
const say = (line: string) => void Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));

/** How often a person would sign in before giving up. */
const MAX_SIGN_INS = 3;

const url = Deno.args.at(-1)!;
const scenario = Deno.env.get("MCP_CONFORMANCE_SCENARIO") ?? "";
const context = JSON.parse(Deno.env.get("MCP_CONFORMANCE_CONTEXT") ?? "{}");
const revision = Deno.env.get("MCP_CONFORMANCE_PROTOCOL_VERSION") ?? "";
const signal = AbortSignal.timeout(25_000);

const server = McpServer.parse({
  name: "conformance",
  type: "streamable_http",
  url,
  sampling: "allow",
  oauth: {
    grant: scenario.startsWith("auth/client-credentials") ? "client_credentials" : "authorization_code",
    ...context.client_id && { client_id: context.client_id },
    ...context.client_secret && { client_secret: context.client_secret },
  },
});
const connector = createMcpConnector({
  info: { name: "muxi", version: "0" },
  clock: systemClock,
  log: createLog({ level: "debug", format: "text", write: say }),
  spawn: spawnPlainly,
  variables: () => undefined,
  oauth: {
    tokens: tokensInMemory(),
    redirect_url: "http://localhost:3000/callback",
    begin_url: "http://localhost:3000/begin",
    client_metadata_url: "https://conformance-test.local/client-metadata.json",
  },
});

/** Does `work`; when a person has to sign in first, does that as one would, and tries again. */
async function signedIn<T>(work: () => Promise<T>): Promise<T> {
  for (let left = MAX_SIGN_INS;; left--) {
    try {
      return await work();
    } catch (error) {
      const where = error instanceof McpFailure && error.details?.sign_in_url;
      if (typeof where !== "string" || left === 0) throw error;
      const begun = await connector.findSignIn(new URL(where).searchParams.get("state") ?? "");
      if (begun === undefined) throw error;
      const page = await fetch(begun.url, { redirect: "manual", signal });
      await page.body?.cancel();
      const back = new URL(page.headers.get("location") ?? "about:blank");
      await connector.finishSignIn(server, Object.fromEntries(back.searchParams) as unknown as SignInAnswer);
    }
  }
}

/** Something that fits each parameter; the schema of another tool where that is asked for. */
function argumentsFor({ name, input_schema }: OfferedTool, all: OfferedTool[]): Record<string, unknown> {
  if (name === "json_schema_echo") return { schema: all.find((one) => one.name !== name)?.input_schema };
  const properties = (input_schema.properties ?? {}) as Record<string, { type?: string }>;
  return Object.fromEntries(
    Object.entries(properties).map(([name, { type }]) => [
      name,
      type === "number" || type === "integer" ? 5 : type === "boolean" ? true : type === "string" ? "text" : {},
    ]),
  );
}

function answer(schema: Record<string, unknown> = {}): ElicitationAnswer {
  const properties = (schema.properties ?? {}) as Record<string, { type?: string; default?: unknown }>;
  const open = Object.entries(properties).filter(([, property]) => property.default === undefined);
  const content = Object.fromEntries(open.map(([name, { type }]) => [name, type === "boolean" ? true : "text"]));
  return { action: "accept", content };
}

async function useAll(connection: McpConnection): Promise<void> {
  const tools = await signedIn(() => connection.listTools(signal));
  const calls: { name: string; arguments: Record<string, unknown> }[] = context.toolCalls ??
    tools.map((tool) => ({ name: tool.name, arguments: argumentsFor(tool, tools) }));
  let count = 0;
  await Promise.all(calls.map(async ({ name, arguments: args }) => {
    const result = await signedIn(() => connection.callTool(name, args, { signal, tool_call_id: `call_${count++}` }));
    say(`${name}: ${JSON.stringify(result)}`);
  }));
  if (connection.offers.resources) {
    const resources = await connection.listResources(signal);
    for (const { uri, template } of resources) if (!template) await connection.readResource(uri, { signal });
  }
  if (connection.offers.prompts) {
    for (const { name } of await connection.listPrompts(signal)) await connection.getPrompt(name, {}, { signal });
  }
}

const connection = await signedIn(() =>
  connector.connect(server, {
    signal,
    timeout_ms: 25_000,
    max_timeout_ms: 25_000,
    ...revision !== "" && { remembered: { era: revision, type: "streamable_http" } },
    handlers: {
      onListChanged: () => {},
      onResourceUpdated: () => {},
      elicit: ({ schema }) => Promise.resolve(answer(schema)),
      sample: () => Promise.resolve({ model: "none", text: "Hello", stop_reason: "endTurn" }),
    },
  })
);
say(`connected in the era of ${connection.era}`);
await useAll(connection);
await connection.close();
