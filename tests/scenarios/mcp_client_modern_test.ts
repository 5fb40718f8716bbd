import { strict as assert } from "node:assert";
import { toolText } from "../../src/domain/tool.ts";
import { connectorForTests, toConnectOptions, toServer } from "../support/mcp_client_connector.ts";
import { type Message, openEvents, startHttpUpstream, toResponse } from "../support/mcp_client_http_server.ts";
import { callOptions, failureOf } from "../support/mcp_client_odd.ts";
import { until } from "../support/story.ts";

const connect = (url: string, options?: Parameters<typeof toConnectOptions>[0], fields = {}) =>
  connectorForTests().connect(toServer({ url, ...fields }), toConnectOptions(options));

Deno.test("a server that listens for us tells when its lists change, once for many changes", async () => {
  const events = openEvents();
  await using upstream = startHttpUpstream(({ message }) => {
    if (message?.method === "server/discover") {
      return { supportedVersions: ["2026-07-28"], capabilities: { tools: { listChanged: true } } };
    }
    if (message?.method !== "subscriptions/listen") return undefined;
    const _meta = { "io.modelcontextprotocol/subscriptionId": message.id };
    const say = (method: string, params: object) =>
      events.write({ jsonrpc: "2.0", method: `notifications/${method}`, params: { _meta, ...params } });
    say("subscriptions/acknowledged", { notifications: { toolsListChanged: true } });
    for (let i = 0; i < 100; i++) say("tools/list_changed", {});
    return events.response;
  });
  const changes: string[] = [];
  const changed = Promise.withResolvers<void>();
  const connection = await connect(upstream.url, {
    handlers: {
      onListChanged: (kind) => {
        changes.push(kind);
        changed.resolve();
      },
    },
  });
  await changed.promise;
  await connection.close();
  await events.closed;
  assert.deepEqual(changes, ["tools"]);
});

Deno.test("a server that doesn't listen, and says so with our key in its words, has these logged without it", async () => {
  const key = "plainwordsofakey";
  await using upstream = startHttpUpstream(({ message, headers }) => {
    if (message?.method === "server/discover") {
      return { supportedVersions: ["2026-07-28"], capabilities: { tools: { listChanged: true } } };
    }
    if (message?.method !== "subscriptions/listen") return undefined;
    const error = { code: -32000, message: `Not for ${headers.get("x-key")}` };
    return Response.json({ jsonrpc: "2.0", id: message.id, error });
  });
  const lines: string[] = [];
  const server = toServer({ url: upstream.url, headers: { "X-Key": key } });
  const connection = await connectorForTests({}, lines).connect(server, toConnectOptions());
  const line = await until("it is logged", () => lines.find((line) => line.includes("doesn't tell when")));
  assert.match(line, /Not for \[masked\]/);
  assert.ok(!lines.join().includes(key));
  await connection.close();
});

Deno.test("a call that needs input is asked again with it, and with the server's state", async () => {
  const calls: Message[] = [];
  await using upstream = startHttpUpstream(({ message }) => {
    if (message?.method !== "tools/call") return undefined;
    calls.push(message);
    if (calls.length > 1) return undefined;
    return {
      resultType: "input_required",
      requestState: "opaque",
      inputRequests: {
        name: {
          method: "elicitation/create",
          params: {
            mode: "form",
            message: "Who?",
            requestedSchema: {
              type: "object",
              properties: { name: { type: "string" }, age: { type: "integer", default: 36 } },
            },
          },
        },
        text: {
          method: "sampling/createMessage",
          params: { messages: [{ role: "user", content: { type: "text", text: "Say hello" } }], maxTokens: 10 },
        },
      },
    };
  });
  const asked: unknown[] = [];
  const connection = await connect(upstream.url, {
    handlers: {
      elicit: ({ message }, { tool_call_id }) => {
        asked.push([message, tool_call_id]);
        return Promise.resolve({ action: "accept", content: { name: "Ada" } });
      },
      sample: ({ messages, max_tokens }, { tool_call_id }) => {
        asked.push([messages[0]!.content, max_tokens, tool_call_id]);
        return Promise.resolve({ model: "m", text: "Hello", stop_reason: "endTurn" });
      },
    },
  }, { sampling: "allow" });
  const options = callOptions();
  assert.deepEqual(await connection.callTool("echo", { a: 1 }, options), toolText('{"a":1}'));
  assert.deepEqual(asked, [
    ["Who?", options.tool_call_id],
    [[{ type: "text", text: "Say hello" }], 10, options.tool_call_id],
  ]);
  const { inputResponses, requestState, arguments: args } = calls[1]!.params!;
  assert.deepEqual([requestState, args], ["opaque", { a: 1 }]);
  assert.deepEqual(inputResponses, {
    name: { action: "accept", content: { name: "Ada", age: 36 } },
    text: { model: "m", role: "assistant", content: { type: "text", text: "Hello" }, stopReason: "endTurn" },
  });
  assert.notEqual(calls[0]!.id, calls[1]!.id);
  await connection.close();
});

Deno.test("a server that never has enough input is given up", async () => {
  await using upstream = startHttpUpstream(({ message }) =>
    message?.method === "tools/call"
      ? {
        resultType: "input_required",
        inputRequests: {
          a: { method: "elicitation/create", params: { message: "?", requestedSchema: { type: "object" } } },
        },
      }
      : undefined
  );
  const connection = await connect(upstream.url);
  const failure = await failureOf(connection.callTool("echo", {}, callOptions()));
  assert.equal(failure.kind, "protocol");
  assert.match(failure.message, /still asks for input after 10 rounds$/);
  await connection.close();
});

Deno.test("arguments that a server wants in headers go there, and tools that want forbidden ones aren't offered", async () => {
  const tool = (name: string, header: string) => ({
    name,
    inputSchema: { type: "object", properties: { region: { type: "string", "x-mcp-header": header } } },
  });
  await using upstream = startHttpUpstream(({ message }) =>
    message?.method === "tools/list" ? { tools: [tool("good", "Region"), tool("bad", "Re gion")] } : undefined
  );
  const connection = await connect(upstream.url);
  const tools = await connection.listTools(new AbortController().signal);
  assert.deepEqual(tools.map(({ name }) => name), ["good"]);
  assert.deepEqual(await connection.callTool("good", { region: "eu" }, callOptions()), toolText('{"region":"eu"}'));
  const { headers } = upstream.heard.find(({ message }) => message?.method === "tools/call")!;
  assert.deepEqual(
    ["mcp-param-region", "mcp-name", "mcp-method"].map((name) => headers.get(name)),
    ["eu", "good", "tools/call"],
  );
  await connection.close();
});

Deno.test("the same works over a WebSocket, with the given headers, until the server leaves", async () => {
  const seen: (string | null)[] = [];
  const sockets = new Set<WebSocket>();
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    seen.push(request.headers.get("x-key"), new URL(request.url).searchParams.get("token"));
    if (!request.headers.has("x-key")) return new Response("Who are you?", { status: 401 });
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "mcp" });
    sockets.add(socket);
    socket.onmessage = async ({ data }) => {
      const message: Message = JSON.parse(data);
      if (message.params?.name === "silent") return;
      const result = message.method === "server/discover"
        ? { supportedVersions: ["2026-07-28"], capabilities: { tools: {} } }
        : { content: [{ type: "text", text: "hi" }] };
      if (message.id !== undefined) socket.send(JSON.stringify(await toResponse(message, result).json()));
    };
    return response;
  });
  const url = `ws://127.0.0.1:${server.addr.port}/ws`;
  const credentials = [{ id: "t", param_name: "?token", required: true, value: "in-the-query" }];
  const connection = await connect(url, {}, { headers: { "X-Key": "secret-key" }, credentials });
  assert.deepEqual([connection.type, connection.era], ["websocket", "2026-07-28"]);
  assert.deepEqual(seen, ["secret-key", "in-the-query"]);
  assert.deepEqual(await connection.callTool("echo", {}, callOptions()), toolText("hi"));
  const waiting = failureOf(connection.callTool("silent", {}, callOptions()));
  for (const socket of sockets) socket.close(1001, "Going away");
  assert.match((await waiting).message, /It closed the connection \(1001: Going away\)$/);
  assert.match((await connection.closed)!.message, /Going away/);
  await connection.close();
  const refused = await failureOf(connect(url));
  assert.equal(refused.kind, "unauthorized");
});
