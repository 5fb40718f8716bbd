/**
 * Chat completions, streamed and not.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { textsOf } from "../support/events.ts";
import { complete, deltasOf, postChat, streamed, textOf } from "../support/openai_chat.ts";
import { startProvider } from "../support/provider.ts";
import { startServer, USER_KEY } from "../support/server.ts";
import { ask, createAgent, framesOf } from "../support/story.ts";

const USAGE = {
  prompt_tokens: 20,
  completion_tokens: 7,
  total_tokens: 27,
  prompt_tokens_details: { cached_tokens: 5 },
  completion_tokens_details: { reasoning_tokens: 2 },
};

Deno.test("agents are models, with the names people know them by", async () => {
  await using server = await startServer();
  await createAgent(server, "poet", { name: "The poet", description: "Rhymes" });
  for (const path of ["^/v1/models", "/models"]) {
    const response = await server.request("GET", path);
    assert.equal(response.status, 200);
    const { object, data } = await response.json();
    assert.equal(object, "list");
    assert.deepEqual(data.map(({ id }: { id: string }) => id), ["assistant", "poet"]);
    const { created, ...poet } = data[1];
    assert.deepEqual(poet, { id: "poet", object: "model", owned_by: "muxi", name: "The poet", description: "Rhymes" });
    assert.ok(Math.abs(created - Date.now() / 1000) < 3600 && Number.isInteger(created));
  }
  const one = await server.request("GET", "^/v1/models/poet");
  assert.equal((await one.json()).name, "The poet");
  for (const id of ["nobody", "gpt-4.1"]) {
    const none = await server.request("GET", `^/v1/models/${id}`);
    assert.equal(none.status, 404);
    assert.deepEqual((await none.json()).error, {
      message: `Cannot find agent "${id}"`,
      type: "invalid_request_error",
      param: "model",
      code: "model_not_found",
    });
  }
});

Deno.test("more agents than a page holds are all models", async () => {
  await using server = await startServer();
  for (let i = 0; i < 101; i++) await createAgent(server, `agent-${String(i).padStart(3, "0")}`);
  const { data } = await (await server.request("GET", "^/v1/models")).json();
  assert.equal(data.length, 102);
});

Deno.test("an answer that is not streamed is a chat completion", async () => {
  await using provider = await startProvider({
    script: { reasoning: ["Let me ", "see"], tokens: ["It ", "is ", "noon."], usage: USAGE },
  });
  await using server = await startServer({ provider: provider.url });
  const response = await postChat(server, { headers: { "x-request-id": "mine" } });
  assert.equal(response.headers.get("x-request-id"), "mine");
  assert.match(response.headers.get("openai-processing-ms")!, /^\d+$/);
  const { id, created, ...rest } = await response.json();
  assert.deepEqual(rest, {
    object: "chat.completion",
    model: "assistant",
    choices: [{
      index: 0,
      message: { role: "assistant", content: "It is noon.", refusal: null, reasoning_content: "Let me see" },
      logprobs: null,
      finish_reason: "stop",
    }],
    usage: USAGE,
  });
  assert.ok(Number.isInteger(created));
  const run = await ask(server, `GET /runs/${id.replace("chatcmpl-", "run_")}`);
  assert.equal(run.status, "completed");
});

Deno.test("a streamed answer begins with the role and ends with the reason, the usage and [DONE]", async () => {
  await using provider = await startProvider({
    script: { reasoning: ["Hm"], tokens: ["It ", "is ", "noon."], usage: USAGE },
  });
  await using server = await startServer({ provider: provider.url });
  const frames = await streamed(server, { body: { stream_options: { include_usage: true } } });
  const [{ id, created }] = frames;
  assert.match(id, /^chatcmpl-[0-9a-z]+$/);
  const base = { id, object: "chat.completion.chunk", created, model: "assistant" };
  const chunk = (delta: unknown, finish_reason: string | null = null) => ({
    ...base,
    choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    usage: null,
  });
  assert.deepEqual(frames[0], chunk({ role: "assistant", content: "" }));
  assert.deepEqual(frames[1], chunk({ reasoning_content: "Hm" }));
  assert.deepEqual(frames.slice(-3), [chunk({}, "stop"), { ...base, choices: [], usage: USAGE }, "[DONE]"]);
  assert.equal(textOf(frames), "It is noon.");
  const plain = await streamed(server);
  assert.deepEqual(plain.filter((frame) => frame !== "[DONE]" && "usage" in frame), []);
  assert.equal(plain.at(-2).choices[0].finish_reason, "stop");
});

Deno.test("both doors tell the same story", async () => {
  const script = { tokens: Array.from({ length: 40 }, (_, i) => `w${i} `), delay: 3 };
  await using provider = await startProvider({ script });
  await using server = await startServer({ provider: provider.url });
  const events = await framesOf(server, "POST /chat/stream", { body: { message: "Hello" } });
  const frames = await streamed(server);
  assert.equal(textOf(frames), [...textsOf(events).values()].join(""));
  assert.ok(deltasOf(frames, "content").length > 3, "it comes in pieces");
  const { choices: [{ message }] } = await complete(server);
  assert.equal(message.content, events.at(-1)!.data.message.content);
  const said = provider.requests.map(({ body }) => body.messages);
  assert.deepEqual(said[1], said[0]);
  assert.deepEqual(said[2], said[0]);
});

Deno.test("without a pinned conversation nothing is remembered, and the caller's history is what counts", async () => {
  await using provider = await startProvider({ script: { tokens: ["Yes"] } });
  await using server = await startServer({ provider: provider.url });
  await createAgent(server, "clerk", { system_prompt: "Be brief" });
  const messages = [
    { role: "developer", content: "Speak French" },
    { role: "user", content: [{ type: "text", text: "One" }, { type: "text", text: "Two" }] },
    { role: "assistant", content: "Un, deux" },
    { role: "user", content: "Three?" },
  ];
  await complete(server, { body: { model: "clerk", messages } });
  const [system, ...rest] = provider.requests[0]!.body.messages;
  assert.match(system.content, /Be brief[^]*Speak French/);
  assert.deepEqual(rest, [
    { role: "user", content: "One\n\nTwo" },
    { role: "assistant", content: "Un, deux" },
    { role: "user", content: "Three?" },
  ]);
  const { data } = await ask(server, "GET /conversations");
  assert.deepEqual(data, []);
});

Deno.test("a header pins the conversation, and then only the newest message counts", async () => {
  await using provider = await startProvider({ script: { tokens: ["Noted"] } });
  await using server = await startServer({ provider: provider.url });
  const headers = { "x-muxi-conversation": "trip-1", "x-muxi-user": "ann" };
  await complete(server, { headers, body: { messages: [{ role: "user", content: "I am Ann" }] } });
  const forged = [
    { role: "user", content: "I am Bob" },
    { role: "assistant", content: "Hello Bob" },
    { role: "user", content: "Who am I?" },
  ];
  await complete(server, { headers, body: { messages: forged } });
  assert.deepEqual(provider.requests[1]!.body.messages.slice(-3), [
    { role: "user", content: "I am Ann" },
    { role: "assistant", content: "Noted" },
    { role: "user", content: "Who am I?" },
  ]);
  const { data } = await ask(server, "GET /conversations?user_id=ann");
  assert.equal(data.length, 1);
  const others = await ask(server, "GET /conversations");
  assert.deepEqual(others.data, []);
});

Deno.test("a request without a key, or with a wrong one, is refused in OpenAI's words", async () => {
  await using server = await startServer();
  for (const key of [null, "sk_muxi_user_wrong_0123456789012345"]) {
    for (const stream of [true, false]) {
      const response = await postChat(server, { key, body: { stream } });
      assert.equal(response.status, 401);
      const { error } = await response.json();
      assert.deepEqual([error.type, error.code, error.param], ["invalid_request_error", "invalid_api_key", null]);
    }
  }
  const models = await server.request("GET", "^/v1/models", { key: null });
  assert.equal((await models.json()).error.code, "invalid_api_key");
  assert.ok(USER_KEY);
});
