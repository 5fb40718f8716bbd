import { strict as assert } from "node:assert";
import { AppError } from "../../src/domain/error.ts";
import { toChatRequest } from "../../src/transports/openai/chat_request.ts";
import { toOpenAiError } from "../../src/transports/openai/errors.ts";
import { fromArguments, toArguments } from "../../src/transports/openai/tools.ts";

type Body = Record<string, unknown>;

const read = (body: Body) =>
  toChatRequest({ model: "assistant", messages: [{ role: "user", content: "Hi" }], ...body }, {});

function refusal(body: Body) {
  try {
    read(body);
  } catch (thrown) {
    assert.ok(thrown instanceof AppError, String(thrown));
    return { status: thrown.status, ...toOpenAiError(thrown).error };
  }
  assert.fail(`nothing was refused: ${JSON.stringify(body)}`);
}

const look = { type: "function", function: { name: "look", description: "Looks", parameters: { type: "object" } } };
const hear = { type: "function", function: { name: "hear" } };

Deno.test("parameters of the model are passed on, and null is as good as absent", () => {
  const cases: [Body, Body][] = [
    [{ temperature: 0.5, top_p: 0.9, seed: 7, presence_penalty: 1, frequency_penalty: -1 }, {
      temperature: 0.5,
      top_p: 0.9,
      seed: 7,
      presence_penalty: 1,
      frequency_penalty: -1,
    }],
    [{ max_tokens: 5 }, { max_output_tokens: 5 }],
    [{ max_tokens: 5, max_completion_tokens: 6 }, { max_output_tokens: 6 }],
    [{ stop: "x" }, { stop: ["x"] }],
    [{ stop: ["x", "y"] }, { stop: ["x", "y"] }],
    [{ stop: [] }, {}],
    [{ reasoning_effort: "max" }, { reasoning_effort: "max" }],
    [{ reasoning_effort: "low", parallel_tool_calls: false }, { reasoning_effort: "low", parallel_tool_calls: false }],
    [{ temperature: null, stop: null, tools: null, max_tokens: null, n: null, logprobs: null }, {}],
  ];
  for (const [body, options] of cases) assert.deepEqual(read(body).input.options, options, JSON.stringify(body));
});

Deno.test("what changes the answer and can't be done is refused; what changes nothing is not", () => {
  const unsupported: Body[] = [
    { n: 2 },
    { logprobs: true },
    { top_logprobs: 3 },
    { logit_bias: { 50256: -100 } },
    { modalities: ["text", "audio"] },
    { audio: { voice: "alloy", format: "wav" } },
    { functions: [{ name: "look" }] },
    { function_call: "auto" },
    { web_search_options: {} },
    { moderation: { model: "m" } },
  ];
  for (const body of unsupported) {
    const { status, code, param } = refusal(body);
    assert.deepEqual([status, code, param], [400, "unsupported_parameter", Object.keys(body)[0]]);
  }
  const harmless = { n: 1, logprobs: false, top_logprobs: 0, logit_bias: {}, modalities: ["text"], user: "x" };
  assert.deepEqual(read({ ...harmless, service_tier: "auto", prediction: {}, prompt_cache_key: "k" }).headers, {});
});

Deno.test("fields that nobody knows are left out, and the answer says so", () => {
  assert.deepEqual(read({ top_k: 5, min_p: 0.1, "bad\nname": 1, absent: null }).headers, {
    "x-muxi-ignored": "top_k, min_p",
  });
});

Deno.test("values out of range name the field as the caller wrote it", () => {
  const cases: [Body, string][] = [
    [{ temperature: 3 }, "temperature"],
    [{ max_tokens: 0 }, "max_tokens"],
    [{ reasoning_effort: "enormous" }, "reasoning_effort"],
    [{ stream: "yes" }, "stream"],
    [{ messages: [] }, "messages"],
    [{ messages: "Hi" }, "messages"],
    [{ messages: [{ role: "user", content: [{ type: "text" }] }] }, "messages[0].content[0].text"],
    [{ messages: [{ role: "function", content: "" }] }, "messages[0].role"],
    [{ messages: [{ role: "tool", content: "" }] }, "messages[0].tool_call_id"],
    [{ metadata: [] }, "metadata"],
    [{ model: undefined }, "model"],
    [{ tools: [{ type: "web_search" }] }, "tools[0].type"],
    [{ tools: [{ type: "function", function: { name: "with space" } }] }, "tools[0].function.name"],
    [{ tool_choice: "sometimes" }, "tool_choice"],
    [{ tool_choice: { type: "function", function: { name: "look" } } }, "tool_choice"],
    [{ response_format: { type: "xml" } }, "response_format"],
    [{ response_format: { type: "json_schema", json_schema: { name: "a" } } }, "response_format.json_schema.schema"],
  ];
  for (const [body, param] of cases) {
    const error = refusal(body);
    assert.deepEqual([error.status, error.type, error.param], [400, "invalid_request_error", param]);
  }
  assert.deepEqual(refusal({ model: "gpt-4.1" }).code, "model_not_found");
});

Deno.test("tools, and which of them the model is to choose", () => {
  const tools = [look, hear];
  const { tools: [first, second] } = read({ tools }).input.options as { tools: unknown[] };
  assert.deepEqual(first, { name: "look", description: "Looks", parameters: { type: "object" } });
  assert.deepEqual(second, { name: "hear", description: "", parameters: { type: "object", properties: {} } });
});

Deno.test("choices of tools in every form", () => {
  const choose = (tool_choice: unknown) => {
    const { tools, tool_choice: chosen } = read({ tools: [look, hear], tool_choice }).input.options as {
      tools: { name: string }[];
      tool_choice?: unknown;
    };
    return [tools.map(({ name }) => name), chosen];
  };
  const both = ["look", "hear"];
  assert.deepEqual(choose("required"), [both, "required"]);
  assert.deepEqual(choose({ type: "function", function: { name: "hear" } }), [both, { tool: "hear" }]);
  const allowed_tools = { mode: "required", tools: [hear] };
  assert.deepEqual(choose({ type: "allowed_tools", allowed_tools }), [["hear"], "required"]);
  assert.deepEqual(choose({ type: "allowed_tools", mode: "auto", tools: [{ type: "function", name: "look" }] }), [
    ["look"],
    "auto",
  ]);
});

Deno.test("forms of an answer", () => {
  const schema = { type: "object", properties: { a: { type: "string" } } };
  const format = (response_format: unknown) => read({ response_format }).input.response_format;
  assert.equal(format({ type: "text" }), undefined);
  assert.deepEqual(format({ type: "json_object" }), {
    type: "json_schema",
    name: "answer",
    schema: { type: "object" },
  });
  assert.deepEqual(format({ type: "json_schema", json_schema: { name: "A", schema, strict: true } }), {
    type: "json_schema",
    name: "A",
    schema,
  });
});

Deno.test("arguments survive the way there and back, JSON or not", () => {
  for (const text of ['{"a":1}', "{}", '{"a":', "[1]", "7", '"text"']) {
    assert.equal(toArguments({ arguments: fromArguments(text) }), text);
  }
  assert.equal(toArguments({ arguments: fromArguments("") }), "{}");
});
