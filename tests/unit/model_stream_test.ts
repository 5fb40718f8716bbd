/**
 * The model the settings choose, against a provider that misbehaves on request.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createModel } from "../../src/adapters/models/model.ts";
import type { ModelOutput } from "../../src/ports/model.ts";
import { watchLag } from "../support/lag.ts";
import { ask, collect, createMemoryLog, toModelOptions } from "../support/model_request.ts";
import { startProvider } from "../support/provider.ts";

const TOOL = {
  name: "f",
  description: "A tool",
  parameters: { type: "object", properties: { x: { type: "number" } } },
};

Deno.test("an answer comes as start, text, usage and finish, and without a key no authorization is sent", async () => {
  await using provider = await startProvider({ script: { tokens: 64 } });
  const { outputs, text, error } = await collect(createModel(toModelOptions(provider.url)), ask("hello"));
  assert.equal(error, null);
  assert.deepEqual(outputs[0], { type: "start", provider: "openai", model: "scripted" });
  assert.equal(text.split(" ").length, 65);
  assert.deepEqual(outputs.slice(-2), [
    { type: "usage", tokens: { input_tokens: 10, output_tokens: 64 }, cost: null },
    { type: "finish", reason: "stop" },
  ]);
  const [request] = provider.requests;
  assert.equal(request!.headers.authorization, undefined);
  assert.deepEqual(request!.body.stream_options, { include_usage: true });
  assert.deepEqual(request!.body.messages, [{ role: "user", content: "hello" }]);
  assert.equal("tools" in request!.body, false);
});

Deno.test("reasoning, tool calls, pictures, files, passages and a format go both ways", async () => {
  await using provider = await startProvider({
    script: {
      tokens: ["Let me ", "see."],
      reasoning: ["hm"],
      tool_calls: [{ id: "c1", name: "f", arguments: { x: 1 } }],
    },
  });
  const { outputs } = await collect(
    createModel(toModelOptions(provider.url)),
    ask("", {
      choice: { temperature: 0, max_output_tokens: 9 },
      messages: [
        { role: "system", content: "Be brief." },
        {
          role: "user",
          content: "look",
          parts: [
            { type: "image", media_type: "image/png", bytes: new Uint8Array([1, 2, 3]) },
            { type: "text", name: "a.txt", text: "A" },
          ],
        },
        { role: "assistant", content: "", tool_calls: [{ tool_call_id: "c0", tool: "f", arguments: { x: 0 } }] },
        { role: "tool", tool_call_id: "c0", tool: "f", content: "zero" },
      ],
      tools: [TOOL],
      passages: [{ source: "guide.md", text: "It is so." }],
      response_format: { type: "json_schema", name: "answer", schema: { type: "object" } },
    }),
  );
  assert.deepEqual(outputs.filter(({ type }) => type === "reasoning" || type === "tool_call"), [
    { type: "reasoning", text: "hm" },
    { type: "tool_call", call: { tool_call_id: "c1", tool: "f", arguments: { x: 1 } } },
  ]);
  assert.deepEqual(outputs.at(-1), { type: "finish", reason: "tool_calls" });
  const { messages, tools, response_format, max_tokens, temperature } = provider.requests[0]!.body;
  assert.equal(messages.length, 4);
  assert.match(messages[0].content, /^Be brief\.[^]*guide\.md\nIt is so\.$/);
  assert.equal(messages[1].content[1].image_url.url, "data:image/png;base64,AQID");
  assert.match(messages[1].content[2].text, /a\.txt[^]*A$/);
  assert.deepEqual(messages[2].tool_calls[0].function, { name: "f", arguments: '{"x":0}' });
  assert.deepEqual(messages[3], { role: "tool", tool_call_id: "c0", content: "zero" });
  assert.equal(tools[0].function.name, "f");
  assert.equal(response_format.json_schema.name, "answer");
  assert.deepEqual([max_tokens, temperature], [9, 0]);
});

Deno.test("a broken tool call is given with the text the model wrote", async () => {
  await using provider = await startProvider({ script: { tool_calls: [{ name: "f", arguments: '{"x": 1' }] } });
  const { outputs } = await collect(createModel(toModelOptions(provider.url)), ask("go", { tools: [TOOL] }));
  const call = outputs.find((output) => output.type === "tool_call");
  assert.deepEqual(call?.call.arguments, { __invalid: '{"x": 1' });
});

Deno.test("a server that does not stream is understood", async () => {
  const document = {
    choices: [{ message: { content: "whole" }, finish_reason: "stop" }],
    usage: { prompt_tokens: 1, completion_tokens: 2 },
  };
  await using provider = await startProvider({
    script: { raw: [JSON.stringify(document)], headers: { "content-type": "application/json" } },
  });
  const { text, outputs, error } = await collect(createModel(toModelOptions(provider.url)), ask("x"));
  assert.deepEqual([text, error], ["whole", null]);
  assert.deepEqual(outputs.at(-1), { type: "finish", reason: "stop" });
});

for (
  const { status, retried, says } of [
    { status: 401, retried: false, says: /refused the API key/ },
    { status: 403, retried: false, says: /refused the API key/ },
    { status: 404, retried: false, says: /cannot find model "scripted"/ },
    { status: 400, retried: false, says: /refused the request: it is so/ },
    { status: 429, retried: true, says: /limits requests: it is so/ },
    { status: 500, retried: true, says: /refused the request: it is so/ },
    { status: 503, retried: true, says: /refused the request: it is so/ },
  ]
) {
  Deno.test(`status ${status} is ${retried ? "tried again" : "final"}, and the key is in neither error nor log`, async () => {
    const key = "sk-proj-0123456789abcdef";
    await using provider = await startProvider({ script: { status, error: `it is so ${key}` } });
    const lines: string[] = [];
    const model = createModel(toModelOptions(provider.url, {
      providers: { openai: { base_url: provider.url, api_key: key } },
      retries: 1,
      log: createMemoryLog(lines),
    }));
    const { error, outputs } = await collect(model, ask("x"));
    assert.equal(error.name, "UpstreamError");
    assert.match(error.message, says);
    assert.deepEqual(outputs, []);
    assert.equal(provider.count, retried ? 2 : 1);
    assert.equal(provider.requests[0]!.headers.authorization, `Bearer ${key}`);
    assert.equal(JSON.stringify([error.message, error.details, lines]).includes("0123456789"), false);
  });
}

Deno.test("a retry that succeeds gives one start, after the pause the provider asked for", async () => {
  await using provider = await startProvider({
    script: [{ status: 429, headers: { "retry-after-ms": "120" } }, { tokens: ["ok"] }],
  });
  const { text, outputs, error } = await collect(
    createModel(toModelOptions(provider.url, { retries: 2 })),
    ask("x"),
  );
  assert.deepEqual([text, error], ["ok", null]);
  assert.equal(outputs.filter(({ type }) => type === "start").length, 1);
  assert.equal(provider.requests[1]!.at - provider.requests[0]!.at >= 119, true);
});

Deno.test("a provider that wants a pause of minutes is left for the next", async () => {
  await using busy = await startProvider({ script: { status: 429, headers: { "retry-after": "600" } } });
  await using other = await startProvider({ script: { tokens: ["other"] } });
  const model = createModel(toModelOptions(busy.url, {
    retries: 5,
    providers: { openai: { base_url: busy.url }, second: { base_url: other.url } },
    fallback: ["second/m/2"],
  }));
  const { text, outputs } = await collect(model, ask("x"));
  assert.equal(text, "other");
  assert.deepEqual(outputs[0], { type: "start", provider: "second", model: "m/2" });
  assert.deepEqual([busy.count, other.requests[0]!.body.model], [1, "m/2"]);
});

Deno.test("a request's own fallback comes before the installation's, and a dead host is passed over", async () => {
  await using first = await startProvider({ script: { tokens: ["first"] } });
  const model = createModel(toModelOptions("http://127.0.0.1:9/v1", {
    providers: { openai: { base_url: "http://127.0.0.1:9/v1" }, a: { base_url: first.url } },
    fallback: ["offline"],
  }));
  assert.equal((await collect(model, ask("x", { choice: { fallback: ["a/m"] } }))).text, "first");
  const { outputs } = await collect(model, ask("x", { choice: { fallback: ["unknown/m"] } }));
  assert.deepEqual(outputs[0], { type: "start", provider: "offline", model: "offline" });
});

Deno.test("what fails in the middle is not tried again, and what was used is estimated", async () => {
  for (const step of [{ die_after: 5, delay: 1 }, { end_after: 5, delay: 1 }]) {
    await using provider = await startProvider({ script: { tokens: 20, ...step } });
    const { outputs, error, text } = await collect(
      createModel(toModelOptions(provider.url, {
        retries: 3,
        fallback: ["offline"],
        prices: { scripted: { input: 1_000_000, output: 2_000_000 } },
      })),
      ask("four"),
    );
    assert.equal(error.name, "UpstreamError");
    assert.equal(provider.count, 1);
    assert.equal(text, "The quick brown fox jumps ");
    assert.deepEqual(outputs.at(-1), {
      type: "usage",
      tokens: { input_tokens: 1, output_tokens: 7 },
      cost: 15,
      estimated: true,
    });
  }
});

Deno.test("an error frame and a malformed one are upstream errors, after the text that came before", async () => {
  const text = 'data: {"choices":[{"delta":{"content":"hi"}}]}\n\n';
  for (const bad of ['data: {"error":{"message":"overloaded sk-abcdefghijk"}}\n\n', "data: {nonsense\n\n"]) {
    await using provider = await startProvider({ script: { raw: [text + bad] } });
    const { outputs, error } = await collect(createModel(toModelOptions(provider.url)), ask("x"));
    assert.equal(error.name, "UpstreamError");
    assert.equal(error.message.includes("abcdefghijk"), false);
    assert.deepEqual(outputs.map(({ type }) => type), ["start", "text", "usage"]);
  }
});

Deno.test("time-outs say which wait was too long", async () => {
  const limits = { first_token_ms: 0, idle_ms: 0, total_ms: 0 };
  for (
    const [script, timeouts, says] of [
      [{ hang: true }, { first_token_ms: 60 }, /did not begin its answer within 60 ms/],
      [{ hang_headers: 5_000 }, { first_token_ms: 60 }, /did not begin its answer within 60 ms/],
      [{ tokens: 3, delay: 10_000 }, { idle_ms: 60 }, /did not go on within 60 ms/],
      [{ tokens: 1000, delay: 10 }, { total_ms: 80, idle_ms: 5000 }, /did not end within 80 ms/],
    ] as const
  ) {
    await using provider = await startProvider({ script });
    const model = createModel(toModelOptions(provider.url, { timeouts: { ...limits, ...timeouts }, retries: 3 }));
    const { error } = await collect(model, ask("x"));
    assert.equal(error.name, "TimeoutError");
    assert.match(error.message, says);
    // None where the time was over before the request was read.
    assert.ok(provider.count <= 1, `${provider.count} requests`);
  }
});

Deno.test("cancelling closes the provider's connection at once and ends with an estimate", async () => {
  for (const step of [{ tokens: 1000, delay: 5 }, { hang: true as const }]) {
    await using provider = await startProvider({ script: step });
    using lag = watchLag();
    const abort = new AbortController();
    const seen: ModelOutput[] = [];
    const reading = collect(createModel(toModelOptions(provider.url)), ask("x"), {
      signal: abort.signal,
      onOutput: (output) => seen.push(output),
    });
    const request = await provider.received();
    await new Promise((resolve) => setTimeout(resolve, 60));
    const at = performance.now();
    abort.abort();
    const { error, outputs } = await reading;
    await request.settled;
    assert.equal(error.name, "CancelledError");
    assert.notEqual(request.closed_at, null);
    // The promise that is made to every caller, and so a limit that belongs here.
    assert.ok(request.closed_at! - at < 100 + lag.most, `closed after ${request.closed_at! - at} ms`);
    assert.ok((request.last_token_at ?? 0) - at < 100 + lag.most);
    const last = outputs.at(-1);
    assert.equal(last?.type === "usage" && last.estimated, true);
    assert.equal(outputs[0]!.type, "start");
    assert.equal(provider.active, 0);
  }
});

Deno.test("the connection is closed at once also while nobody reads, and when the reader leaves", async () => {
  await using provider = await startProvider({ script: { tokens: 1000, delay: 2 } });
  const model = createModel(toModelOptions(provider.url));
  const abort = new AbortController();
  const stalled = model.stream(ask("x"), { signal: abort.signal })[Symbol.asyncIterator]();
  await stalled.next();
  abort.abort();
  await (await provider.received(0)).settled;
  assert.notEqual(provider.requests[0]!.closed_at, null);
  await assert.rejects(async () => {
    while (!(await stalled.next()).done);
  }, { name: "CancelledError" });
  for await (const output of model.stream(ask("x"), { signal: new AbortController().signal })) {
    if (output.type === "text") break;
  }
  await (await provider.received(1)).settled;
  assert.notEqual(provider.requests[1]!.closed_at, null);
});

Deno.test("cancelling during a pause between tries ends at once", async () => {
  await using provider = await startProvider({ script: { status: 503, headers: { "retry-after": "15" } } });
  const abort = new AbortController();
  const reading = collect(createModel(toModelOptions(provider.url, { retries: 3 })), ask("x"), {
    signal: abort.signal,
  });
  await provider.received();
  setTimeout(() => abort.abort(), 50);
  assert.equal((await reading).error.name, "CancelledError");
  assert.equal(provider.count, 1);
});

Deno.test("connections are used again for the next calls", async () => {
  await using provider = await startProvider();
  const model = createModel(toModelOptions(provider.url));
  for (let i = 0; i < 5; i++) await collect(model, ask("x"));
  // The rest of an answer is read while the next call may already begin, so there can be two.
  assert.equal(new Set(provider.requests.map(({ port }) => port)).size <= 2, true);
});
