/**
 * The bytes of a request in OpenAI's words.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { OPENAI_URL, toChatBody } from "../../src/adapters/models/chat_body.ts";
import type { Target } from "../../src/adapters/models/source.ts";
import { ask } from "../support/model_request.ts";

const TARGET: Target = {
  provider: "openai",
  model: "m",
  kind: "chat",
  base_url: OPENAI_URL,
  api_key: null,
  api_version: null,
  headers: {},
};
const HEAD =
  '{"model":"m","messages":[{"role":"user","content":"x"}],"stream":true,"stream_options":{"include_usage":true}';

Deno.test("what is absent costs no byte", () => {
  assert.equal(toChatBody(TARGET, ask("x")), `${HEAD}}`);
  const idle = { tool_choice: "required" as const, parallel_tool_calls: true };
  assert.equal(toChatBody(TARGET, ask("x", { ...idle, choice: { stop: [] } })), `${HEAD}}`);
});

Deno.test("zeros and empty texts are said, since they mean something", () => {
  const choice = { temperature: 0, top_p: 0, seed: 0, presence_penalty: 0, frequency_penalty: 0 };
  const wanted = '"temperature":0,"top_p":0,"seed":0,"presence_penalty":0,"frequency_penalty":0';
  assert.equal(toChatBody(TARGET, ask("x", { choice })), `${HEAD},${wanted}}`);
  assert.equal(toChatBody(TARGET, ask("x", { choice: { stop: [" "] } })), `${HEAD},"stop":[" "]}`);
});

Deno.test("OpenAI itself is told the limit under its new name", () => {
  const request = ask("x", { choice: { max_output_tokens: 5, reasoning_effort: "none" } });
  assert.equal(toChatBody(TARGET, request), `${HEAD},"max_completion_tokens":5,"reasoning_effort":"none"}`);
  const elsewhere = toChatBody({ ...TARGET, base_url: "http://127.0.0.1:1/v1" }, request);
  assert.equal(elsewhere, `${HEAD},"max_tokens":5,"reasoning_effort":"none"}`);
});

Deno.test("tools bring their choice along, unless it is the model's", () => {
  const tools = [{ name: "f", description: "F", parameters: { type: "object" } }];
  const list = '"tools":[{"type":"function","function":{"name":"f","description":"F","parameters":{"type":"object"}}}]';
  assert.equal(toChatBody(TARGET, ask("x", { tools, tool_choice: "auto" })), `${HEAD},${list}}`);
  const forced = toChatBody(TARGET, ask("x", { tools, tool_choice: { tool: "f" }, parallel_tool_calls: false }));
  const choice = '"tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false';
  assert.equal(forced, `${HEAD},${list},${choice}}`);
});
