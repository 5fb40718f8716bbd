/**
 * What goes wrong, in OpenAI's words.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import OpenAI from "openai";
import { complete, parseData, postChat, streamed } from "../support/openai_chat.ts";
import { startProvider } from "../support/provider.ts";
import { send } from "../support/raw.ts";
import { startServer, USER_KEY } from "../support/server.ts";
import { ask, until } from "../support/story.ts";

Deno.test("a provider that fails before its first word is a status, or the last frame of the stream", async () => {
  await using provider = await startProvider({ script: { status: 500, error: "Out of order" } });
  await using server = await startServer({ provider: provider.url });
  const { error } = await complete(server, { status: 502 });
  assert.deepEqual([error.type, error.code, error.param], ["server_error", "upstream_error", null]);
  assert.match(error.message, /Out of order/);
  const frames = await streamed(server);
  assert.deepEqual(frames.at(-1), { error });
  assert.ok(!frames.includes("[DONE]"));
});

Deno.test("a provider that fails in the middle ends the stream with an error, and the answer with what was said", async () => {
  const said = ["One ", "two ", "three "];
  await using provider = await startProvider({
    script: { reasoning: ["Hm"], tokens: [...said, "four"], delay: 5, die_after: 4 },
  });
  await using server = await startServer({ provider: provider.url });
  const frames = await streamed(server);
  assert.equal(frames.at(-1).error.code, "upstream_error");
  assert.ok(!frames.includes("[DONE]"));
  const { id, created: _, ...answer } = await complete(server);
  assert.deepEqual(answer, {
    object: "chat.completion",
    model: "assistant",
    choices: [{
      index: 0,
      message: { role: "assistant", content: said.join(""), refusal: null, reasoning_content: "Hm" },
      logprobs: null,
      finish_reason: "error",
    }],
    error: frames.at(-1).error,
  });
  const run = await ask(server, `GET /runs/${id.replace("chatcmpl-", "run_")}`);
  assert.equal(run.status, "failed");
});

Deno.test("of an answer of a given form that fails, nothing is told as if it were one", async () => {
  await using provider = await startProvider({ script: { tokens: ["{", '"a"', ":1}"] } });
  await using server = await startServer({ provider: provider.url });
  const schema = { type: "object", properties: { b: { type: "number" } }, required: ["b"] };
  const response_format = { type: "json_schema", json_schema: { name: "b", schema } };
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: USER_KEY, maxRetries: 0 });
  const messages = [{ role: "user" as const, content: "Hello" }];
  const parsed = await client.chat.completions.parse({ model: "assistant", messages, response_format } as never);
  const { choices: [choice], error } = parsed as typeof parsed & { error?: { message: string } };
  assert.deepEqual([choice?.message.parsed, choice?.message.content, choice?.finish_reason], [null, null, "error"]);
  assert.match(error!.message, /does not fit/);
});

Deno.test("requests that make no sense are refused before anything is started", async () => {
  await using provider = await startProvider();
  await using server = await startServer({ provider: provider.url });
  const cases: [Record<string, unknown>, number, string | null, string | null][] = [
    [{ model: "nobody" }, 404, "model", "model_not_found"],
    [{ model: "gpt-4.1" }, 404, "model", "model_not_found"],
    [{ model: undefined }, 400, "model", "missing_required_parameter"],
    [{ messages: [] }, 400, "messages", null],
    [{ n: 2 }, 400, "n", "unsupported_parameter"],
    [{ temperature: 7 }, 400, "temperature", null],
    [{ messages: [{ role: "user", content: "x".repeat(200_001) }] }, 400, "messages[0].content", null],
    [
      { messages: [{ role: "user", content: [{ type: "input_audio" }] }] },
      400,
      "messages[0].content[0]",
      "unsupported_value",
    ],
    [{ messages: [{ role: "user", content: [{ type: "file", file: { file_id: "file_0none" } }] }] }, 404, null, null],
  ];
  for (const [body, status, param, code] of cases) {
    for (const stream of [true, false]) {
      const response = await postChat(server, { body: { ...body, stream } });
      const text = await response.text();
      assert.equal(response.status, status, text);
      const { error } = JSON.parse(text);
      assert.deepEqual([error.type, error.param, error.code], ["invalid_request_error", param, code], text);
      assert.deepEqual(Object.keys(error), ["message", "type", "param", "code"]);
    }
  }
  assert.equal(provider.count, 0);
});

Deno.test("what isn't there, or can't be done there, is told in OpenAI's words", async () => {
  await using server = await startServer({ settings: { server: { base_path: "/muxi" } } });
  const cases: [string, string, number][] = [
    ["GET", "/v1/chat/completions", 405],
    ["DELETE", "/v1/models/assistant", 405],
    ["POST", "/v1/responses/resp_1/nothing", 404],
    ["POST", "/v1/embeddings", 404],
    ["POST", "/v1/audio/transcriptions", 404],
    ["GET", "/v1/chat/completions/chatcmpl-1", 404],
  ];
  for (const [method, path, status] of cases) {
    for (const base of ["", "/muxi"]) {
      const response = await server.request(method, `^${base}${path}`, method === "POST" ? { body: {} } : {});
      const { error } = await response.json();
      assert.equal(response.status, status);
      assert.deepEqual([error.type, error.param, error.code], ["invalid_request_error", null, null]);
      assert.match(error.message, new RegExp(`${method} "${path}"`));
      assert.equal(response.headers.has("allow"), status === 405);
    }
  }
  const ours = await (await server.request("GET", "^/v1/nothing")).json();
  assert.equal(ours.error, "NotFoundError");
});

Deno.test("bodies that are broken, empty or too large", async () => {
  await using server = await startServer({ settings: { server: { max_upload_bytes: 100_000 } } });
  const cases: [string, number][] = [["{", 400], ["", 400], ["[]", 400], [`{"x":"${"x".repeat(200_000)}"}`, 413]];
  for (const [body, status] of cases) {
    const response = await server.request("POST", "^/v1/chat/completions", { body });
    const text = await response.text();
    assert.equal(response.status, status, text);
    assert.equal(JSON.parse(text).error.type, "invalid_request_error");
  }
});

Deno.test("nothing is read for a stranger", async () => {
  await using server = await startServer();
  // The body that is announced never comes: who waited for it would not answer.
  const { status, text } = await send(Number(new URL(server.url).port), [
    "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n{",
  ]);
  assert.equal(status, 401);
  assert.equal(JSON.parse(text).error.code, "invalid_api_key");
});

Deno.test("a budget that is used up says when to come back", async () => {
  const classes = { run: { per_second: 0.001, burst: 1 } };
  await using provider = await startProvider({ script: { tokens: 1 } });
  await using server = await startServer({
    provider: provider.url,
    settings: { limits: { enabled: true, classes, block_after: 100 } },
  });
  const first = await postChat(server);
  assert.deepEqual(
    ["limit", "remaining"].map((name) => first.headers.get(`x-ratelimit-${name}-requests`)),
    ["1", "0"],
  );
  await first.body?.cancel();
  const second = await postChat(server);
  assert.equal(second.status, 429);
  assert.match(second.headers.get("retry-after")!, /^\d+$/);
  const { error } = await second.json();
  assert.deepEqual([error.type, error.code], ["requests", "rate_limit_exceeded"]);
});

Deno.test("an answer that takes too long is not waited for", async () => {
  await using provider = await startProvider({ script: { hang: true } });
  await using server = await startServer({
    provider: provider.url,
    settings: { runs: { collect_timeout_seconds: 1 } },
  });
  const { error } = await complete(server, { status: 408 });
  assert.deepEqual([error.type, error.code], ["timeout_error", "timeout"]);
  const request = await provider.received();
  await until("the provider is left", () => request.closed_at !== null);
});

Deno.test("an idempotent request is answered from the run that was made for it", async () => {
  await using provider = await startProvider({ script: { tokens: ["Once"] } });
  await using server = await startServer({ provider: provider.url });
  const headers = { "idempotency-key": "one" };
  const first = await complete(server, { headers });
  const second = await complete(server, { headers });
  assert.deepEqual([second.id, second.choices], [first.id, first.choices]);
  assert.equal(provider.count, 1);
  const text = await (await postChat(server, { headers, body: { stream: true } })).text();
  assert.equal(parseData(text)[0].id, first.id);
  assert.equal(provider.count, 1);
});
