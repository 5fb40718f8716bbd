/**
 * Which provider and model a request goes to, what it costs, and whether it can be asked.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createModel, toPause } from "../../src/adapters/models/model.ts";
import { Probe } from "../../src/adapters/models/probe.ts";
import { ProviderError } from "../../src/adapters/models/provider_error.ts";
import { readRetryAfter } from "../../src/kit/refusal.ts";
import { toOllamaUrl } from "../../src/adapters/models/providers.ts";
import { Resolver, type ResolverOptions, toCandidate } from "../../src/adapters/models/resolve.ts";
import { toCost } from "../../src/adapters/models/usage.ts";
import { Watchdog } from "../../src/adapters/models/watchdog.ts";
import { type Clock, systemClock } from "../../src/kit/clock.ts";
import { ask, collect, toModelOptions } from "../support/model_request.ts";
import { startProvider } from "../support/provider.ts";

const NOBODY = "http://127.0.0.1:9";

function resolver(rest: Partial<ResolverOptions> = {}): Resolver {
  const { providers, ...others } = rest;
  return new Resolver({
    providers: { ollama: { base_url: NOBODY }, ...providers },
    fallback: [],
    probe: new Probe({ clock: systemClock }),
    ...others,
  });
}

async function name(rest: Partial<ResolverOptions>, candidate = {}): Promise<string> {
  const target = await resolver(rest).target(candidate);
  return target === null ? "offline" : `${target.provider}/${target.model}`;
}

Deno.test("with no provider named, the first that is set up answers, and the offline model when none is", async () => {
  const openai = { api_key: "k" };
  const anthropic = { api_key: "k" };
  const google = { api_key: "k" };
  const azure = { api_key: "k", base_url: "https://x.openai.azure.com" };
  assert.match(await name({ providers: { openai, anthropic, google, azure } }), /^openai\/gpt-/);
  assert.match(await name({ providers: { anthropic, google, azure } }), /^anthropic\/claude-/);
  assert.match(await name({ providers: { google, azure } }), /^google\/gemini-/);
  assert.equal(await name({ providers: { azure }, default_model: "d" }), "azure/d");
  assert.equal(await name({}), "offline");
  assert.equal(await name({ provider: "offline", providers: { openai } }), "offline");
});

Deno.test("a request's choice beats the settings, and the default model belongs to the default provider", async () => {
  const settings = {
    provider: "openai",
    default_model: "main",
    providers: { openai: { api_key: "k" }, anthropic: { api_key: "k" } },
  };
  assert.equal(await name(settings), "openai/main");
  assert.equal(await name(settings, { model: "other" }), "openai/other");
  assert.equal(await name(settings, { provider: "anthropic", model: "c" }), "anthropic/c");
  assert.match(await name(settings, { provider: "anthropic" }), /^anthropic\/claude-/);
  const { provider: _, ...unnamed } = settings;
  assert.equal(await name(unnamed, { provider: "openai" }), "openai/main");
  assert.match(await name(unnamed, { provider: "anthropic" }), /^anthropic\/claude-/);
  assert.deepEqual(toCandidate("openrouter/meta/llama"), { provider: "openrouter", model: "meta/llama" });
});

Deno.test("a local Ollama is found, its first model asked, and the finding remembered", async () => {
  const provider = await startProvider({ models: ["tiny", "large"], script: { tokens: ["hi"] } });
  const host = provider.url.slice("http://".length, -"/v1".length);
  const model = createModel({
    ...toModelOptions(""),
    provider: undefined,
    default_model: undefined,
    providers: { ollama: { base_url: host } },
  });
  const { outputs, text } = await collect(model, ask("x"));
  assert.deepEqual(outputs[0], { type: "start", provider: "ollama", model: "tiny" });
  assert.equal(text, "hi");
  assert.deepEqual(await model.check(), { ok: true, detail: "ollama/tiny answers" });
  await provider[Symbol.asyncDispose]();
  const { error } = await collect(model, ask("x"));
  assert.equal(error.name, "UpstreamError");
});

Deno.test("a server of one's own without a key is asked for its first model", async () => {
  await using provider = await startProvider({ models: ["mine"] });
  assert.equal(await name({ providers: { openai: { base_url: `${provider.url}/` } } }), "openai/mine");
});

Deno.test("OLLAMA_HOST is read as Ollama reads it", () => {
  assert.equal(toOllamaUrl("127.0.0.1"), "http://127.0.0.1:11434/v1");
  assert.equal(toOllamaUrl("0.0.0.0:8080"), "http://127.0.0.1:8080/v1");
  assert.equal(toOllamaUrl("http://box/"), "http://box/v1");
  assert.equal(toOllamaUrl("https://box.example/ollama/v1"), "https://box.example/ollama/v1");
});

Deno.test("the installation's key and headers go only where the installation says", async () => {
  const own = { api_key: "k", base_url: "https://one.example/v1", headers: { "x-team": "a" } };
  const at = resolver({ provider: "openai", default_model: "m", providers: { openai: own } });
  const same = await at.target({ base_url: "https://one.example/v1/" });
  assert.deepEqual([same?.api_key, same?.headers], ["k", own.headers]);
  const foreign = await at.target({ base_url: "https://two.example/v1" });
  assert.deepEqual([foreign?.api_key, foreign?.headers], [null, {}]);
  const paid = await at.target({ base_url: "https://two.example/v1", api_key: "theirs" });
  assert.equal(paid?.api_key, "theirs");
});

Deno.test("what cannot work says why", async () => {
  const at = resolver({ default_model: "m" });
  for (
    const [candidate, says] of [
      [{ provider: "anthropic" }, /no API key/],
      [{ provider: "nobody" }, /"nobody": it has no base URL/],
      [{ provider: "azure", api_key: "k" }, /no base URL/],
      [{ provider: "groq", api_key: "k" }, /no model is named/],
    ] as const
  ) {
    await assert.rejects(resolver({}).target(candidate), (error: Error) => {
      assert.equal(error.name, "ConfigurationError");
      assert.match(error.message, says);
      return true;
    });
  }
  await assert.rejects(at.target({ provider: "ollama" }), { message: "Cannot reach Ollama" });
});

Deno.test("the check costs nothing, remembers, and says what is wrong", async () => {
  await using provider = await startProvider({ api_key: "right" });
  for (const [key, ok] of [["right", true], ["wrong", false]] as const) {
    const model = createModel(toModelOptions(provider.url, {
      providers: { openai: { base_url: provider.url, api_key: key } },
    }));
    const health = await model.check();
    assert.equal(health.ok, ok, health.detail);
    assert.equal(await model.check(), health);
  }
  const dead = createModel(toModelOptions(`${NOBODY}/v1`));
  assert.deepEqual(await dead.check(), { ok: false, detail: "openai/scripted does not answer" });
  assert.equal(provider.count, 0);
});

Deno.test("a cost counts cached input at its own price, and an unknown price is none", () => {
  const tokens = { input_tokens: 1000, output_tokens: 500, cached_input_tokens: 400 };
  assert.equal(toCost(tokens, { input: 2, cached_input: 0.5, output: 8 }), 0.0054);
  assert.equal(toCost(tokens, { input: 2, output: 8 }), 0.006);
  assert.equal(toCost(tokens, undefined), null);
});

Deno.test("pauses between tries grow, vary, and follow the provider within a bound", () => {
  const at = (retry_after?: number) =>
    new ProviderError("x", { retryable: true, ...retry_after !== undefined && { retry_after } });
  for (let i = 0; i < 100; i++) {
    assert.equal(toPause(at(), 0)! <= 250, true);
    assert.equal(toPause(at(), 50)! <= 8_000, true);
    assert.equal(toPause(at(3), 0)! >= 3_000, true);
  }
  assert.equal(toPause(at(60), 0), null);
  const headers = (name: string, value: string) => new Headers({ [name]: value });
  assert.equal(readRetryAfter(headers("retry-after", "7"), 0), 7);
  assert.equal(readRetryAfter(headers("retry-after-ms", "1500"), 0), 1.5);
  assert.equal(readRetryAfter(headers("retry-after", "Thu, 01 Jan 1970 00:00:10 GMT"), 4_000), 6);
  assert.equal(readRetryAfter(new Headers(), 0), undefined);
});

class TestClock implements Clock {
  #now = 0;
  #timers: { at: number; task: () => void }[] = [];
  made = 0;

  now(): number {
    return this.#now;
  }

  after(ms: number, task: () => void): Disposable {
    const timer = { at: this.#now + ms, task };
    this.#timers.push(timer);
    this.made++;
    return { [Symbol.dispose]: () => void (this.#timers = this.#timers.filter((each) => each !== timer)) };
  }

  every(): Disposable {
    throw new Error("not used");
  }

  pass(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#now = Math.max(this.#now, next.at);
      this.#timers = this.#timers.filter((each) => each !== next);
      next.task();
    }
    this.#now = end;
  }
}

Deno.test("one timer watches many waits, and only a wait that lasts is ended", () => {
  const clock = new TestClock();
  const expired: string[] = [];
  const watchdog = new Watchdog({ clock, onExpire: (what, ms) => expired.push(`${what} ${ms}`) });
  for (let i = 0; i < 1000; i++) {
    watchdog.start("idle", 100);
    clock.pass(5);
    watchdog.stop();
  }
  assert.deepEqual(expired, []);
  assert.equal(clock.made < 200, true);
  watchdog.start("first", 500);
  clock.pass(10);
  watchdog.stop();
  watchdog.start("idle", 100);
  clock.pass(99);
  assert.deepEqual(expired, []);
  clock.pass(1);
  assert.deepEqual(expired, ["idle 100"]);
  watchdog.start("idle", 100);
  watchdog[Symbol.dispose]();
  clock.pass(1000);
  assert.equal(expired.length, 1);
});
