import { strict as assert } from "node:assert";
import type { Client } from "@modelcontextprotocol/client";
import type { CatalogChange } from "../../src/ports/toolbox.ts";
import { ADMIN_KEY, connect, ERAS, modern } from "../support/mcp_door.ts";
import { startProvider } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { ask, createAgent, type Json, until, untilStatus } from "../support/story.ts";
import { scriptedToolbox } from "../support/toolbox.ts";
import { startWorld, tokenOf } from "../support/world.ts";

async function read(client: Client, uri: string): Promise<Json> {
  const { contents } = await client.readResource({ uri });
  return JSON.parse((contents[0] as { text: string }).text);
}

for (const era of ERAS) {
  Deno.test(`a client of ${era} reads its conversations and runs, page by page, and nobody else's`, async () => {
    await using world = await startWorld();
    const { server } = world;
    const bobs = await world.things();
    await using client = await connect(server, { era });
    const own: string[] = [];
    for (let i = 0; i < 60; i++) {
      own.push((await ask(server, "POST /conversations", { body: { title: `Talk ${i}` } })).id);
    }
    const answer = await ask(server, "POST /chat", { body: { message: "Hello", conversation_id: own[0] } });
    const uris: string[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page: Json = await client.request({
        method: "resources/list",
        params: cursor === undefined ? {} : { cursor },
      });
      uris.push(...page.resources.map(({ uri }: Json) => uri));
      cursor = page.nextCursor;
      pages++;
    } while (cursor !== undefined);
    assert.equal(pages, 2, "The second page is filled with runs and what other servers let read");
    assert.deepEqual(
      new Set(uris),
      new Set([
        ...own.map((id) => `muxi://conversations/${id}`),
        `muxi://runs/${answer.run_id}`,
        "muxi://servers/library/library://news",
      ]),
    );
    const talk = await read(client, `muxi://conversations/${own[0]}`);
    assert.equal(talk.messages.length, 2);
    const run = await read(client, `muxi://runs/${answer.run_id}`);
    assert.equal(run.steps.length, 1);
    const { conversation_id, run_id } = bobs;
    await using stranger = await connect(server, { era, key: "sk_muxi_user_of_another_0123456789" });
    for (
      const uri of [
        `muxi://conversations/${conversation_id}`,
        `muxi://runs/${run_id}`,
        "muxi://runs/nothing",
        "file:///etc/passwd",
      ]
    ) {
      await assert.rejects(stranger.readResource({ uri }), /not found/i);
    }
    const { resources: others } = await stranger.listResources();
    assert.deepEqual(others.map(({ uri }) => uri), ["muxi://servers/library/library://news"]);
    const { resourceTemplates } = await client.listResourceTemplates();
    assert.deepEqual(resourceTemplates.map(({ name }) => name), ["conversation", "run"]);
    const ref = { type: "ref/resource" as const, uri: "muxi://runs/{run_id}" };
    const { completion } = await client.complete({ ref, argument: { name: "run_id", value: "run_" } });
    assert.deepEqual(completion.values, [answer.run_id]);
    const none = await client.complete({ ref, argument: { name: "run_id", value: "x" } });
    assert.deepEqual(none.completion.values, []);
  });

  Deno.test(`a client of ${era} is offered the prompts of agents, and fills them in`, async () => {
    await using server = await startServer();
    const prompts = [{
      name: "review",
      description: "Reviews a text",
      arguments: [{ name: "text", required: true }, { name: "tone" }],
      text: "Review this {{ tone }}: {{text}} {{other}}",
    }];
    await createAgent(server, "editor", { prompts });
    await using client = await connect(server, { era });
    const listed = await client.listPrompts();
    assert.deepEqual(listed.prompts.map(({ name }) => name), ["editor__review"]);
    const filled = await client.getPrompt({ name: "editor__review", arguments: { text: "a $& poem" } });
    assert.deepEqual(filled.messages, [
      { role: "user", content: { type: "text", text: "Review this : a $& poem {{other}}" } },
    ]);
    await assert.rejects(client.getPrompt({ name: "editor__review" }), /needs the argument "text"/);
    for (const name of ["editor__nothing", "nobody__review", "review", "../x__y"]) {
      await assert.rejects(client.getPrompt({ name }), { code: -32602 });
    }
    const { prompts: shown } = await ask(server, "GET /agents/editor");
    assert.equal(shown[0].text, prompts[0]!.text);
  });

  Deno.test(`a client of ${era} hears that tools change, and nobody watches when it has left`, async () => {
    const told: ((change: CatalogChange) => void)[] = [];
    const toolbox = {
      ...scriptedToolbox({}),
      watch: (listener: (change: CatalogChange) => void) => {
        told.push(listener);
        return { [Symbol.dispose]: () => void told.splice(told.indexOf(listener), 1) };
      },
    };
    await using provider = await startProvider({ script: { tokens: ["Well", "…"], delay: 600_000 } });
    await using server = await startServer({ provider: provider.url, ports: { toolbox } });
    const heard: string[] = [];
    {
      await using client = await connect(server, {
        era,
        listChanged: { tools: { autoRefresh: false, onChanged: () => void heard.push("tools") } },
      });
      await until("somebody watches", () => told.length === 1);
      told[0]!({ kind: "tools", server: "time" });
      await until("the change is heard", () => heard.includes("tools"));
      await client.listTools();
    }
    await until("nobody watches any more", () => told.length === 0);
    assert.deepEqual(heard, ["tools"]);
  });
}

for (const era of ERAS) {
  Deno.test(`a client of ${era} hears of agents that come, change and go, of its own tenant`, async () => {
    await using world = await startWorld();
    const { server } = world;
    const heard: string[] = [];
    const told = (name: string) => ({ autoRefresh: false, debounceMs: 0, onChanged: () => void heard.push(name) });
    const listChanged = { tools: told("tools"), prompts: told("prompts") };
    await using mine = await connect(server, { era, listChanged });
    const others: string[] = [];
    await using other = await connect(server, {
      era,
      key: await tokenOf("alice", { tenant_id: "elsewhere" }),
      listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: () => void others.push("tools") } },
    });
    // The older era is told over a stream that the client opens by itself.
    await until("both listen", async () => {
      await createAgent(server, `warm-${crypto.randomUUID().slice(0, 8)}`, {});
      return heard.includes("tools");
    });
    const changes: (() => Promise<unknown>)[] = [
      () => createAgent(server, "editor", {}),
      () => ask(server, "PATCH /agents/editor", { key: ADMIN_KEY, body: { description: "Reviews" } }),
      () =>
        ask(server, "POST /agents/import", {
          key: ADMIN_KEY,
          body: { content: JSON.stringify([{ id: "editor", name: "Other" }]), format: "json" },
        }),
      () => ask(server, "DELETE /agents/editor", { key: ADMIN_KEY, status: 204 }),
    ];
    for (const change of changes) {
      heard.length = 0;
      await change();
      await until("it is told", () => heard.includes("tools") && heard.includes("prompts"));
    }
    assert.ok((await mine.listTools()).tools.length > 0 && (await other.listTools()).tools.length > 0);
    assert.deepEqual(others, []);
  });
}

Deno.test("who watches a run of theirs hears of it, and of another's nothing", async () => {
  await using provider = await startProvider({ script: { tokens: ["Well", "…"], delay: 600_000 } });
  await using server = await startServer({ provider: provider.url });
  const { id } = await ask(server, "POST /conversations", { body: {} });
  await ask(server, `POST /conversations/${id}/messages`, { body: { content: "Hello" } });
  const { id: run_id } = await ask(server, `POST /conversations/${id}/runs`, { body: {} });
  const uri = `muxi://runs/${run_id}`;
  await provider.received();
  await using older = await connect(server, { era: "2025-11-25" });
  const heard: string[] = [];
  older.setNotificationHandler("notifications/resources/updated", ({ params }) => void heard.push(params.uri));
  await older.subscribeResource({ uri });
  for (const wrong of ["muxi://runs/run_0nowhere0", `muxi://conversations/${id}`, "nonsense"]) {
    await assert.rejects(older.subscribeResource({ uri: wrong }), { code: -32602 }, wrong);
  }
  const stopping = new AbortController();
  const params = { notifications: { resourceSubscriptions: [uri] } };
  const mine = await modern(server, "subscriptions/listen", params, { signal: stopping.signal });
  const admins = await modern(server, "subscriptions/listen", {
    notifications: { resourceSubscriptions: ["muxi://runs/run_0nowhere0"] },
  }, {
    key: ADMIN_KEY,
    signal: stopping.signal,
  });
  let text = "";
  const reading = (async () => {
    for await (const chunk of mine.body!.pipeThrough(new TextDecoderStream())) text += chunk;
  })().catch(() => {});
  await until("what was is told", () => text.includes("resources/updated"));
  const before = [text.length, heard.length] as const;
  await ask(server, `POST /runs/${run_id}/cancel`);
  await untilStatus(server, run_id, "cancelled");
  await until("the end is told", () => text.length > before[0] && heard.length > before[1]);
  assert.ok(heard.every((one) => one === uri));
  stopping.abort();
  await admins.body?.cancel().catch(() => {});
  await reading;
});
