/**
 * Answering messages that the caller keeps.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { createLog } from "../../src/kit/log.ts";
import { startProvider } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { ask, askAdmin, createAgent, type Json, movableClock, until } from "../support/story.ts";
import { scriptedToolbox } from "../support/toolbox.ts";

const weather = { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } };
const wanted = { tool_calls: [{ name: "weather", arguments: { city: "Bonn" } }] };
const silent = createLog({ level: "error", format: "text", write: () => {} });
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

async function desk(script: Json, { toolbox = {}, agent = {} }: Json = {}) {
  await using stack = new AsyncDisposableStack();
  const provider = stack.use(await startProvider({ script }));
  const server = stack.use(
    await startServer({ provider: provider.url, ports: { toolbox: scriptedToolbox(toolbox) } }),
  );
  await createAgent(server, "clerk", { allowed_tools: ["*"], system_prompt: "You are a clerk.", ...agent });
  const owned = stack.move();
  const respond = (body: Json, options: Json = {}) =>
    ask(server, "POST /agents/clerk/respond", { body, ...options }) as Promise<Json>;
  const told = (index: number) => provider.requests[index]!.body.messages as Json[];
  return { provider, server, respond, told, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const says = (content: string) => [{ role: "user", content }];

Deno.test("a call by itself reads what it brings, and leaves no conversation in any list", async () => {
  await using at = await desk({ tokens: ["Yes"] });
  const answer = await at.respond({
    messages: [
      { role: "system", content: "Speak of tea only." },
      { role: "user", content: "One?" },
      { role: "assistant", content: "One." },
      { role: "user", content: "Two?" },
    ],
  });
  assert.equal(answer.message.content, "Yes");
  assert.equal(answer.finish_reason, "stop");
  assert.deepEqual(at.told(0), [
    { role: "system", content: "You are a clerk.\n\nSpeak of tea only." },
    { role: "user", content: "One?" },
    { role: "assistant", content: "One." },
    { role: "user", content: "Two?" },
  ]);
  assert.deepEqual((await ask(at.server, "GET /conversations")).data, []);
  assert.equal((await ask(at.server, `GET /conversations/${answer.conversation_id}`)).messages.length, 4);
  await at.respond({ messages: says("Alone?") });
  assert.deepEqual(at.told(1).map(({ content }) => content), ["You are a clerk.", "Alone?"]);
});

Deno.test("a pinned conversation is made once, and then only the newest messages count", async () => {
  await using at = await desk([{ tokens: ["Hi Ann"] }, { tokens: ["Ann"] }]);
  const first = await at.respond({ conversation: "chat-1", store: true, messages: says("I am Ann") });
  const again = await at.respond({
    conversation: "chat-1",
    store: true,
    messages: [
      { role: "user", content: "I am Eve" },
      { role: "assistant", content: "Hi Eve" },
      { role: "user", content: "Who am I?" },
    ],
  });
  assert.equal(again.conversation_id, first.conversation_id);
  assert.deepEqual(at.told(1).slice(1).map(({ content }) => content), ["I am Ann", "Hi Ann", "Who am I?"]);
  const [listed] = (await ask(at.server, "GET /conversations")).data;
  assert.deepEqual([listed.id, listed.external_id], [first.conversation_id, "chat-1"]);
  const other = await at.respond({ conversation: "chat-1", user_id: "eve", messages: says("Mine?") });
  assert.notEqual(other.conversation_id, first.conversation_id, "the name belongs to its owner");
  const byId = await at.respond({ conversation: first.conversation_id, messages: says("By id?") });
  assert.equal(byId.conversation_id, first.conversation_id);
});

Deno.test("twenty calls at once make one conversation of one name", async () => {
  await using at = await desk({ tokens: ["Ok"] });
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => at.respond({ conversation: "rush", messages: says(`${i}`) })),
  );
  assert.equal(new Set(answers.map(({ conversation_id }) => conversation_id)).size, 1);
  const { messages } = await ask(at.server, `GET /conversations/${answers[0]!.conversation_id}`);
  assert.equal(messages.length, 40);
});

Deno.test("going on behind a run stays in its conversation, or branches off where something came after", async () => {
  await using at = await desk([{ tokens: ["A"] }, { tokens: ["B"] }, { tokens: ["C"] }]);
  const first = await at.respond({ store: true, messages: says("one") });
  const second = await at.respond({ store: true, after_run_id: first.run_id, messages: says("two") });
  assert.equal(second.conversation_id, first.conversation_id);
  const branch = await at.respond({ store: true, after_run_id: first.run_id, messages: says("three") });
  assert.notEqual(branch.conversation_id, first.conversation_id);
  assert.deepEqual(at.told(2).slice(1).map(({ content }) => content), ["one", "A", "three"]);
  const third = await at.respond({ store: true, after_run_id: branch.run_id, messages: says("four") });
  assert.deepEqual(at.told(3).slice(1).map(({ content }) => content), ["one", "A", "three", "C", "four"]);
  assert.equal(third.conversation_id, branch.conversation_id);
  const missing = await at.server.request("POST", "/agents/clerk/respond", {
    body: { after_run_id: "run_none", messages: says("x") },
  });
  assert.equal((await missing.json()).error, "RunNotFoundError");
});

Deno.test("a tool of the caller's ends the run, and its result begins the next", async () => {
  await using at = await desk([wanted, { tokens: ["Rain"] }]);
  const options = { tools: [weather], tool_choice: "required", temperature: 0.5 };
  const first = await at.respond({ conversation: "w", messages: says("Weather?"), options });
  assert.equal(first.status, "completed");
  assert.equal(first.finish_reason, "tool_calls");
  const [call] = first.message.tool_calls;
  assert.deepEqual([call.tool, call.arguments], ["weather", { city: "Bonn" }]);
  const { tools, tool_choice, temperature } = at.provider.requests[0]!.body;
  assert.deepEqual(tools.map((tool: Json) => tool.function.name), ["weather"]);
  assert.deepEqual([tool_choice, temperature], ["required", 0.5]);
  const result = { role: "tool", tool_call_id: call.tool_call_id, content: "wet" };
  const second = await at.respond({ conversation: "w", messages: [result], options: { tools: [weather] } });
  assert.equal(second.message.content, "Rain");
  const last = at.told(1).slice(-2);
  assert.equal(last[0]!.tool_calls[0].id, call.tool_call_id);
  assert.deepEqual(last[1], result);
  const shown = await ask(at.server, `GET /runs/${first.run_id}`);
  assert.deepEqual(shown.options.tools[0].name, "weather");
});

Deno.test("our own tools run on the server, and the caller's wait until they are asked for by themselves", async () => {
  const toolbox = { add: { act: ({ a, b }: Json) => ({ result: a + b, is_error: false }) } };
  const both = { tool_calls: [{ name: "add", arguments: { a: 1, b: 2 } }, ...wanted.tool_calls] };
  await using at = await desk([both, wanted], { toolbox });
  const answer = await at.respond({ messages: says("Go"), options: { tools: [weather] } });
  assert.deepEqual(answer.message.tool_calls.map(({ tool }: Json) => tool), ["weather"]);
  const answers = at.told(1).filter(({ role }) => role === "tool").map(({ content }) => content);
  assert.equal(answers[0], "3");
  assert.match(answers[1]!, /by itself/);
});

Deno.test("a caller's tool can't stand in for one of ours, nor for another", async () => {
  await using at = await desk({ tokens: ["x"] }, {
    toolbox: { weather: { act: () => ({ result: 1, is_error: false }) } },
  });
  const wrong: [Json, RegExp][] = [
    [{ tools: [weather] }, /Cannot offer tool "weather": agent "clerk" has one/],
    [{ tools: [{ name: "a" }, { name: "a" }] }, /Cannot offer tool "a": the name is given twice/],
    [{ tools: [{ name: "a" }], tool_choice: { tool: "b" } }, /Cannot insist on tool "b"/],
  ];
  for (const [options, message] of wrong) {
    const response = await at.server.request("POST", "/agents/clerk/respond", {
      body: { messages: says("x"), options },
    });
    assert.equal(response.status, 400);
    assert.match((await response.json()).message, message);
  }
});

Deno.test("files that come inside reach the model, and go with their conversation", async () => {
  await using at = await desk({ tokens: ["A pixel"] });
  const picture = { name: "dot.png", media_type: "image/png", data: PIXEL };
  const answer = await at.respond({
    messages: [{
      role: "user",
      content: "What is this?",
      attachments: [picture, { url: "https://example.com/cat.png" }],
    }],
  });
  const parts = at.told(0).at(-1)!.content;
  assert.deepEqual(parts.map(({ type }: Json) => type), ["text", "image_url", "image_url"]);
  assert.equal(parts[1].image_url.url, `data:image/png;base64,${PIXEL}`);
  assert.equal(parts[2].image_url.url, "https://example.com/cat.png");
  const { messages } = await ask(at.server, `GET /conversations/${answer.conversation_id}`);
  const { file_id } = messages[0].attachments[0];
  assert.equal((await ask(at.server, `GET /files/${file_id}`)).media_type, "image/png");
  await at.server.request("DELETE", `/conversations/${answer.conversation_id}`);
  assert.equal((await at.server.request("GET", `/files/${file_id}`)).status, 404);
});

Deno.test("a plain call of the model has no run, none of the agent's words, and a row of its own", async () => {
  await using at = await desk({ tokens: ["A ", "title"], reasoning: ["hm"] });
  const body = { messages: says("Name this"), options: { max_output_tokens: 9 } };
  const done = await ask(at.server, "POST /agents/clerk/complete", { body });
  assert.equal(done.message.content, "A title");
  assert.equal(done.finish_reason, "stop");
  assert.deepEqual(at.told(0), [{ role: "user", content: "Name this" }]);
  assert.equal(at.provider.requests[0]!.body.max_tokens, 9);
  assert.equal(at.provider.requests[0]!.body.tools, undefined);
  assert.deepEqual((await ask(at.server, "GET /runs")).data, []);
  const streamed = await at.server.request("POST", "/agents/clerk/complete", {
    body,
    headers: { accept: "text/event-stream" },
  });
  const text = await streamed.text();
  assert.deepEqual(text.match(/^event: .*$/gm), [
    "event: model.reasoning.delta",
    "event: model.delta",
    "event: model.completed",
  ]);
  const { data } = await askAdmin(at.server, "GET /system/usage?by=agent");
  assert.deepEqual(data.map(({ group, calls }: Json) => [group, calls]), [["clerk", 2]]);
});

Deno.test("leaving a plain call closes the provider's connection, and the row says cancelled", async () => {
  await using at = await desk({ tokens: 200, delay: 20 });
  const leave = new AbortController();
  const response = await at.server.request("POST", "/agents/clerk/complete", {
    body: { messages: says("Long") },
    headers: { accept: "text/event-stream" },
    signal: leave.signal,
  });
  await response.body!.getReader().read();
  leave.abort();
  const asked = await at.provider.received(0);
  await asked.settled;
  assert.notEqual(asked.closed_at, null);
  assert.ok(asked.tokens_unsent > 0);
  await using store = await openLibsqlStore({ path: `${at.server.data_dir}/muxi.db`, log: silent });
  const rows = () => store.read({ from: "model_calls", where: { outcome: "cancelled" }, limit: 2 });
  await until("the row", async () => (await rows()).length > 0);
  const [row] = await rows();
  assert.equal(row!.run_id, null);
  assert.ok(row!.output_tokens > 0, "what was said until then is counted");
});

Deno.test("a provider that fails is an error of the call", async () => {
  await using at = await desk({ status: 400, error: "no such thing" });
  const response = await at.server.request("POST", "/agents/clerk/complete", { body: { messages: says("x") } });
  assert.equal(response.status, 502);
  assert.equal((await response.json()).error, "UpstreamError");
});

Deno.test("what was made for one answer goes after its time, its files with it", async () => {
  const clock = movableClock();
  const lines: string[] = [];
  await using provider = await startProvider({ script: { tokens: ["x"] } });
  await using server = await startServer({
    provider: provider.url,
    ports: { clock },
    onLog: (line) => lines.push(line),
  });
  const picture = { name: "dot.png", media_type: "image/png", data: PIXEL };
  const body = { messages: [{ role: "user", content: "?", attachments: [picture] }] };
  const gone = await ask(server, "POST /agents/assistant/respond", { body });
  const kept = await ask(server, "POST /agents/assistant/respond", { body: { ...body, store: true } });
  clock.move(2 * 3_600_000);
  await until("a sweep", () => lines.some((line) => line.includes("Removed what is no longer kept")));
  assert.equal((await server.request("GET", `/conversations/${gone.conversation_id}`)).status, 404);
  assert.equal((await server.request("GET", `/conversations/${kept.conversation_id}`)).status, 200);
  const files = [...Deno.readDirSync(`${server.data_dir}/files`)].filter(({ name }) => name.startsWith("file_"));
  assert.equal(files.length, 1);
});

Deno.test("a run that has ended can be deleted, one that has not must be cancelled first", async () => {
  await using at = await desk([{ tokens: ["a"] }, { tokens: 500, delay: 20 }]);
  const done = await at.respond({ store: true, messages: says("one") });
  const gone = await at.server.request("DELETE", `/runs/${done.run_id}`);
  assert.equal(gone.status, 204);
  assert.equal((await at.server.request("GET", `/runs/${done.run_id}`)).status, 404);
  assert.deepEqual((await ask(at.server, `GET /conversations/${done.conversation_id}`)).messages, []);
  const leave = new AbortController();
  const streamed = await at.server.request("POST", "/agents/clerk/respond", {
    body: { messages: says("two") },
    headers: { accept: "text/event-stream" },
    signal: leave.signal,
  });
  const { value } = await streamed.body!.getReader().read();
  const [run_id] = /run_01[0-9a-z]+/.exec(new TextDecoder().decode(value))!;
  const refused = await at.server.request("DELETE", `/runs/${run_id}`);
  assert.equal(refused.status, 409);
  assert.match((await refused.json()).message, /is running, cancel it first/);
  leave.abort();
});
