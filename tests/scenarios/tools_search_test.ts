/**
 * Agents with many tools, whose model gets two.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { startProvider } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { ask, askAdmin, createAgent, eventsOf, type Json, saidTo } from "../support/story.ts";
import { type ScriptedTool, scriptedToolbox } from "../support/toolbox.ts";

const fine: ScriptedTool["act"] = ({ city }) => ({ result: `sunny in ${city}`, is_error: false });
const city = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const TOOLS: Record<string, ScriptedTool> = {
  weather__forecast: { server: "weather", description: "Tells how the weather will be", parameters: city, act: fine },
  ...Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`books__shelf_${i}`, {
    server: "books",
    description: `Lists the books of shelf ${i}`,
    act: fine,
  }])),
};

async function library(script: Json, agent: Json = {}) {
  await using stack = new AsyncDisposableStack();
  const provider = stack.use(await startProvider({ script }));
  const toolbox = scriptedToolbox(TOOLS);
  const server = stack.use(await startServer({ provider: provider.url, ports: { toolbox } }));
  const at = (name: string) => ({ name, url: `https://${name}.example` });
  await createAgent(server, "reader", {
    allowed_tools: ["*"],
    mcp_servers: [at("weather"), at("books")],
    tool_search: true,
    ...agent,
  });
  const chat = () => ask(server, "POST /agents/reader/chat", { body: { message: "Will it rain?" } });
  const owned = stack.move();
  return { provider, toolbox, server, chat, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const search = { tool_calls: [{ name: "tool_search", arguments: { query: "weather forecast for a city" } }] };
const use = (name: string, args: unknown) => ({
  tool_calls: [{ name: "tool_call", arguments: { name, arguments: args } }],
});

Deno.test("the model finds a tool, calls it, and the call is on record as the tool's own", async () => {
  const script = [search, use("weather__forecast", { city: "Oslo" }), { tokens: ["Sunny"] }];
  await using room = await library(script);
  const { run_id, message } = await room.chat();
  assert.equal(message.content, "Sunny");
  const [first, second, third] = room.provider.requests;
  assert.deepEqual(first!.body.tools.map((tool: Json) => tool.function.name), ["tool_search", "tool_call"]);
  assert.match(saidTo(second!).at(-1)!, /^tool: .*weather__forecast.*"city"/);
  assert.match(saidTo(third!).at(-1)!, /sunny in Oslo/);
  assert.deepEqual(room.toolbox.calls.map(({ tool, arguments: args }) => [tool, args]), [["weather__forecast", {
    city: "Oslo",
  }]]);
  const started = (await eventsOf(room.server, run_id)).filter(({ type }) => type === "tool.call.started");
  assert.deepEqual(started.map(({ data }) => data.tool), ["tool_search", "weather__forecast"]);
  // What the model said stays as it said it: it knows no other tools.
  assert.equal(third!.body.messages.at(-2).tool_calls[0].function.name, "tool_call");
});

Deno.test("the tool behind is held to the same rules", async () => {
  const script = [
    use("weather__forecast", { city: 1 }),
    use("weather__forecast", '{"city": "Rome"}'),
    use("books__shelf_1", {}),
    use("nothing", {}),
    { tool_calls: [{ name: "tool_call", arguments: { arguments: {} } }] },
    { tokens: ["Well"] },
  ];
  await using room = await library(script, { policies: { deny: ["books__*"] } });
  await room.chat();
  const told = room.provider.requests.slice(1).map((request) => saidTo(request).at(-1)!);
  assert.match(told[0]!, /city/);
  assert.match(told[1]!, /sunny in Rome/);
  assert.match(told[2]!, /policy does not allow it/);
  assert.match(told[3]!, /there is no such tool/);
  assert.match(told[4]!, /name/);
  assert.equal(room.toolbox.calls.length, 1);
});

Deno.test("a tool that wants a person waits for one, by its own name", async () => {
  await using room = await library([use("weather__forecast", { city: "Oslo" }), { tokens: ["Well"] }], {
    policies: { ask: ["weather__*"] },
  });
  await room.chat();
  const { data: [{ tool, arguments: args }] } = await ask(room.server, "GET /approvals");
  assert.deepEqual([tool, args], ["weather__forecast", { city: "Oslo" }]);
});

Deno.test("what nobody finds is said, and nothing is found that may not be called", async () => {
  const script = [{ tool_calls: [{ name: "tool_search", arguments: { query: "shelf" } }] }, { tokens: ["Well"] }];
  await using room = await library(script, { policies: { deny: ["books__*"] } });
  await room.chat();
  assert.match(saidTo(room.provider.requests[1]!).at(-1)!, /None of 1 tools fits\. They are of: weather/);
  assert.equal((await askAdmin(room.server, "GET /agents/reader")).tool_search, true);
});
