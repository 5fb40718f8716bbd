import { strict as assert } from "node:assert";
import type { Toolbox } from "../../src/ports/toolbox.ts";
import { ADMIN_KEY, connect, ERAS } from "../support/mcp_door.ts";
import { startProvider } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { until } from "../support/story.ts";
import { scriptedToolbox } from "../support/toolbox.ts";

for (const era of ERAS) {
  Deno.test(`a client of ${era} is offered what its key may do`, async () => {
    await using server = await startServer();
    await using user = await connect(server, { era });
    await using admin = await connect(server, { era, key: ADMIN_KEY });
    const [forUser, forAdmin] = await Promise.all([user.listTools(), admin.listTools()]);
    const names = forUser.tools.map(({ name }) => name);
    assert.ok(names.includes("chat_send") && names.includes("agent_list") && names.includes("agent__assistant"));
    assert.ok(!names.includes("agent_create"));
    const more = forAdmin.tools.map(({ name }) => name);
    assert.ok(more.includes("agent_create") && names.every((name) => more.includes(name)));
    const list = forUser.tools.find(({ name }) => name === "agent_list")!;
    assert.equal(list.annotations?.readOnlyHint, true);
    assert.equal(list.inputSchema.type, "object");
    assert.ok(list.outputSchema);
    const remove = forAdmin.tools.find(({ name }) => name === "agent_delete")!;
    assert.equal(remove.annotations?.destructiveHint, true);
    await assert.rejects(
      user.callTool({ name: "agent_delete", arguments: { agent_id: "assistant" } }),
      /there is none/,
    );
    assert.equal((await server.request("GET", "/agents/assistant")).status, 200);
  });

  Deno.test(`a client of ${era} calls operations, and a model can read what was wrong`, async () => {
    await using server = await startServer();
    await using client = await connect(server, { era });
    const { structuredContent, content } = await client.callTool({
      name: "agent_get",
      arguments: { agent_id: "assistant" },
    });
    assert.equal((structuredContent as { id: string }).id, "assistant");
    assert.deepEqual(JSON.parse((content as { text: string }[])[0]!.text), structuredContent);
    const missing = await client.callTool({ name: "agent_get", arguments: { agent_id: "nobody" } });
    assert.equal(missing.isError, true);
    assert.match((missing.content as { text: string }[])[0]!.text, /^AgentNotFoundError: .*"nobody"/);
    const wrong = await client.callTool({ name: "agent_get", arguments: { agent: "assistant" } });
    assert.match((wrong.content as { text: string }[])[0]!.text, /^ValidationError: /);
    await assert.rejects(client.callTool({ name: "no_such_tool" }), { code: -32602 });
  });

  Deno.test(`a client of ${era} talks to an agent, hears it speak, and goes on with the conversation`, async () => {
    await using provider = await startProvider({
      script: ({ body }) => ({
        tokens: [
          `${body.messages.filter(({ role }: { role: string }) => role === "user").length}`,
          " message",
          "s so far, ",
          "and all of them were read",
        ],
        delay: 30,
      }),
    });
    await using server = await startServer({ provider: provider.url });
    await using client = await connect(server, { era });
    const told: string[] = [];
    const first = await client.callTool({ name: "agent__assistant", arguments: { message: "Hello" } }, {
      onprogress: ({ message }) => void told.push(message ?? ""),
    });
    const answer = first.structuredContent as { run_id: string; conversation_id: string; status: string };
    assert.equal(answer.status, "completed");
    assert.deepEqual(first.content, [{ type: "text", text: "1 messages so far, and all of them were read" }]);
    assert.ok(
      told.length > 0 && told.every((text) => "1 messages so far, and all of them were read".startsWith(text)),
      told.join("|"),
    );
    const run = await (await server.request("GET", `/runs/${answer.run_id}`)).json();
    assert.equal(run.conversation_id, answer.conversation_id);
    const { conversation_id } = answer;
    const second = await client.callTool({
      name: "agent__assistant",
      arguments: { message: "Again", conversation_id },
    });
    assert.match((second.content as { text: string }[])[0]!.text, /^2 messages/);
    const through = await client.callTool({ name: "chat_send", arguments: { message: "And again", conversation_id } });
    assert.match((through.content as { text: string }[])[0]!.text, /^3 messages/);
    const unknown = await client.callTool({ name: "agent__nobody", arguments: { message: "Hello" } });
    assert.match((unknown.content as { text: string }[])[0]!.text, /^AgentNotFoundError/);
  });
}

for (const era of ERAS) {
  Deno.test(`a tool of a server behind tells a client of ${era} how far it is, and is cancelled with the call`, async () => {
    let wasCancelled = false;
    const scripted = scriptedToolbox({
      time__wait: {
        parameters: { type: "object", properties: { zone: { type: "string" } } },
        act: () => assert.fail(),
      },
    });
    const toolbox: Toolbox = {
      ...scripted,
      async call(_, { forever }, { signal, onProgress }) {
        onProgress?.({ progress: 1, total: 2, message: "half" });
        await new Promise((resolve) => {
          setTimeout(resolve, forever ? 60_000 : 100);
          signal.addEventListener("abort", resolve);
        });
        wasCancelled = signal.aborted;
        const link = { type: "resource_link" as const, uri: "file:///a", name: "a", media_type: "text/plain" };
        const picture = { type: "image" as const, data: "aGk=", media_type: "image/png" };
        return { content: [link, picture], structured_content: { noon: true }, is_error: false };
      },
    };
    await using server = await startServer({ ports: { toolbox }, settings: { auth: { user_scopes: ["tools"] } } });
    await using client = await connect(server, { era });
    const told: unknown[] = [];
    const answer = await client.callTool({ name: "time__wait", arguments: {} }, {
      onprogress: (progress) => void told.push(progress),
    });
    assert.deepEqual(told, [{ progress: 1, total: 2, message: "half" }]);
    assert.deepEqual(answer.structuredContent, { noon: true });
    assert.deepEqual(answer.content, [
      { type: "resource_link", uri: "muxi://servers/time/file:///a", name: "a", mimeType: "text/plain" },
      { type: "image", data: "aGk=", mimeType: "image/png" },
    ]);
    assert.equal(wasCancelled, false);
    const stopping = new AbortController();
    const calling = client.callTool({ name: "time__wait", arguments: { forever: true } }, {
      signal: stopping.signal,
      onprogress: () => stopping.abort(),
    });
    await assert.rejects(calling);
    await until("the tool is told", () => wasCancelled);
  });
}
