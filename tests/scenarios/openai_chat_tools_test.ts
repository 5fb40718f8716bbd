/**
 * Tools of the caller are passed through; tools of ours are never shown as calls.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { complete, deltasOf, postChat, reading, streamed, textOf } from "../support/openai_chat.ts";
import { startProvider } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { ask, createAgent, type Json, until } from "../support/story.ts";
import { scriptedToolbox } from "../support/toolbox.ts";

const weather = {
  type: "function",
  function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } }, strict: true },
};
const user = { role: "user", content: "Rain?" };

Deno.test("a caller's tool is asked for, called by the caller, and its result comes back", async () => {
  await using provider = await startProvider({
    script: [
      { tokens: ["One moment"], tool_calls: [{ name: "weather", arguments: { city: "Oslo" } }] },
      { tokens: ["It rains"] },
    ],
  });
  await using server = await startServer({ provider: provider.url });
  const { choices: [choice] } = await complete(server, { body: { messages: [user], tools: [weather] } });
  assert.equal(choice.finish_reason, "tool_calls");
  const [call] = choice.message.tool_calls;
  assert.equal(choice.message.content, "One moment");
  assert.deepEqual(call, {
    id: call.id,
    type: "function",
    function: { name: "weather", arguments: '{"city":"Oslo"}' },
  });
  assert.equal(provider.requests[0]!.body.tools[0].function.name, "weather");
  const messages = [user, choice.message, { role: "tool", tool_call_id: call.id, content: "wet" }];
  const { choices: [last] } = await complete(server, { body: { messages, tools: [weather] } });
  assert.deepEqual([last.message.content, last.finish_reason], ["It rains", "stop"]);
  assert.deepEqual(provider.requests[1]!.body.messages.slice(-2), [
    { role: "assistant", content: "One moment", tool_calls: [call] },
    { role: "tool", tool_call_id: call.id, content: "wet" },
  ]);
});

Deno.test("streamed calls come with an index, and arguments that are no JSON come as they are", async () => {
  await using provider = await startProvider({
    script: {
      tool_calls: [{ name: "weather", arguments: { city: "Oslo" } }, { name: "weather", arguments: '{"city": ' }],
    },
  });
  await using server = await startServer({ provider: provider.url });
  const frames = await streamed(server, { body: { messages: [user], tools: [weather], tool_choice: "required" } });
  const calls = deltasOf(frames, "tool_calls");
  assert.deepEqual(
    calls.map(({ index, type, function: { name, arguments: text } }: Json) => [index, type, name, text]),
    [
      [0, "function", "weather", '{"city":"Oslo"}'],
      [1, "function", "weather", '{"city": '],
    ],
  );
  assert.equal(frames.at(-2).choices[0].finish_reason, "tool_calls");
  assert.equal(provider.requests[0]!.body.tool_choice, "required");
});

Deno.test("tools of ours run unseen, and what is said between stays", async () => {
  const script = [
    { tokens: ["Let me look."], tool_calls: [{ name: "look", arguments: {} }] },
    { tokens: ["It is ", "there."] },
  ];
  await using provider = await startProvider({ script: [...script, ...script] });
  const toolbox = scriptedToolbox({ look: { act: () => ({ result: "there", is_error: false }) } });
  await using server = await startServer({ provider: provider.url, ports: { toolbox } });
  await createAgent(server, "clerk", { allowed_tools: ["look"] });
  const frames = await streamed(server, { body: { model: "clerk", tools: [weather] } });
  assert.equal(toolbox.calls.length, 1);
  assert.equal(textOf(frames), "Let me look.\n\nIt is there.");
  const chunks = frames.slice(0, -1);
  assert.ok(chunks.every(({ object, event }: Json) => object === "chat.completion.chunk" && event === undefined));
  assert.deepEqual(deltasOf(frames, "tool_calls"), []);
  const { choices: [{ message, finish_reason }] } = await complete(server, {
    body: { model: "clerk", tools: [weather] },
  });
  assert.deepEqual([message.content, message.tool_calls, finish_reason], ["It is there.", undefined, "stop"]);
});

Deno.test("a run that needs a person is waited for, streamed or not", async () => {
  const script = [{ tool_calls: [{ name: "look", arguments: {} }] }, { tokens: ["Seen"] }];
  for (const stream of [true, false]) {
    await using provider = await startProvider({ script });
    const toolbox = scriptedToolbox({ look: { act: () => ({ result: 1, is_error: false }) } });
    await using server = await startServer({ provider: provider.url, ports: { toolbox } });
    await createAgent(server, "clerk", { allowed_tools: ["look"], policies: { ask: ["look"] } });
    const response = await postChat(server, { body: { model: "clerk", stream } });
    assert.equal(response.status, 200);
    const { id, tool_call_id } = await until("somebody is asked", async () => {
      const { data: [run] } = await ask(server, "GET /runs");
      if (run?.status !== "waiting") return;
      const { data: steps } = await ask(server, `GET /runs/${run.id}/steps`);
      return { id: run.id, tool_call_id: steps.at(-1).tool_calls[0].id };
    });
    await ask(server, `POST /runs/${id}/tool_calls/${tool_call_id}/decision`, { body: { decision: "approve" } });
    const text = await response.text();
    assert.match(text, /Seen/);
    assert.equal(toolbox.calls.length, 1);
    if (!stream) assert.equal(JSON.parse(text).choices[0].finish_reason, "stop");
  }
});

Deno.test("who leaves while a person is asked stops the run", async () => {
  await using provider = await startProvider({ script: { tool_calls: [{ name: "look", arguments: {} }] } });
  const toolbox = scriptedToolbox({ look: { act: () => ({ result: 1, is_error: false }) } });
  await using server = await startServer({ provider: provider.url, ports: { toolbox } });
  await createAgent(server, "clerk", { allowed_tools: ["look"], policies: { ask: ["look"] } });
  const frames = reading(await postChat(server, { body: { model: "clerk", stream: true } }));
  await frames.until(({ choices }) => choices[0].delta.role === "assistant");
  const statusOf = async () => (await ask(server, "GET /runs")).data[0]?.status;
  await until("the run waits", async () => await statusOf() === "waiting");
  await frames.cancel();
  await until("the run is cancelled", async () => await statusOf() === "cancelled");
  assert.deepEqual(toolbox.calls, []);
});

Deno.test("in a pinned conversation the result alone is enough", async () => {
  await using provider = await startProvider({
    script: [{ tool_calls: [{ name: "weather", arguments: { city: "Oslo" } }] }, { tokens: ["It rains"] }],
  });
  await using server = await startServer({ provider: provider.url });
  const headers = { "x-muxi-conversation": "trip" };
  const { choices: [{ message }] } = await complete(server, { headers, body: { messages: [user], tools: [weather] } });
  assert.equal(message.content, null);
  const result = { role: "tool", tool_call_id: message.tool_calls[0].id, content: "wet" };
  const answer = await complete(server, { headers, body: { messages: [result], tools: [weather] } });
  assert.equal(answer.choices[0].message.content, "It rains");
  assert.deepEqual(provider.requests[1]!.body.messages.map(({ role }: Json) => role), [
    "system",
    "user",
    "assistant",
    "tool",
  ]);
});
