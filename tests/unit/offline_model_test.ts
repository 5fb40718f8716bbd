/**
 * The built-in model: quotes, tools, forms.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createJsonSchema } from "../../src/adapters/json_schema/json_schema.ts";
import { createOfflineModel } from "../../src/adapters/offline/model.ts";
import { OFFLINE_NOTICE } from "../../src/adapters/offline/reply.ts";
import type { ModelRequest, ModelTool } from "../../src/ports/model.ts";
import { ask, collect } from "../support/model_request.ts";

const model = createOfflineModel();

async function say(text: string, rest: Partial<ModelRequest> = {}): Promise<string> {
  return (await collect(model, ask(text, rest))).text;
}

async function callsOf(text: string, tools: ModelTool[]) {
  const { outputs } = await collect(model, ask(text, { tools }));
  return outputs.flatMap((output) => output.type === "tool_call" ? [[output.call.tool, output.call.arguments]] : []);
}

function tool(name: string, description: string, properties: Record<string, unknown>, required?: string[]): ModelTool {
  return {
    name,
    description,
    parameters: { type: "object", properties, required: required ?? Object.keys(properties) },
  };
}

const text = { type: "string" };
const TOOLS = [
  tool("calc__add", "Add two numbers", { a: { type: "number" }, b: { type: "number" } }),
  tool("echo", "Echo a message", { message: text }),
  tool("get_weather", "Get the current weather of a city", { city: text, unit: { enum: ["celsius", "fahrenheit"] } }, [
    "city",
  ]),
  tool("fs__read_file", "Read a file", { path: text }),
  tool("fetch_url", "Fetch a page", { url: { type: "string", format: "uri" }, limit: { type: "integer" } }, ["url"]),
  tool(
    "create_task",
    "Create a task",
    { title: text, tags: { type: "array", items: text }, done: { type: "boolean" } },
    [
      "title",
    ],
  ),
  tool("delete_file", "Delete a file", { path: text }),
  tool("now", "The current time", {}),
];

for (
  const [message, ...calls] of [
    ["use calc__add with a=2 and b=40", ["calc__add", { a: 2, b: 40 }]],
    ["Please call add: 17 25", ["calc__add", { a: 17, b: 25 }]],
    ['call calc__add {"a": 1.5, "b": -2}', ["calc__add", { a: 1.5, b: -2 }]],
    ["add 17 and 25", ["calc__add", { a: 17, b: 25 }]],
    ['echo "hello there"', ["echo", { message: "hello there" }]],
    ["use the echo tool with hello world", ["echo", { message: "hello world" }]],
    ["What's the weather in New York?", ["get_weather", { city: "New York" }]],
    ["weather for Oslo, unit: fahrenheit", ["get_weather", { city: "Oslo", unit: "fahrenheit" }]],
    ["read_file /etc/hosts", ["fs__read_file", { path: "/etc/hosts" }]],
    ["please read the file notes/today.md", ["fs__read_file", { path: "notes/today.md" }]],
    ["fetch_url https://example.com/a?b=c.", ["fetch_url", { url: "https://example.com/a?b=c" }]],
    ["fetch_url https://example.com limit=3", ["fetch_url", { url: "https://example.com", limit: 3 }]],
    [
      'create_task title="Buy milk" tags: ["home", "shop"] done=true',
      ["create_task", { title: "Buy milk", tags: ["home", "shop"], done: true }],
    ],
    ["call now", ["now", {}]],
    ["call calc__add with 1 and 2, then echo 'done'", ["calc__add", { a: 1, b: 2 }], ["echo", { message: "done" }]],
    ["don't delete the file /tmp/x"],
    ["I have no idea now"],
    ["How are you?"],
  ] as [string, ...unknown[]][]
) {
  Deno.test(`"${message}" calls ${calls.length === 0 ? "nothing" : calls.map((call) => JSON.stringify(call)).join()}`, async () => {
    assert.deepEqual(await callsOf(message, TOOLS), calls);
  });
}

Deno.test("a tool whose arguments are not there is not called, and what is missing is said", async () => {
  assert.deepEqual(await callsOf("use calc__add with a=2", TOOLS), []);
  assert.match(await say("use calc__add with a=2", { tools: TOOLS }), /tool "calc__add" I need "b"/);
});

Deno.test("results of tools are reported", async () => {
  const answer = await say("", {
    messages: [
      { role: "user", content: "add 1 2", parts: [] },
      { role: "assistant", content: "", tool_calls: [{ tool_call_id: "c", tool: "calc__add", arguments: {} }] },
      { role: "tool", tool_call_id: "c", tool: "calc__add", content: "3" },
    ],
    tools: TOOLS,
  });
  assert.match(answer, /^Tool "calc__add" answered:\n\n3/);
});

Deno.test("passages, attached files and earlier messages are quoted with their sources, best first", async () => {
  const passages = [
    { source: "guide.md", text: "MUXI listens on port 8000. The port is set by MUXI_PORT.\nBananas are yellow." },
    { source: "other.md", text: "Nothing of interest stands here." },
  ];
  const answer = await say("Which port does MUXI listen on?", { passages });
  assert.match(answer, /^> MUXI listens on port 8000\.\n> — guide\.md/);
  assert.equal(answer.includes("Bananas"), false);
  const attached = await say("", {
    messages: [{
      role: "user",
      content: "What does the contract say about the deadline?",
      parts: [{ type: "text", name: "contract.txt", text: "The price is 5. The deadline is Friday." }],
    }],
  });
  assert.match(attached, /> The deadline is Friday\.\n> — contract\.txt/);
  const earlier = await say("", {
    messages: [
      { role: "user", content: "My favourite colour is teal.", parts: [] },
      { role: "assistant", content: OFFLINE_NOTICE, tool_calls: [] },
      { role: "user", content: "What is my favourite colour?", parts: [] },
    ],
  });
  assert.equal(earlier, "> My favourite colour is teal.\n> — you, earlier");
});

Deno.test("it says what it is once, and that it found nothing", async () => {
  assert.equal(await say("How are you?"), OFFLINE_NOTICE);
  const lost = await say("Who won?", { passages: [{ source: "a", text: "Bananas are yellow." }] });
  assert.match(lost, /^I found nothing/);
  assert.equal(lost.endsWith(OFFLINE_NOTICE), true);
  assert.match(await say("What tools do you have?", { tools: TOOLS }), /calc__add, echo/);
});

Deno.test("the same request gives the same words, one at a time, with counts and no cost", async () => {
  const request = ask("one two three");
  const [a, b] = [await collect(model, request), await collect(model, request)];
  assert.deepEqual(a, b);
  assert.equal(a.outputs.filter(({ type }) => type === "text").length > 20, true);
  assert.deepEqual(a.outputs.slice(-2), [
    { type: "usage", tokens: { input_tokens: 3, output_tokens: OFFLINE_NOTICE.split(" ").length }, cost: 0 },
    { type: "finish", reason: "stop" },
  ]);
});

const SCHEMAS: [string, Record<string, unknown>, unknown][] = [
  ['name="Ada" age: 36', {
    type: "object",
    properties: { name: text, age: { type: "integer" }, email: { type: "string", format: "email" } },
    required: ["name", "age"],
    additionalProperties: false,
  }, { name: "Ada", age: 36 }],
  ["nothing", {
    type: "object",
    properties: {
      id: { type: "string", minLength: 9 },
      n: { type: "integer", minimum: 3, maximum: 9 },
      when: { type: "string", format: "date" },
      kind: { enum: ["a", "b"] },
      list: { type: "array", items: { $ref: "#/$defs/item" }, minItems: 2 },
      maybe: { type: ["string", "null"] },
      either: { anyOf: [{ type: "null" }, { type: "object", properties: { x: { type: "number" } }, required: ["x"] }] },
    },
    required: ["id", "n", "when", "kind", "list", "maybe", "either"],
    additionalProperties: false,
    $defs: { item: { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] } },
  }, undefined],
];

Deno.test("an answer in a form satisfies its schema, from the message as far as that goes", async () => {
  const schema = createJsonSchema();
  for (const [message, shape, wanted] of SCHEMAS) {
    const answer = await say(message, { response_format: { type: "json_schema", name: "answer", schema: shape } });
    const value = JSON.parse(answer);
    assert.deepEqual(schema.check(shape, value), [], answer);
    if (wanted !== undefined) assert.deepEqual(value, wanted);
  }
});

Deno.test("a schema that needs itself without end still gives an answer", async () => {
  const shape = {
    $ref: "#/$defs/n",
    $defs: { n: { type: "object", properties: { next: { $ref: "#/$defs/n" } }, required: ["next"] } },
  };
  assert.match(await say("x", { response_format: { type: "json_schema", name: "a", schema: shape } }), /^\{"next"/);
});

Deno.test("long and hostile messages cost no more than their length", async () => {
  for (const part of ["a=", "{[", "'", "/a.b", "A a ", "1e1", "https://x", "a@", '"x" ', "-", "__", "éa"]) {
    await callsOf(part.repeat(20_000), TOOLS);
    await say(part.repeat(20_000), { passages: [{ source: "s", text: part.repeat(50_000) }] });
  }
});
