/**
 * A whole server whose agent works with real tool servers, and a look at what they leave behind.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { Sandbox } from "../../src/ports/sandbox.ts";
import type { Frame } from "./events.ts";
import { assertNothingLeft } from "./mcp_servers_left.ts";
import { startProvider } from "./provider.ts";
import { startServer, type TestServer } from "./server.ts";
import { ask, askAdmin, createAgent, eventsOf, type Json, until } from "./story.ts";

/** A call that the agent's model is to make. */
export interface Call {
  tool: string;
  arguments?: Record<string, unknown>;
}

/** How a question went. */
export interface Answered {
  content: string;
  run_id: string;
  events: Frame[];
  /** The row of its one call. */
  row: Json;
}

/** Options of {@linkcode openOffice}. */
export interface OfficeOptions {
  /** Definitions of tool servers, by name, of what lies in the folder `dir`. */
  servers(dir: string): Record<string, Json>;
  /** Policies beside those of the product's own file. */
  policies?(dir: string): Record<string, Json>;
  /** Makes what the servers are about. */
  furnish?(dir: string): Promise<void>;
  /** The server's own environment. */
  variables?: Record<string, string>;
  /** What holds programs, instead of the product's own sandbox. */
  sandbox?(dir: string): Sandbox;
  /** Settings of tools. */
  tools?: Json;
  /** Gets every line of the log. */
  onLog?: (line: string) => void;
}

/** See the module. */
export interface Office extends AsyncDisposable {
  server: TestServer;
  dir: string;
  /** Has the agent make `call`, chosen by a scripted model. */
  ask(call: Call): Promise<Answered>;
  /** Begins that, without waiting for its end. */
  begin(call: Call): Promise<Json>;
  /** How a run went that has ended. */
  look(run_id: string): Promise<Answered>;
  /** Asks the agent with the offline model. */
  askOffline(message: string): Promise<Answered>;
  /** What the operation shows of a tool server. */
  view(name: string): Promise<Json>;
  /** Waits until a tool server is ready. */
  ready(name: string): Promise<Json>;
}

/** Opens one. Its folder is not below `/tmp`, of which a box has its own. Closing it fails when something is left. */
export async function openOffice(options: OfficeOptions): Promise<Office> {
  const { policies, furnish, variables = Deno.env.toObject(), onLog } = options;
  await using stack = new AsyncDisposableStack();
  const dir = await Deno.realPath(await Deno.makeTempDir({ dir: "/var/tmp", prefix: "muxi-office-" }));
  stack.defer(() => assertNothingLeft(dir));
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  await furnish?.(dir);
  const servers = options.servers(dir);
  await Deno.writeTextFile(`${dir}/policies.json`, JSON.stringify({ policies: policies?.(dir) ?? {} }));
  const provider = stack.use(await startProvider({ script: answerByCalling }));
  const server = stack.use(
    await startServer({
      provider: provider.url,
      data_dir: `${dir}/data`,
      variables,
      settings: {
        tools: { policies_file: `${dir}/policies.json`, ...options.tools },
        mcp_servers: JSON.stringify({ mcpServers: servers }),
      },
      ...onLog && { onLog },
      ...options.sandbox && { ports: { sandbox: options.sandbox(dir) } },
    }),
  );
  const names = Object.keys(servers);
  const config = { mcp_servers: names.map((name) => ({ name })), allowed_tools: names.map((name) => `${name}__*`) };
  await createAgent(server, "clerk", config);
  await createAgent(server, "quoter", { ...config, model: { provider: "offline" } });
  const look = async (run_id: string): Promise<Answered> => {
    const { data: steps } = await ask(server, `GET /runs/${run_id}/steps`);
    const rows = steps.flatMap((step: Json) => step.tool_calls);
    const events = await eventsOf(server, run_id);
    const { type, data } = events.at(-1)!;
    assert.equal(type, "run.completed", JSON.stringify(data));
    assert.equal(rows.length, 1, `One call was to be made: ${JSON.stringify({ data, rows })}`);
    return { run_id, content: data.message.content, events, row: rows[0] };
  };
  const chat = async (agent: string, message: string) => {
    const { run_id } = await ask(server, `POST /agents/${agent}/chat`, { body: { message } });
    return await look(run_id);
  };
  const view = (name: string) => askAdmin(server, `GET /agents/clerk/mcp_servers/${name}`);
  const owned = stack.move();
  return {
    server,
    dir,
    ask: (call) => chat("clerk", JSON.stringify(call)),
    async begin(call) {
      const { id } = await ask(server, "POST /conversations", { body: {} });
      await ask(server, `POST /conversations/${id}/messages`, { body: { content: JSON.stringify(call) } });
      return await ask(server, `POST /conversations/${id}/runs`, { body: { agent_id: "clerk" } });
    },
    look,
    askOffline: (message) => chat("quoter", message),
    view,
    ready: (name) =>
      untilLong(`${name} is ready`, async () => {
        const now = await view(name);
        assert.ok(now.state !== "stopped" && now.state !== "open_circuit", `${name}: ${now.reason}`);
        return now.state === "ready" ? now : undefined;
      }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Makes the call that the person spells, and says what came of it. */
function answerByCalling({ body }: Json): Json {
  const last = body.messages.at(-1);
  if (last.role === "tool") return { tokens: [`The tool says: ${last.content}`] };
  const { tool, arguments: args = {} } = JSON.parse(last.content);
  return { tool_calls: [{ name: tool, arguments: args }] };
}

/** Like `until`, for what may have to be fetched first. */
export async function untilLong<T>(what: string, check: () => Promise<T>): Promise<NonNullable<T>> {
  const end = performance.now() + 120_000;
  while (performance.now() < end) {
    const found = await check();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return assert.fail(`Waited in vain: ${what}`);
}

/** Decides, as an admin, on the question that is open, as soon as there is one. */
export async function decide(office: Office, decision: "approve" | "deny"): Promise<Json> {
  const question = await until("a person is asked", async () => (await ask(office.server, "GET /approvals")).data[0]);
  const path = `POST /runs/${question.run_id}/tool_calls/${question.tool_call_id}/decision`;
  await askAdmin(office.server, path, {
    body: { decision, ...decision === "approve" && question.question && { arguments: {} } },
  });
  return question;
}
