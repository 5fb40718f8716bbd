/**
 * What tool servers ask of people and models, in the middle of a call.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { type ToolResult, toolText } from "../../src/domain/tool.ts";
import type { McpCallOptions } from "../../src/ports/mcp_client.ts";
import { scriptedConnector, ScriptedServer } from "../support/mcp_hub_connector.ts";
import { startProvider } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { ask, askAdmin, createAgent, eventsOf, type Json, until } from "../support/story.ts";

const CITY = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

/** An agent whose tool does `calling`, and a provider that calls it and repeats what it says. */
async function office(calling: (script: ScriptedServer, options: McpCallOptions) => Promise<ToolResult>, fields: Json) {
  await using stack = new AsyncDisposableStack();
  const provider = stack.use(
    await startProvider({
      script: ({ body }: Json) => {
        const last = body.messages.at(-1);
        if (last.role === "tool") return { tokens: [last.content] };
        if (JSON.stringify(last).includes("lend me")) return { tokens: ["A poem"] };
        return { tool_calls: [{ name: "guide__echo", arguments: {} }] };
      },
    }),
  );
  const guide = new ScriptedServer();
  guide.calling = (_, options) => calling(guide, options);
  const server = stack.use(
    await startServer({ provider: provider.url, ports: { connector: scriptedConnector({ guide }) } }),
  );
  await createAgent(server, "clerk", {
    mcp_servers: [{ name: "guide", url: "https://guide.test", ...fields }],
    allowed_tools: ["guide__*"],
  });
  const owned = stack.move();
  return { server, provider, guide, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const asks = async (script: ScriptedServer, { signal, tool_call_id }: McpCallOptions) => {
  const { handlers } = script.options!;
  const answer = await handlers.elicit({ message: "Which city?", schema: CITY }, { signal, tool_call_id });
  return toolText(`${answer.action} ${JSON.stringify(answer.content ?? null)}`);
};
const lends = async (script: ScriptedServer, { signal, tool_call_id }: McpCallOptions) => {
  const request = {
    messages: [{ role: "user" as const, content: [{ type: "text" as const, text: "lend me your words" }] }],
    max_tokens: 100,
  };
  const { model, text, stop_reason } = await script.options!.handlers.sample(request, { signal, tool_call_id });
  return toolText(`${model}: ${text} (${stop_reason})`);
};

Deno.test("a server's question reaches the person who watches the run, and the answer the server", async () => {
  await using home = await office(asks, {});
  const run = ask(home.server, "POST /agents/clerk/chat", { body: { message: "Where?" } });
  const { run_id, id } = await until("somebody is asked", async () => {
    const { data } = await ask(home.server, "GET /approvals");
    return data.map((approval: Json) => ({ ...approval, id: approval.tool_call_id ?? approval.id }))[0];
  });
  const decide = (body: Json, status = 200) => {
    return ask(home.server, `POST /runs/${run_id}/tool_calls/${id}/decision`, { body, status });
  };
  await decide({ decision: "approve", arguments: { town: "Paris" } }, 400);
  await decide({ decision: "approve", arguments: { city: "Paris" } });
  assert.match((await run).message.content, /accept .*Paris/);
  const types = (await eventsOf(home.server, run_id)).map(({ type }) => type);
  assert.ok(types.includes("tool.call.approval_required") && types.includes("tool.call.approved"));
});

Deno.test("a server that may not ask is declined at once", async () => {
  await using home = await office(asks, { elicitation: "decline" });
  const { message } = await ask(home.server, "POST /agents/clerk/chat", { body: { message: "Where?" } });
  assert.match(message.content, /decline null/);
});

Deno.test("a server uses the agent's model where its definition allows it, and every use is counted", async () => {
  await using home = await office(lends, { sampling: "allow" });
  const { message } = await ask(home.server, "POST /agents/clerk/chat", { body: { message: "Write" } });
  assert.match(message.content, /: A poem \(endTurn\)/);
  const asked = home.provider.requests[1]!.body;
  assert.equal(asked.max_tokens ?? asked.max_completion_tokens, 100);
  assert.equal(asked.messages.at(-1).content, "lend me your words");
  const { data: [used] } = await askAdmin(home.server, "GET /system/usage");
  assert.equal(used.calls, 3, "the agent's two, and the server's one");
});

Deno.test("a server may not use the model unless its definition says so", async () => {
  await using home = await office(lends, {});
  const { message } = await ask(home.server, "POST /agents/clerk/chat", { body: { message: "Write" } });
  assert.match(message.content, /definition of tool server \\"guide\\" does not allow it/);
  assert.equal(home.provider.requests.length, 2);
});

Deno.test("where the definition says so, a person decides whether the model is lent", async () => {
  for (const decision of ["approve", "deny"]) {
    await using home = await office(lends, { sampling: "ask" });
    const run = ask(home.server, "POST /agents/clerk/chat", { body: { message: "Write" } });
    const approval = await until("somebody is asked", async () => (await ask(home.server, "GET /approvals")).data[0]);
    assert.match(approval.reason, /wants to use the agent's model.*lend me your words/s);
    const id = approval.tool_call_id ?? approval.id;
    await ask(home.server, `POST /runs/${approval.run_id}/tool_calls/${id}/decision`, { body: { decision } });
    const { content } = (await run).message;
    assert.match(content, decision === "approve" ? /A poem/ : /a person said no/);
  }
});
