/**
 * Open WebUI's contract, frame by frame.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { complete, deltasOf, postChat, reading, streamed, textOf } from "../support/openai_chat.ts";
import { toFrame } from "../support/provider_reply.ts";
import { parseFrames } from "../support/events.ts";
import { startProvider } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { ask, askAdmin, createAgent, type Json, until } from "../support/story.ts";
import { scriptedToolbox } from "../support/toolbox.ts";

const events = { "x-muxi-events": "openwebui" };
const says = (content: string) => [{ role: "user", content }];
const eventsIn = (frames: Json[]) => frames.flatMap(({ event }) => event ?? []);

/** An answer with a source, as providers that search send it. */
const cited = {
  raw: [
    toFrame("scripted", { role: "assistant", content: "" }),
    toFrame("scripted", { content: "Cats purr." }),
    toFrame("scripted", {
      annotations: [{
        type: "url_citation",
        url_citation: { url: "https://example.org/cats", title: "Cats", start_index: 0, end_index: 10 },
      }],
    }),
    toFrame("scripted", {}, "stop"),
    "data: [DONE]\n\n",
  ],
};

Deno.test("every frame is one line, and what it shows stands where it looks for it", async () => {
  await using provider = await startProvider({ script: { reasoning: ["Hm"], tokens: ["Hello"] } });
  await using server = await startServer({ provider: provider.url });
  const response = await postChat(server, { body: { stream: true, stream_options: { include_usage: true } } });
  const lines = (await response.text()).split("\n");
  for (const line of lines) assert.match(line, /^$|^data: \S/);
  const frames = lines.filter((line) => line.startsWith("data: {")).map((line) => JSON.parse(line.slice(6)));
  assert.deepEqual(deltasOf(frames, "reasoning_content"), ["Hm"]);
  assert.equal(textOf(frames), "Hello");
  const { prompt_tokens, completion_tokens } = frames.at(-1).usage;
  assert.ok(prompt_tokens > 0 && completion_tokens > 0);
  assert.deepEqual(eventsIn(frames), [], "its own frames come only when they are asked for");
});

Deno.test("a source is an annotation, or a source frame when asked for", async () => {
  await using provider = await startProvider({ script: cited });
  await using server = await startServer({ provider: provider.url });
  const url_citation = { url: "https://example.org/cats", title: "Cats", start_index: 0, end_index: 10 };
  const plain = await streamed(server);
  assert.deepEqual(deltasOf(plain, "annotations"), [{ type: "url_citation", url_citation }]);
  const { choices: [{ message }] } = await complete(server);
  assert.deepEqual(message.annotations, [{ type: "url_citation", url_citation }]);
  const asked = await streamed(server, { headers: events });
  assert.deepEqual(deltasOf(asked, "annotations"), [], "it would list the source twice");
  assert.deepEqual(eventsIn(asked), [{
    type: "source",
    data: {
      source: { name: "Cats", url: "https://example.org/cats" },
      document: ["Cats"],
      metadata: [{ source: "https://example.org/cats", name: "Cats" }],
    },
  }]);
});

Deno.test("tools show as status where it is asked for, and never as calls", async () => {
  const script = [{ tool_calls: [{ name: "look", arguments: {} }] }, { tokens: ["Seen"] }];
  await using provider = await startProvider({ script });
  const toolbox = scriptedToolbox({ look: { act: () => ({ result: 1, is_error: false }) } });
  await using server = await startServer({ provider: provider.url, ports: { toolbox } });
  await createAgent(server, "clerk", { allowed_tools: ["look"] });
  const frames = await streamed(server, { headers: events, body: { model: "clerk" } });
  assert.deepEqual(eventsIn(frames), [
    { type: "status", data: { description: "Uses look", done: false } },
    { type: "status", data: { description: "Used look", done: true } },
  ]);
  assert.deepEqual(deltasOf(frames, "tool_calls"), []);
  assert.equal(textOf(frames), "Seen");
});

Deno.test("a tool that needs a person says so, and goes on when it is allowed", async () => {
  const script = [{ tool_calls: [{ name: "look", arguments: {} }] }, { tokens: ["Seen"] }];
  await using provider = await startProvider({ script });
  const toolbox = scriptedToolbox({ look: { act: () => ({ result: 1, is_error: false }) } });
  await using server = await startServer({ provider: provider.url, ports: { toolbox } });
  await createAgent(server, "clerk", { allowed_tools: ["look"], policies: { ask: ["look"] } });
  const frames = reading(await postChat(server, { headers: events, body: { model: "clerk", stream: true } }));
  const shown = async (text: string) => await frames.until(({ event }) => event?.data.description === text);
  await shown("Waits for a person to allow look");
  const run_id = (await ask(server, "GET /runs")).data[0].id;
  const { data: steps } = await ask(server, `GET /runs/${run_id}/steps`);
  const [call] = steps.at(-1).tool_calls;
  await ask(server, `POST /runs/${run_id}/tool_calls/${call.id}/decision`, { body: { decision: "approve" } });
  await shown("look was allowed");
  await shown("Used look");
  await frames.until((data) => data === "[DONE]");
});

Deno.test("its chat pins the conversation for its user, and its temporary chats pin nothing", async () => {
  await using provider = await startProvider({ script: { tokens: ["Yes"] } });
  await using server = await startServer({ provider: provider.url });
  const headers = { "x-openwebui-chat-id": "0d1c-chat", "x-openwebui-user-id": "5f2e-user" };
  await complete(server, { headers, body: { messages: says("One"), stream: false } });
  const history = [...says("One"), { role: "assistant", content: "Yes" }, ...says("Two")];
  await streamed(server, { headers, body: { messages: history } });
  const told = provider.requests[1]!.body.messages.slice(1).map(({ content }: Json) => content);
  assert.deepEqual(told, ["One", "Yes", "Two"]);
  assert.equal((await ask(server, "GET /conversations?user_id=5f2e-user")).data.length, 1);
  const temporary = { ...headers, "x-openwebui-chat-id": "local:socket" };
  await complete(server, { headers: temporary, body: { messages: says("Alone") } });
  assert.equal(provider.requests[2]!.body.messages.length, 2);
  assert.equal((await ask(server, "GET /conversations?user_id=5f2e-user")).data.length, 1);
  const runs = await ask(server, "GET /runs?user_id=5f2e-user");
  assert.deepEqual(runs.data.map(({ user_id }: Json) => user_id), Array(3).fill("5f2e-user"));
});

Deno.test("its titles and tags are plain calls of the model: no run, no memory, no prompt of the agent", async () => {
  await using provider = await startProvider({ script: { tokens: ["A ", "title"] } });
  await using server = await startServer({ provider: provider.url });
  await createAgent(server, "clerk", { system_prompt: "Be a clerk", allowed_tools: ["*"] });
  const title = says("### Task:\nGenerate a concise title");
  const cases: [Record<string, string>, boolean][] = [
    [{ "x-muxi-conversation": "chat", "x-muxi-task": "title_generation" }, false],
    [{ "x-muxi-conversation": "chat", "x-muxi-task": "tags_generation" }, true],
    [{ "x-openwebui-chat-id": "chat" }, false],
  ];
  for (const [headers, stream] of cases) {
    const body = { model: "clerk", messages: title };
    if (stream) {
      const frames = await streamed(server, { headers, body });
      assert.equal(textOf(frames), "A title");
      assert.match(frames[0].id, /^chatcmpl-[0-9a-z]+$/);
    } else {
      const answer = await complete(server, { headers, body });
      assert.equal(answer.choices[0].message.content, "A title");
      assert.ok(answer.usage.total_tokens > 0);
    }
    assert.deepEqual(provider.requests.at(-1)!.body.messages, title);
  }
  assert.deepEqual((await ask(server, "GET /runs")).data, []);
  assert.deepEqual((await ask(server, "GET /conversations")).data, []);
  const { data: [used] } = await askAdmin(server, "GET /system/usage");
  assert.equal(used.calls, 3);
  // The same, when its connection speaks Responses.
  const headers = { "x-muxi-conversation": "chat", "x-muxi-task": "title_generation" };
  for (const stream of [false, true]) {
    const body = { model: "clerk", input: title, stream };
    const answer = await server.request("POST", "^/v1/responses", { headers, body });
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    const response = stream ? parseFrames(text).at(-1)!.data.response : JSON.parse(text);
    assert.deepEqual([response.status, response.store, response.conversation], ["completed", false, null]);
    assert.equal(response.output[0].content[0].text, "A title");
    assert.equal((await server.request("GET", `^/v1/responses/${response.id}`)).status, 404);
  }
  assert.deepEqual((await ask(server, "GET /runs")).data, []);
});

Deno.test("an empty task header is a chat, whatever it says", async () => {
  await using provider = await startProvider({ script: { tokens: ["Done"] } });
  await using server = await startServer({ provider: provider.url });
  const headers = { "x-openwebui-chat-id": "chat", "x-muxi-task": "" };
  await complete(server, { headers, body: { messages: says("### Task: tidy up") } });
  await until("a run was made", async () => (await ask(server, "GET /runs")).data.length === 1);
});

Deno.test("a template that was not filled in is refused, since all chats would be one", async () => {
  await using server = await startServer();
  for (const name of ["x-muxi-conversation", "x-muxi-user", "x-muxi-task", "x-muxi-events"]) {
    const { error } = await complete(server, { headers: { [name]: "{{CHAT_ID}}" }, status: 400 });
    assert.match(error.message, new RegExp(`${name}.*CHAT_ID`));
  }
});
