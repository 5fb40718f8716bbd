/**
 * In which of several calls a server of the older era asks.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { ToolResult } from "../../src/domain/tool.ts";
import type { McpCallOptions, McpConnection, McpHandlers } from "../../src/ports/mcp_client.ts";
import { freePort } from "../support/free_port.ts";
import { connectorForTests, toConnectOptions, toServer } from "../support/mcp_client_connector.ts";
import { connectOdd } from "../support/mcp_client_odd.ts";
import { connectReal, EVERYTHING, startReal } from "../support/mcp_client_real.ts";

const LONG = { duration: 1.5, steps: 30 };
const { signal } = new AbortController();

function textOf({ content }: ToolResult): string {
  return content.map((part) => part.type === "text" ? part.text : "").join("\n");
}

/** Handlers that answer with the call they were asked in, and note it. */
function answering(): { asked: (string | undefined)[]; handlers: Partial<McpHandlers> } {
  const asked: (string | undefined)[] = [];
  return {
    asked,
    handlers: {
      elicit(_, { tool_call_id }) {
        asked.push(tool_call_id);
        return Promise.resolve({ action: "accept", content: { name: tool_call_id ?? "nobody", check: true } });
      },
    },
  };
}

/** A long call of somebody, resolving when it is under way. */
async function beginLong(connection: McpConnection, options: Omit<McpCallOptions, "signal">) {
  const begun = Promise.withResolvers<void>();
  const call = connection.callTool("trigger-long-running-operation", LONG, {
    ...options,
    signal,
    onProgress: () => begun.resolve(),
  });
  await begun.promise;
  return { over: call.then(textOf) };
}

Deno.test("over Streamable HTTP a question belongs to the call whose stream carries it", async () => {
  const { asked, handlers } = answering();
  const port = freePort();
  await using _server = startReal([EVERYTHING, "streamableHttp"], { PORT: String(port) });
  await using connection = await connectReal(`http://127.0.0.1:${port}/mcp`, { handlers });
  const { over } = await beginLong(connection, { tool_call_id: "long" });
  const answers = await Promise.all(["ada", "bob", "cleo"].map(async (tool_call_id) => {
    return textOf(await connection.callTool("trigger-elicitation-request", {}, { signal, tool_call_id }));
  }));
  for (const [i, name] of ["ada", "bob", "cleo"].entries()) assert.match(answers[i]!, new RegExp(`Name: ${name}`));
  assert.deepEqual(asked.toSorted(), ["ada", "bob", "cleo"]);
  assert.match(await over, /completed/);
});

Deno.test("on a pipe calls of one run are asked in that run, and a question waits for calls of others to end", async () => {
  const { asked, handlers } = answering();
  const server = toServer({ command: "deno", args: ["run", "--no-config", "--no-lock", "-A", EVERYTHING, "stdio"] });
  const connection = await connectorForTests().connect(server, toConnectOptions({ handlers }));
  await using _ = { [Symbol.asyncDispose]: () => connection.close() };
  const ask = async (options: Omit<McpCallOptions, "signal">) =>
    textOf(await connection.callTool("trigger-elicitation-request", {}, { signal, ...options }));
  const own = await beginLong(connection, { tool_call_id: "own", audience: "run_1" });
  assert.match(await ask({ tool_call_id: "same", audience: "run_1" }), /Name: (own|same)/);
  const others = await beginLong(connection, { tool_call_id: "others", audience: "run_1" });
  let isOver = false;
  void Promise.all([own.over, others.over]).then(() => isOver = true);
  assert.match(await ask({ tool_call_id: "another", audience: "run_2" }), /Name: another/);
  assert.ok(isOver, "it stood in line: nobody could have told whom the server asks");
  assert.equal(asked.length, 2);
});

Deno.test("questions of several calls at once reach everybody in turn", async () => {
  const { asked, handlers } = answering();
  await using odd = await connectOdd("", { handlers });
  const names = ["ada", "bob"];
  const first = await odd.callTool("ask", {}, { signal, tool_call_id: "first" });
  assert.match(textOf(first), /first/);
  const said = await Promise.all(names.map((tool_call_id) => odd.callTool("ask", {}, { signal, tool_call_id })));
  for (const [i, name] of names.entries()) assert.match(textOf(said[i]!), new RegExp(name));
  assert.deepEqual(asked, ["first", ...names]);
});
