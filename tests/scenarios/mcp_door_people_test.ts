import { strict as assert } from "node:assert";
import { ADMIN_KEY, connect, ERAS, lastMessage, modern } from "../support/mcp_door.ts";
import { startProvider } from "../support/provider.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { createAgent, type Json, until, untilStatus } from "../support/story.ts";
import { scriptedToolbox } from "../support/toolbox.ts";

const TASKS = { extensions: { "io.modelcontextprotocol/tasks": {} } };
const CLIENT = "io.modelcontextprotocol/clientCapabilities";

/** A server whose agent `clerk` wants to send something, and has to ask. */
async function clerk({ data_dir, times = 1 }: { data_dir?: string; times?: number } = {}) {
  await using stack = new AsyncDisposableStack();
  const wish = { tool_calls: [{ name: "send", arguments: { to: "ada" } }] };
  const script = [...new Array(times).fill(wish), { tokens: ["It is done"] }];
  const provider = stack.use(await startProvider({ script }));
  const toolbox = scriptedToolbox({ send: { act: () => ({ result: "sent", is_error: false }) } });
  const server = stack.use(
    await startServer({ provider: provider.url, ports: { toolbox }, ...data_dir !== undefined && { data_dir } }),
  );
  await createAgent(server, "clerk", { allowed_tools: ["*"], policies: { ask: ["send"] } });
  const owned = stack.move();
  return { server, toolbox, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const call = { name: "agent__clerk", arguments: { message: "Send it to Ada" } };

for (const era of ERAS) {
  Deno.test(`a person at a client of ${era} allows a call, and the same answer goes on`, async () => {
    await using world = await clerk({ times: 2 });
    await using client = await connect(world.server, { era, capabilities: { elicitation: { form: {} } } });
    const asked: string[] = [];
    client.setRequestHandler("elicitation/create", ({ params }) => {
      asked.push(params.message);
      return { action: "accept", content: { approve: true } };
    });
    const { content, structuredContent } = await client.callTool(call);
    assert.deepEqual(content, [{ type: "text", text: "It is done" }]);
    assert.equal((structuredContent as Json).status, "completed");
    assert.equal(asked.length, 2);
    assert.match(asked[0]!, /wants to call send with \{"to":"ada"\}/);
    assert.equal(world.toolbox.calls.length, 2);
    const { data } = await (await world.server.request("GET", "/runs")).json();
    assert.equal(data.length, 1);
  });

  Deno.test(`a person at a client of ${era} refuses a call`, async () => {
    await using world = await clerk();
    await using client = await connect(world.server, { era, capabilities: { elicitation: {} } });
    client.setRequestHandler("elicitation/create", () => ({ action: "decline" }));
    const { content } = await client.callTool(call);
    assert.deepEqual(content, [{ type: "text", text: "It is done" }]);
    assert.equal(world.toolbox.calls.length, 0);
  });

  Deno.test(`a client of ${era} that has no person is told what waits`, async () => {
    await using world = await clerk();
    await using client = await connect(world.server, { era });
    const { content, structuredContent, isError } = await client.callTool(call);
    assert.notEqual(isError, true);
    const { status, run_id } = structuredContent as Json;
    assert.equal(status, "waiting");
    assert.match((content as { text: string }[])[0]!.text, /waits for a person to decide about send \(tool_/);
    await untilStatus(world.server, run_id, "waiting");
  });
}

async function ask(server: TestServer, method: string, params: Record<string, unknown>, key?: string): Promise<Json> {
  const options = { meta: { [CLIENT]: TASKS }, ...key !== undefined && { key } };
  return await lastMessage(await modern(server, method, params, options));
}

Deno.test("a run is a task of its id, which outlives the server, and is answered, finished and another's business", async () => {
  const data_dir = await Deno.makeTempDir({ prefix: "muxi-test-" });
  let taskId: string;
  {
    await using world = await clerk({ data_dir });
    const { result } = await ask(world.server, "tools/call", call);
    assert.equal(result.resultType, "task");
    assert.equal(result.status, "input_required");
    taskId = result.taskId;
    assert.match(taskId, /^run_/);
  }
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(data_dir, { recursive: true }));
  const provider = stack.use(await startProvider({ script: { tokens: ["It is done"] } }));
  const toolbox = scriptedToolbox({ send: { act: () => ({ result: "sent", is_error: false }) } });
  const api_keys = ["other:user:sk_muxi_user_of_another_0123456789"];
  const server = stack.use(
    await startServer({ provider: provider.url, ports: { toolbox }, data_dir, settings: { auth: { api_keys } } }),
  );
  const { result: waiting } = await ask(server, "tasks/get", { taskId });
  assert.equal(waiting.status, "input_required");
  const [[key, question]] = Object.entries(waiting.inputRequests) as [[string, Json]];
  assert.equal(question.method, "elicitation/create");
  const answer = { action: "accept", content: { approve: true } };
  for (const other of ["sk_muxi_user_of_another_0123456789"]) {
    for (const method of ["tasks/get", "tasks/update", "tasks/cancel"]) {
      const { error } = await ask(server, method, { taskId, inputResponses: { [key]: answer } }, other);
      assert.equal(error.code, -32602, method);
    }
  }
  assert.equal(toolbox.calls.length, 0);
  assert.ok((await ask(server, "tasks/update", { taskId, inputResponses: { [key]: answer } })).result);
  const done = await until("the task is completed", async () => {
    const { result } = await ask(server, "tasks/get", { taskId });
    return result.status === "completed" ? result : null;
  });
  assert.deepEqual(done.result.content, [{ type: "text", text: "It is done" }]);
  assert.equal(toolbox.calls.length, 1);
  assert.ok((await ask(server, "tasks/cancel", { taskId })).result);
  assert.equal((await ask(server, "tasks/get", { taskId }, ADMIN_KEY)).result.status, "completed");
});

Deno.test("a long run becomes a task, and cancelling that cancels the run", async () => {
  await using provider = await startProvider({ script: { tokens: ["Well", "…"], delay: 600_000 } });
  await using server = await startServer({ provider: provider.url });
  const { result } = await ask(server, "tools/call", { name: "agent__assistant", arguments: { message: "Hello" } });
  assert.equal(result.status, "working");
  assert.equal((await ask(server, "tasks/get", { taskId: result.taskId })).result.status, "working");
  await ask(server, "tasks/cancel", { taskId: result.taskId });
  await untilStatus(server, result.taskId, "cancelled");
  assert.equal((await ask(server, "tasks/get", { taskId: result.taskId })).result.status, "cancelled");
  const { error } = await (await modern(server, "tasks/get", { taskId: result.taskId })).json();
  assert.equal(error.code, -32021);
});

Deno.test("a short answer is no task, and a state that is not from here is refused", async () => {
  await using server = await startServer();
  const short = await ask(server, "tools/call", { name: "agent__assistant", arguments: { message: "Hello" } });
  assert.equal(short.result.resultType, "complete");
  for (const requestState of ["nonsense", '{"run_id":"run_0nowhere0","seq":1}', '{"run_id":"run_1","seq":-1}']) {
    const { result } = await ask(server, "tools/call", { ...call, name: "agent__assistant", requestState });
    assert.equal(result.isError, true, requestState);
  }
});
