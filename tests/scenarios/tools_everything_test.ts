/**
 * The reference server with one of everything, called directly, as plain HTTP, and by an agent.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { connectorForTests } from "../support/mcp_client_connector.ts";
import { EVERYTHING } from "../support/mcp_client_real.ts";
import { startProvider } from "../support/provider.ts";
import { startServer, USER_KEY } from "../support/server.ts";
import { ask, createAgent, framesOf, type Json, saidTo, until, untilStatus } from "../support/story.ts";

/** A server of ours with that one behind it, whose agent's model says `script`. */
async function everything(script: Json = {}) {
  await using stack = new AsyncDisposableStack();
  const provider = stack.use(await startProvider({ script }));
  const args = ["run", "-A", "--no-config", "--no-lock", EVERYTHING];
  const server = stack.use(
    await startServer({
      provider: provider.url,
      settings: {
        auth: { user_scopes: ["tools"] },
        mcp_servers: JSON.stringify({ mcpServers: { everything: { command: Deno.execPath(), args } } }),
      },
      // Which programs may do what is told elsewhere: here they run as they are.
      ports: { connector: { ...connectorForTests(), finishSignIn: () => Promise.reject(new Error("not used here")) } },
    }),
  );
  await createAgent(server, "tester", { allowed_tools: ["everything__*"], mcp_servers: [{ name: "everything" }] });
  await until("its tools are there", async () => (await ask(server, "GET /tools")).data.length > 0);
  const owned = stack.move();
  return { server, provider, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

Deno.test("text, data, pictures and progress of a real server, and a tool that its policy denies", async () => {
  await using real = await everything();
  const { server } = real;
  const headers = { authorization: `Bearer ${USER_KEY}` };
  const post = async (tool: string, args: Json = {}) => {
    const response = await fetch(`${server.url}/tools/everything/everything__${tool}`, {
      method: "POST",
      headers,
      body: JSON.stringify(args),
    });
    return { status: response.status, text: await response.text() };
  };
  assert.deepEqual(await post("get-sum", { a: 2, b: 3 }), { status: 200, text: "The sum of 2 and 3 is 5." });
  assert.equal((await post("get-sum", { a: "two", b: 3 })).status, 400);
  const weather = JSON.parse((await post("get-structured-content", { location: "New York" })).text);
  assert.equal(typeof weather.temperature, "number");
  assert.match(JSON.parse((await post("get-tiny-image")).text)[1], /^data:image\/png;base64,/);
  const denied = await post("get-env");
  assert.equal(denied.status, 403);
  assert.match(denied.text, /policy \\"everything\\" denies it/);
  const frames = await framesOf(server, "POST /tools/everything__trigger-long-running-operation/call", {
    body: { arguments: { duration: 1, steps: 4 } },
  });
  assert.equal(frames.at(-1)!.type, "tool.call.result");
  assert.ok(frames.some(({ type, data }) => type === "tool.call.progress" && data.total === 4));
});

Deno.test("a real server's question reaches a person in the middle of an agent's call", async () => {
  const script = [{ tool_calls: [{ name: "everything__trigger-elicitation-request", arguments: {} }] }, {
    tokens: ["OK"],
  }];
  await using real = await everything(script);
  const { server, provider } = real;
  const { id } = await ask(server, "POST /conversations", { body: {} });
  await ask(server, `POST /conversations/${id}/messages`, { body: { content: "Ask me" } });
  const run = await ask(server, `POST /conversations/${id}/runs`, { body: { agent_id: "tester" } });
  const question = await until("the question is there", async () => (await ask(server, "GET /approvals")).data[0]);
  const { properties } = question.question.schema;
  assert.ok("name" in properties, JSON.stringify(properties));
  const path = `POST /runs/${run.id}/tool_calls/${question.tool_call_id}/decision`;
  await ask(server, path, { body: { decision: "approve", arguments: { name: "Zanzibar Jones" } } });
  await untilStatus(server, run.id, "completed");
  assert.match(saidTo(provider.requests[1]!).at(-1)!, /Zanzibar Jones/);
});
