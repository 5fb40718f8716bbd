/**
 * A tool that its server offers as a task alone, from the sandbox to whoever calls it, and a run of another MUXI as a task.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { connect, ERAS } from "../support/mcp_door.ts";
import { type Office, openOffice } from "../support/mcp_servers_office.ts";
import { startProvider } from "../support/provider.ts";
import { ADMIN_KEY, startServer, USER_KEY } from "../support/server.ts";
import { ask, askAdmin, createAgent, framesOf, type Json, until, untilStatus } from "../support/story.ts";
import { scriptedToolbox } from "../support/toolbox.ts";

const TOOL = "everything__simulate-research-query";

async function openResearch(): Promise<Office> {
  const everything = { command: "npx", args: ["-y", "@modelcontextprotocol/server-everything@2026.8.31"] };
  const office = await openOffice({ servers: () => ({ everything }) });
  await office.ready("everything");
  return office;
}

Deno.test("a task in the sandbox is called by an agent, over HTTP and at the MCP door; its questions reach who called", async (t) => {
  await using office = await openResearch();
  const { server } = office;

  await t.step("an agent, whose person is asked in the middle of it", async () => {
    const run = await office.begin({ tool: TOOL, arguments: { topic: "boats", ambiguous: true } });
    const question = await until("a person is asked", async () => (await ask(server, "GET /approvals")).data[0]);
    assert.equal(question.run_id, run.id);
    assert.match(question.question.message, /"boats" could have multiple interpretations/);
    await ask(server, `POST /runs/${run.id}/tool_calls/${question.tool_call_id}/decision`, {
      body: { decision: "approve", arguments: { interpretation: "historical" } },
    });
    await untilStatus(server, run.id, "completed");
    const { row, events } = await office.look(run.id);
    assert.equal(row.status, "completed");
    assert.match(JSON.stringify(row.result), /Research Report: boats \(historical\)/);
    const told = events.filter(({ type }) => type === "tool.call.progress").map(({ data }) => data.message);
    assert.ok(told.includes("Gathering sources..."), JSON.stringify(told));
  });

  await t.step("a run that is cancelled, after which the server is as well as before", async () => {
    const run = await office.begin({ tool: TOOL, arguments: { topic: "storms" } });
    await until("it is under way", async () => {
      const { data } = await ask(server, `GET /runs/${run.id}/steps`);
      return data.some(({ tool_calls }: Json) => tool_calls.some(({ status }: Json) => status === "running"));
    });
    await ask(server, `POST /runs/${run.id}/cancel`);
    await untilStatus(server, run.id, "cancelled");
    assert.equal((await office.view("everything")).state, "ready");
  });

  await t.step("a direct call, plain and followed", async () => {
    const options = { body: { arguments: { topic: "tides" } }, key: ADMIN_KEY };
    const frames = await framesOf(server, `POST /tools/${TOOL}/call`, options);
    assert.match(JSON.stringify(frames.at(-1)!.data.result), /Research Report: tides/);
    assert.ok(frames.some(({ type, data }) => type === "tool.call.progress" && /Analyzing/.test(data.message)));
    const answer = await fetch(`${server.url}/tools/everything/${TOOL}`, {
      method: "POST",
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
      body: JSON.stringify({ topic: "fog" }),
    });
    assert.match(await answer.text(), /Research Report: fog/);
  });

  for (const era of ERAS) {
    await t.step(`a client of ${era} at the MCP door, which is asked itself`, async () => {
      await using client = await connect(server, { era, key: ADMIN_KEY, capabilities: { elicitation: { form: {} } } });
      client.setRequestHandler("elicitation/create", () => ({
        action: "accept",
        content: { interpretation: "technical" },
      }));
      const args = { topic: "reefs", ambiguous: true };
      const { content } = await client.callTool({ name: TOOL, arguments: args });
      assert.match(JSON.stringify(content), /Research Report: reefs \(technical\)/);
    });
  }
});

/** Two servers of ours: `here`, whose agent `reader` lets the agent `librarian` of the other answer. */
async function openLibrary(script: Json[], toolbox = scriptedToolbox({})) {
  await using stack = new AsyncDisposableStack();
  const there = stack.use(await startProvider({ script }));
  const library = stack.use(await startServer({ provider: there.url, ports: { toolbox } }));
  await createAgent(library, "librarian", { allowed_tools: ["*"], policies: { ask: ["send"] } });
  const here = stack.use(
    await startServer({
      provider: stack.use(
        await startProvider({
          script: [{ tool_calls: [{ name: "library__agent__librarian", arguments: { message: "Which book?" } }] }, {
            tokens: ["It is a whale"],
          }],
        }),
      ).url,
      settings: {
        mcp_servers: JSON.stringify({
          mcpServers: {
            library: { url: `${library.url}/mcp`, headers: { authorization: `Bearer ${USER_KEY}` } },
          },
        }),
      },
    }),
  );
  await createAgent(here, "reader", { mcp_servers: [{ name: "library" }], allowed_tools: ["library__agent__*"] });
  await until("its tools are there", async () => {
    const { tools, era } = await askAdmin(here, "GET /agents/reader/mcp_servers/library");
    return era === ERAS[0] && tools.includes("library__agent__librarian");
  });
  const { id } = await ask(here, "POST /conversations", { body: {} });
  await ask(here, `POST /conversations/${id}/messages`, { body: { content: "What is there to read?" } });
  const run = await ask(here, `POST /conversations/${id}/runs`, { body: { agent_id: "reader" } });
  const owned = stack.move();
  return { library, here, run, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

Deno.test("a run of another MUXI is a task, and what it waits for is asked here", async () => {
  const toolbox = scriptedToolbox({ send: { act: () => ({ result: "sent", is_error: false }) } });
  const wish = { tool_calls: [{ name: "send", arguments: { to: "ada" } }] };
  await using world = await openLibrary([wish, { tokens: ["Moby Dick"] }], toolbox);
  const { here, run } = world;
  const question = await until("a person is asked", async () => (await ask(here, "GET /approvals")).data[0]);
  assert.match(question.question.message, /wants to call send/);
  assert.equal(toolbox.calls.length, 0);
  await ask(here, `POST /runs/${run.id}/tool_calls/${question.tool_call_id}/decision`, {
    body: { decision: "approve", arguments: { approve: true } },
  });
  await untilStatus(here, run.id, "completed");
  assert.equal(toolbox.calls.length, 1);
  const { data } = await ask(here, `GET /runs/${run.id}/steps`);
  assert.match(JSON.stringify(data.flatMap(({ tool_calls }: Json) => tool_calls)), /Moby Dick/);
});

Deno.test("a run of another MUXI ends there when the call here is cancelled", async () => {
  await using world = await openLibrary([{ tokens: ["Well", "…"], delay: 600_000 }]);
  const { here, library, run } = world;
  const other = await until("it runs there", async () => (await ask(library, "GET /runs?status=running")).data[0]);
  await ask(here, `POST /runs/${run.id}/cancel`);
  await untilStatus(library, other.id, "cancelled");
});
