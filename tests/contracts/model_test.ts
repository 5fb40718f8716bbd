/**
 * What every provider's adapter promises, told to each in its own protocol over real HTTP.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createModel } from "../../src/adapters/models/model.ts";
import { createOfflineModel } from "../../src/adapters/offline/model.ts";
import type { Model } from "../../src/ports/model.ts";
import { sayAnthropic, sayGoogle, type Saying, sayOpenai } from "../support/dialects.ts";
import { watchLag } from "../support/lag.ts";
import { ask, collect, toModelOptions } from "../support/model_request.ts";
import { type ProviderRequest, startProvider } from "../support/provider.ts";

const KEY = "0123456789abcdef-key";

interface Case {
  provider: string;
  say(saying: Saying): string[];
  path: RegExp;
  /** The header that carries the key. */
  key: string;
  settings?: Record<string, string>;
}

const CASES: Case[] = [
  { provider: "openai", say: sayOpenai, path: /^\/v1\/chat\/completions$/, key: "authorization" },
  { provider: "ollama", say: sayOpenai, path: /^\/v1\/chat\/completions$/, key: "authorization" },
  { provider: "anthropic", say: sayAnthropic, path: /^\/v1\/messages$/, key: "x-api-key" },
  { provider: "google", say: sayGoogle, path: /^\/v1\/models\/m-1:streamGenerateContent/, key: "x-goog-api-key" },
  {
    provider: "azure",
    say: sayOpenai,
    path: /^\/v1\/deployments\/m-1\/chat\/completions\?api-version=2024-10-21$/,
    key: "api-key",
    settings: { api_version: "2024-10-21" },
  },
];

function open({ provider, settings = {} }: Case, url: string, key: string | null = KEY): Model {
  return createModel(toModelOptions(url, {
    provider,
    default_model: "m-1",
    providers: { [provider]: { base_url: url, ...key && { api_key: key }, ...settings } },
  }));
}

const TOOL = {
  name: "f",
  description: "A tool",
  parameters: { type: "object", properties: { x: { type: "number" } }, required: ["x"], additionalProperties: false },
};

for (const each of CASES) {
  const { provider: name, say } = each;

  Deno.test(`${name}: text, a tool call, usage and the end come in order`, async () => {
    const call = { id: "c1", name: "f", arguments: { x: 1 } };
    await using provider = await startProvider({ script: { raw: say({ tokens: ["Grüße, ", "Welt"], call }) } });
    const { outputs, text, error } = await collect(
      open(each, provider.url),
      ask("go", {
        messages: [
          { role: "system", content: "Be brief." },
          { role: "user", content: "a", parts: [{ type: "image", media_type: "image/png", bytes: new Uint8Array(3) }] },
          { role: "assistant", content: "", tool_calls: [{ tool_call_id: "c0", tool: "f", arguments: { x: 0 } }] },
          { role: "tool", tool_call_id: "c0", tool: "f", content: "zero" },
        ],
        tools: [TOOL],
      }),
    );
    assert.equal(error, null);
    assert.deepEqual(outputs[0], { type: "start", provider: name, model: "m-1" });
    assert.equal(text, "Grüße, Welt");
    const [made] = outputs.flatMap((output) => output.type === "tool_call" ? [output.call] : []);
    assert.deepEqual([made?.tool, made?.arguments], ["f", { x: 1 }]);
    assert.deepEqual(outputs.slice(-2), [
      { type: "usage", tokens: { input_tokens: 10, output_tokens: 5 }, cost: null },
      { type: "finish", reason: "tool_calls" },
    ]);
    const [request] = provider.requests;
    assert.match(request!.path, each.path);
    assert.match(JSON.stringify(request!.body), /Be brief\./);
    assert.match(JSON.stringify(request!.body), /"AAAA"|base64,AAAA/);
    assert.match(JSON.stringify(request!.body), /zero/);
  });

  Deno.test(`${name}: the key goes into its header, and without one nothing does`, async () => {
    await using provider = await startProvider({ script: { raw: say({ tokens: ["x"] }) } });
    const { error } = await collect(open(each, provider.url, null), ask("x"));
    assert.equal(error, null);
    await collect(open(each, provider.url), ask("x"));
    const sent = (request: ProviderRequest) => request.headers[each.key];
    assert.equal(sent(provider.requests[0]!), undefined);
    assert.equal(sent(provider.requests[1]!)?.includes(KEY), true);
  });

  Deno.test(`${name}: a refusal is an upstream error that does not repeat the key`, async () => {
    for (
      const [status, says] of [[401, /refused the API key/], [404, /cannot find model "m-1"/], [
        500,
        /so it is/,
      ]] as const
    ) {
      await using provider = await startProvider({ script: { status, error: `so it is ${KEY}` } });
      const { error, outputs } = await collect(open(each, provider.url), ask("x"));
      assert.equal(error.name, "UpstreamError");
      assert.match(error.message, says);
      assert.equal(error.message.includes(KEY), false);
      assert.equal(error.retryable, status === 500);
      assert.deepEqual(outputs, []);
    }
  });

  Deno.test(`${name}: an answer that is cut is an error, and its usage an estimate`, async () => {
    await using provider = await startProvider({ script: { raw: say({ tokens: ["half"], cut: true }) } });
    const { error, text, outputs } = await collect(open(each, provider.url), ask("x"));
    assert.equal(error?.name, "UpstreamError");
    assert.equal(text, "half");
    const last = outputs.at(-1);
    assert.equal(last?.type === "usage" && last.estimated, true);
  });

  Deno.test(`${name}: aborting closes the connection within 100 ms`, async () => {
    const tokens = Array.from({ length: 500 }, () => "word ");
    await using provider = await startProvider({ script: { raw: say({ tokens }), delay: 5 } });
    const abort = new AbortController();
    using lag = watchLag();
    let at = 0;
    const { error, outputs } = await collect(open(each, provider.url), ask("x"), {
      signal: abort.signal,
      onOutput(output) {
        if (output.type !== "text" || at > 0) return;
        at = performance.now();
        abort.abort();
      },
    });
    const request = await provider.received();
    await request.settled;
    assert.equal(error.name, "CancelledError");
    assert.equal(outputs.at(-1)?.type, "usage");
    assert.ok(request.closed_at! - at < 100 + lag.most, `closed after ${request.closed_at! - at} ms`);
  });
}

Deno.test("offline: aborting ends the stream with what was used", async () => {
  const abort = new AbortController();
  const passages = [{ source: "a", text: "word ".repeat(100) }];
  const { error, outputs } = await collect(createOfflineModel(), ask("word", { passages }), {
    signal: abort.signal,
    onOutput: ({ type }) => type === "text" && abort.abort(),
  });
  assert.equal(error.name, "CancelledError");
  assert.equal(outputs.at(-1)?.type, "usage");
});
