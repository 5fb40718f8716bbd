/**
 * How a model is asked to speak, in the words of each provider, over real HTTP.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createModel } from "../../src/adapters/models/model.ts";
import type { ModelChoice } from "../../src/domain/agent.ts";
import type { ModelRequest } from "../../src/ports/model.ts";
import { sayAnthropic, sayGoogle, type Saying, sayOpenai } from "../support/dialects.ts";
import { ask, collect, toModelOptions } from "../support/model_request.ts";
import { startProvider } from "../support/provider.ts";

interface Case {
  provider: string;
  model: string;
  say(saying: Saying): string[];
  settings?: Record<string, string>;
  /** What the parameters and `tool_choice: required` become. */
  wanted: Record<string, unknown>;
  /** What `tool_choice` becomes when there is none and when it names a tool. */
  choices: [none: unknown, named: unknown];
  /** What the address of a picture becomes. */
  picture: unknown;
}

const URL = "https://example.com/a/dot.PNG?size=2";
const CHOICE: ModelChoice = {
  max_output_tokens: 900,
  stop: ["END", "STOP"],
  seed: 7,
  presence_penalty: 0.5,
  frequency_penalty: -0.5,
  reasoning_effort: "high",
};
const OPENAI = {
  max_tokens: 900,
  stop: ["END", "STOP"],
  seed: 7,
  presence_penalty: 0.5,
  frequency_penalty: -0.5,
  reasoning_effort: "high",
  tool_choice: "required",
  parallel_tool_calls: false,
  stream: true,
  stream_options: { include_usage: true },
};
const OPENAI_CHOICES: Case["choices"] = ["none", { type: "function", function: { name: "f" } }];
const OPENAI_PICTURE = { type: "image_url", image_url: { url: URL } };

const CASES: Case[] = [
  {
    provider: "openai",
    model: "m-1",
    say: sayOpenai,
    wanted: OPENAI,
    choices: OPENAI_CHOICES,
    picture: OPENAI_PICTURE,
  },
  {
    provider: "mistral",
    model: "m-1",
    say: sayOpenai,
    wanted: (({ seed, ...rest }) => ({ ...rest, random_seed: seed }))(OPENAI),
    choices: OPENAI_CHOICES,
    picture: OPENAI_PICTURE,
  },
  {
    provider: "azure",
    model: "m-1",
    say: sayOpenai,
    settings: { api_version: "2024-10-21" },
    wanted: OPENAI,
    choices: OPENAI_CHOICES,
    picture: OPENAI_PICTURE,
  },
  {
    provider: "anthropic",
    model: "claude-sonnet-5",
    say: sayAnthropic,
    // It has no seed and no penalties.
    wanted: {
      max_tokens: 900,
      stop_sequences: ["END", "STOP"],
      thinking: { type: "adaptive", display: "summarized" },
      output_config: { effort: "high" },
      tool_choice: { type: "any", disable_parallel_tool_use: true },
      stream: true,
    },
    choices: [{ type: "none" }, { type: "tool", name: "f", disable_parallel_tool_use: true }],
    picture: { type: "image", source: { type: "url", url: URL } },
  },
  {
    provider: "google",
    model: "gemini-3.8-flash",
    say: sayGoogle,
    wanted: {
      generationConfig: {
        maxOutputTokens: 900,
        stopSequences: ["END", "STOP"],
        seed: 7,
        presencePenalty: 0.5,
        frequencyPenalty: -0.5,
        thinkingConfig: { thinkingLevel: "high" },
      },
      toolConfig: { functionCallingConfig: { mode: "ANY" } },
    },
    choices: [
      { functionCallingConfig: { mode: "NONE" } },
      { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["f"] } },
    ],
    picture: { fileData: { mimeType: "image/png", fileUri: URL } },
  },
];

const TOOL = { name: "f", description: "A tool", parameters: { type: "object", properties: {} } };

/** The body in which `request` reaches the provider. */
async function bodyOf(each: Case, request: ModelRequest): Promise<Record<string, unknown>> {
  const { provider: name, model, say, settings } = each;
  await using provider = await startProvider({ script: { raw: say({ tokens: ["x"] }) } });
  const options = toModelOptions(provider.url, {
    provider: name,
    default_model: model,
    providers: { [name]: { base_url: provider.url, api_key: "0123456789abcdef", ...settings } },
  });
  const { error } = await collect(createModel(options), request);
  assert.equal(error, null);
  return provider.requests[0]!.body;
}

for (const each of CASES) {
  Deno.test(`${each.provider}: parameters and the choice of tools are said in its words`, async () => {
    const request = ask("x", { choice: CHOICE, tools: [TOOL], tool_choice: "required", parallel_tool_calls: false });
    const { model: _model, messages: _messages, contents: _contents, tools: _tools, ...rest } = await bodyOf(
      each,
      request,
    );
    assert.deepEqual(rest, each.wanted);
    for (const [index, tool_choice] of (["none", { tool: "f" }] as const).entries()) {
      const { tool_choice: said, toolConfig } = await bodyOf(each, { ...request, tool_choice });
      assert.deepEqual(said ?? toolConfig, each.choices[index]);
    }
  });

  Deno.test(`${each.provider}: what nobody asked for is not said, nor a choice among no tools`, async () => {
    const plain = await bodyOf(each, ask("x"));
    const without = await bodyOf(each, ask("x", { tool_choice: "none", parallel_tool_calls: true }));
    assert.deepEqual(without, plain);
    const left = ["model", "messages", "contents", "stream", "stream_options", "max_tokens", "generationConfig"];
    assert.deepEqual(Object.keys(plain).filter((name) => !left.includes(name)), []);
    const { tools: _, ...rest } = await bodyOf(each, ask("x", { tools: [TOOL], tool_choice: "auto" }));
    assert.equal("parallel_tool_calls" in rest, false);
    assert.match(JSON.stringify(rest.tool_choice ?? rest.toolConfig ?? "auto"), /auto/i);
  });

  Deno.test(`${each.provider}: a picture's address is passed on and not fetched`, async () => {
    const parts = [{ type: "image_url" as const, url: URL }];
    const body = await bodyOf(each, ask("", { messages: [{ role: "user", content: "look", parts }] }));
    const [message] = (body.messages ?? body.contents) as { content?: unknown[]; parts?: unknown[] }[];
    assert.deepEqual((message!.content ?? message!.parts)![1], each.picture);
  });
}

Deno.test("anthropic: among tools no thoughts are asked for, since it would want those back that led there", async () => {
  const anthropic = CASES.find(({ provider }) => provider === "anthropic")!;
  const request = ask("", {
    choice: { reasoning_effort: "high" },
    messages: [
      { role: "user", content: "go", parts: [] },
      { role: "assistant", content: "", tool_calls: [{ tool_call_id: "c", tool: "f", arguments: {} }] },
      { role: "tool", tool_call_id: "c", tool: "f", content: "done" },
    ],
    tools: [TOOL],
  });
  const body = await bodyOf({ ...anthropic, model: "claude-haiku-4-5" }, request);
  assert.equal(body.thinking, undefined);
  request.messages.push({ role: "user", content: "more", parts: [] });
  const next = await bodyOf({ ...anthropic, model: "claude-haiku-4-5" }, request);
  assert.equal((next.thinking as { type: string }).type, "enabled");
});

Deno.test("google: a picture whose kind its address does not say is refused, and why", async () => {
  await using provider = await startProvider({ script: { raw: sayGoogle({ tokens: ["x"] }) } });
  const model = createModel(toModelOptions(provider.url, {
    provider: "google",
    default_model: "gemini-3.8-flash",
    providers: { google: { base_url: provider.url, api_key: "0123456789abcdef" } },
  }));
  const parts = [{ type: "image_url" as const, url: "https://example.com/photo?id=1" }];
  const { error } = await collect(model, ask("", { messages: [{ role: "user", content: "look", parts }] }));
  assert.equal(error.name, "UpstreamError");
  assert.match(error.message, /image\/\*.*subtype/);
  assert.equal(provider.count, 0);
});
