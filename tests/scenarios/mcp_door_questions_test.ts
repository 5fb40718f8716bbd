/**
 * What a real tool server asks while somebody calls it through the MCP door, answered by their own client.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { type Client, SSEClientTransport, type Transport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import type { McpServer } from "../../src/domain/mcp_server.ts";
import { toolText } from "../../src/domain/tool.ts";
import { connectorForTests } from "../support/mcp_client_connector.ts";
import { spawnPlainly } from "../support/mcp_client_process.ts";
import { EVERYTHING } from "../support/mcp_client_real.ts";
import { scriptedConnector, ScriptedServer } from "../support/mcp_hub_connector.ts";
import { ADMIN_KEY, connect, createClient, ERAS, lastMessage, modern, USER_KEY } from "../support/mcp_door.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { streamFrames } from "../support/events.ts";
import { ask, askAdmin, type Json, until } from "../support/story.ts";

const OTHER_KEY = "sk_muxi_user_of_another_0123456789";
const ASKS = { name: "everything__trigger-elicitation-request", arguments: {} };
const SUM = { name: "everything__get-sum", arguments: { a: 2, b: 3 } };
const FORMS = "io.modelcontextprotocol/clientCapabilities";

/** A server with the reference server behind it, over its standard streams: there a question names no call. */
async function startHouse(
  fields: Json = {},
  { onLog, connector = connectorForTests() }: {
    onLog?: (line: string) => void;
    connector?: ReturnType<typeof connectorForTests>;
  } = {},
): Promise<TestServer> {
  const args = ["run", "-A", "--no-config", "--no-lock", EVERYTHING];
  const server = await startServer({
    settings: {
      auth: { user_scopes: ["tools"], api_keys: [`other:user:${OTHER_KEY}`] },
      mcp_servers: JSON.stringify({ mcpServers: { everything: { command: Deno.execPath(), args, ...fields } } }),
    },
    // Which programs may do what is told elsewhere: here they run as they are.
    ports: { connector },
    ...onLog && { onLog },
  });
  await until("its tools are there", async () => (await ask(server, "GET /tools")).data.length > 0);
  return server;
}

/** Lets the tool be called only when a person says so. */
async function wantPerson(server: TestServer, tool: string): Promise<void> {
  const body = { create: true, servers: ["everything"], tools: { [tool]: { decision: "ask", reason: "It counts" } } };
  await askAdmin(server, "PATCH /policies/careful", { body });
}

function textOf({ content }: Json): string {
  return content.map(({ text = "" }: Json) => text).join("\n");
}

/** Answers as `name`, and notes what it was asked. */
function answerAs(client: Client, name: string): string[] {
  const asked: string[] = [];
  client.setRequestHandler("elicitation/create", ({ params }) => {
    asked.push(params.message);
    return { action: "accept", content: { name, check: true } };
  });
  return asked;
}

for (const era of ERAS) {
  Deno.test(`a client of ${era} is asked what the server of a tool asks, each their own`, async () => {
    await using server = await startHouse();
    await using client = await connect(server, { era, capabilities: { elicitation: { form: {} } } });
    await using other = await connect(server, { era, key: ADMIN_KEY, capabilities: { elicitation: {} } });
    const asked = answerAs(client, "Ada");
    answerAs(other, "Bob");
    assert.match(textOf(await client.callTool(ASKS)), /Name: Ada/);
    const [ada, bob] = await Promise.all([client.callTool(ASKS), other.callTool(ASKS)]);
    assert.match(textOf(ada), /Name: Ada/);
    assert.match(textOf(bob), /Name: Bob/);
    assert.equal(asked.length, 2);
    assert.match(asked[0]!, /^The tool server "everything" asks: Please provide inputs/);
    client.setRequestHandler("elicitation/create", () => ({ action: "decline" }));
    assert.match(textOf(await client.callTool(ASKS)), /declined/);
  });

  Deno.test(`the model of a client of ${era} is lent where the server's definition lets it be`, async () => {
    await using server = await startHouse({ sampling: "allow" });
    await using client = await connect(server, { era, capabilities: { sampling: {} } });
    client.setRequestHandler("sampling/createMessage", ({ params }) => ({
      model: "tiny",
      role: "assistant",
      content: { type: "text", text: `Heard ${JSON.stringify(params.messages)}`.slice(0, 200) },
      stopReason: "endTurn",
    }));
    const name = "everything__trigger-sampling-request";
    const said = textOf(await client.callTool({ name, arguments: { prompt: "a poem" } }));
    assert.match(said, /Heard .*a poem/s);
    assert.match(said, /"?model"?: "tiny"/);
  });

  Deno.test(`where a policy wants a person, the one at an admin's client of ${era} is shown the exact call`, async () => {
    await using server = await startHouse();
    await wantPerson(server, "get-sum");
    await using client = await connect(server, { era, key: ADMIN_KEY, capabilities: { elicitation: {} } });
    const asked: string[] = [];
    let approve = true;
    client.setRequestHandler("elicitation/create", ({ params }) => {
      asked.push(params.message);
      return { action: "accept", content: { approve } };
    });
    assert.match(textOf(await client.callTool(SUM)), /is 5/);
    assert.match(asked[0]!, /May the tool "everything__get-sum" be called with \{"a":2,"b":3\}\? It counts\./);
    approve = false;
    const refused = await client.callTool(SUM);
    assert.equal(refused.isError, true);
    assert.match(textOf(refused), /the person who was asked did not allow it/);
    await using mute = await connect(server, { era, key: ADMIN_KEY });
    assert.match(textOf(await mute.callTool(SUM)), /a person has to approve each call \(It counts\): confirm it with/);
    await using user = await connect(server, { era, capabilities: { elicitation: {} } });
    answerAs(user, "Ada");
    assert.match(textOf(await user.callTool(SUM)), /let an agent call it, or have its policy say allow/);
  });
}

Deno.test("a policy that is another by the time a person has said yes is the one that counts", async () => {
  await using server = await startHouse();
  await wantPerson(server, "get-sum");
  await using client = await connect(server, { key: ADMIN_KEY, capabilities: { elicitation: {} } });
  let tools: Json = {};
  client.setRequestHandler("elicitation/create", async () => {
    await askAdmin(server, "PATCH /policies/careful", { body: { tools } });
    return { action: "accept", content: { approve: true } };
  });
  tools = { "get-sum": { decision: "ask", arguments: { type: "object", properties: { a: { maximum: 1 } } } } };
  assert.match(textOf(await client.callTool(SUM)), /policy "careful" does not allow these arguments: .*a/);
  await wantPerson(server, "get-sum");
  tools = { "get-sum": { decision: "deny", reason: "Not any more" } };
  assert.match(textOf(await client.callTool(SUM)), /Not any more/);
});

/** What a program says; from its first question on it is held back until there is another: both calls are open then. */
function untilTwoAsk(stdout: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = stdout.getReader();
  const decoder = new TextDecoder();
  const held: Uint8Array[] = [];
  let said = "";
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      do {
        const { done, value } = await reader.read();
        if (done) {
          controller.close();
          controller.byobRequest?.respond(0);
          return;
        }
        said += decoder.decode(value, { stream: true });
        held.push(value);
      } while (said.split('"method":"elicitation/create"').length === 2);
      for (const one of held.splice(0)) controller.enqueue(one as Uint8Array<ArrayBuffer>);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

Deno.test("where a server never asked before and two are asked at once, one question is cancelled and the other reaches its own", async () => {
  const lines: string[] = [];
  const spawn = async (server: McpServer) => {
    const child = await spawnPlainly(server);
    return { ...child, stdout: untilTwoAsk(child.stdout) };
  };
  const connector = connectorForTests({ spawn });
  await using server = await startHouse({}, { onLog: (line) => void lines.push(line), connector });
  await using client = await connect(server, { capabilities: { elicitation: {} } });
  await using other = await connect(server, { key: OTHER_KEY, capabilities: { elicitation: {} } });
  answerAs(client, "Ada");
  answerAs(other, "Bob");
  const [ada, bob] = (await Promise.all([client.callTool(ASKS), other.callTool(ASKS)])).map(textOf);
  const isAda = /Name: Ada/.test(ada!);
  assert.match(isAda ? ada! : bob!, isAda ? /Name: Ada/ : /Name: Bob/);
  assert.match(isAda ? bob! : ada!, /"action": "cancel"/);
  const told = lines.filter((line) => line.includes("Nobody was asked what a tool server wants to know"));
  assert.equal(told.length, 1);
  assert.match(told[0]!, /the server doesn't say in which call it asks/);
});

const authorization = `Bearer ${USER_KEY}`;

function toSse(server: TestServer): Transport {
  return new SSEClientTransport(new URL(`${server.url}/api/v1/mcp/stream`), {
    requestInit: { headers: { authorization } },
    eventSourceInit: {
      fetch: (url, init) => fetch(url, { ...init, headers: { ...init?.headers as object, authorization } }),
    },
  });
}

function toSocket(server: TestServer): Transport {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/mcp/ws`, {
    headers: { authorization },
    protocols: ["mcp"],
  });
  const transport: Transport = {
    start: () =>
      new Promise((resolve, reject) => {
        socket.onopen = () => resolve();
        socket.onerror = () => reject(new Error("Cannot connect"));
        socket.onmessage = ({ data }) => transport.onmessage?.(JSON.parse(data));
        socket.onclose = () => transport.onclose?.();
      }),
    send: (message) => Promise.resolve(socket.send(JSON.stringify(message))),
    close: () => Promise.resolve(socket.close()),
  };
  return transport;
}

/** `muxi mcp serve`, which speaks with the server over its API. */
function toProgram(server: TestServer): Transport {
  const main = new URL("../../main.ts", import.meta.url).pathname;
  const { PATH = "", HOME = "", DENO_DIR } = Deno.env.toObject();
  const env = { PATH, HOME, MUXI_URL: server.url, MUXI_KEY: USER_KEY, ...DENO_DIR !== undefined && { DENO_DIR } };
  const args = ["run", "-A", "--quiet", "--unstable-no-legacy-abort", main, "mcp", "serve"];
  return new StdioClientTransport({ command: Deno.execPath(), args, env });
}

const DOORS = { "HTTP+SSE": toSse, "a WebSocket": toSocket, "standard input and output": toProgram };

for (const [door, open] of Object.entries(DOORS)) {
  for (const era of ERAS.filter((era) => door !== "HTTP+SSE" || era !== "2026-07-28")) {
    Deno.test(`a client of ${era} is asked over ${door}`, async () => {
      await using server = await startHouse();
      const client = createClient({ era, capabilities: { elicitation: {} } });
      await client.connect(open(server));
      answerAs(client, "Ada");
      assert.match(textOf(await client.callTool(ASKS)), /Name: Ada/);
      await client.close();
    });
  }
}

Deno.test("a client that leaves while it is asked ends its call, and one that can't answer hears why", async () => {
  const left = Promise.withResolvers<void>();
  const desk = new ScriptedServer();
  desk.calling = async (_, { signal, tool_call_id }) => {
    signal.addEventListener("abort", () => left.resolve(), { once: true });
    const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
    const question = { message: "Which city?", schema };
    return toolText(JSON.stringify(await desk.options!.handlers.elicit(question, { signal, tool_call_id })));
  };
  await using server = await startServer({
    settings: { auth: { user_scopes: ["tools"] }, mcp_servers: [{ name: "desk", url: "https://desk.test/mcp" }] },
    ports: { connector: scriptedConnector({ desk }) },
  });
  await until("its tools are there", async () => (await ask(server, "GET /tools")).data.length > 0);
  await using client = await connect(server, { era: "2025-11-25", capabilities: { elicitation: {} } });
  const leaving = new AbortController();
  client.setRequestHandler("elicitation/create", () => {
    leaving.abort();
    return new Promise(() => {});
  });
  await assert.rejects(client.callTool({ name: "desk__echo" }, { signal: leaving.signal }));
  await left.promise;
  for (const era of ERAS) {
    await using other = await connect(server, { era, capabilities: { elicitation: {} } });
    other.setRequestHandler("elicitation/create", () => ({ action: "accept", content: { city: 7 } }));
    const refused = await other.callTool({ name: "desk__echo" });
    assert.equal(refused.isError, true);
    assert.match(textOf(refused), /city/);
  }
});

Deno.test("a client that can't be asked cancels what is asked, which is noted, and nobody declines for it", async () => {
  const lines: string[] = [];
  await using server = await startHouse({}, { onLog: (line) => void lines.push(line) });
  await using client = await connect(server);
  assert.match(textOf(await client.callTool(ASKS)), /"action": "cancel"/);
  assert.ok(lines.some((line) => /its caller doesn't say that it can answer \(form\)/.test(line)));
});

Deno.test("a held call is gone on with by its own client only, once, and as the tool it is", async () => {
  await using server = await startHouse();
  const call = (params: Json, key = USER_KEY): Promise<Json> =>
    modern(server, "tools/call", params, { key, meta: { [FORMS]: { elicitation: { form: {} } } } }).then(lastMessage);
  const { result: { inputRequests, requestState, resultType } } = await call(ASKS);
  assert.equal(resultType, "input_required");
  const [id] = Object.keys(inputRequests);
  const inputResponses = { [id!]: { action: "accept", content: { name: "Ada", check: true } } };
  const answer = { ...ASKS, requestState, inputResponses };
  const others: [Json, string][] = [
    [answer, OTHER_KEY],
    [answer, ADMIN_KEY],
    [{ ...SUM, requestState, inputResponses }, USER_KEY],
  ];
  for (const [params, key] of others) {
    const { result } = await call(params, key);
    assert.equal(result.isError, true);
    assert.match(textOf(result), /Cannot go on with the call of/);
  }
  const { result: again } = await call({ ...ASKS, requestState });
  assert.deepEqual(Object.keys(again.inputRequests), [id], "who brings no answer is asked again");
  const { result: done } = await call({ ...answer, requestState: again.requestState });
  assert.match(textOf(done), /Name: Ada/);
  assert.equal((await call({ ...answer, requestState: again.requestState })).result.isError, true);
});

Deno.test("whoever streams a call is asked there, and answers with a request; an admin consents with the call", async () => {
  await using server = await startHouse();
  const stream = (name: string, body: Json, key = USER_KEY) =>
    server.request("POST", `/tools/${name}/call`, { body, key, headers: { accept: "text/event-stream" } });
  const types: string[] = [];
  for await (const { type, data } of streamFrames(await stream(ASKS.name, { can_answer: ["form"] }))) {
    types.push(type);
    if (type === "tool.call.result") assert.match(textOf(data.result), /Name: Ada/);
    if (type !== "tool.call.question") continue;
    const { question_id, tool_call_id, kind, tool } = data;
    assert.deepEqual([kind, tool], ["form", ASKS.name]);
    const path = `POST /tools/calls/${tool_call_id}/answer`;
    const accept = { question_id, action: "accept", content: { name: "Ada", check: true } };
    await ask(server, path, { body: accept, key: OTHER_KEY, status: 404 });
    await ask(server, path, { body: { ...accept, content: { check: "yes" } }, status: 400 });
    await ask(server, path, { body: accept });
    await ask(server, path, { body: accept, status: 404 });
  }
  assert.deepEqual(types, ["tool.call.question", "tool.call.result"]);

  await wantPerson(server, "get-sum");
  const body = { arguments: SUM.arguments };
  const call = `POST /tools/${SUM.name}/call`;
  for (
    const [way, body] of [[call, { arguments: SUM.arguments }], [`POST ^/tools/${SUM.name}`, SUM.arguments]] as const
  ) {
    assert.match((await askAdmin(server, way, { body, status: 403 })).message, /confirm it with approve: true/);
  }
  assert.match(textOf((await askAdmin(server, call, { body: { ...body, approve: true } })).result), /is 5/);
  await ask(server, call, { body: { ...body, approve: true, can_answer: ["form"] }, status: 403 });
  await askAdmin(server, call, { body: { ...body, can_answer: ["form"] }, status: 403 });
});
