/**
 * The built-in model: its sources, and what a caller asks of its answer.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createOfflineModel } from "../../src/adapters/offline/model.ts";
import { OFFLINE_NOTICE } from "../../src/adapters/offline/reply.ts";
import type { ModelPart, ModelRequest, ModelTool } from "../../src/ports/model.ts";
import { ask, collect } from "../support/model_request.ts";

const model = createOfflineModel();

async function answer(text: string, rest: Partial<ModelRequest> = {}) {
  const { outputs, text: said } = await collect(model, ask(text, rest));
  const calls = outputs.flatMap((output) => output.type === "tool_call" ? [output.call] : []);
  const finish = outputs.at(-1);
  return {
    outputs,
    text: said,
    citations: outputs.flatMap((output) => output.type === "citation" ? [output.citation] : []),
    calls: calls.map(({ tool, arguments: args }) => [tool, args]),
    finish: finish?.type === "finish" ? finish.reason : null,
  };
}

function show(content: string, parts: ModelPart[]): Partial<ModelRequest> {
  return { messages: [{ role: "user", content, parts }] };
}

const GUIDE = { source: "user context: port", text: "MUXI listens on port 8000. Bananas are yellow." };
const FILE: ModelPart = { type: "text", name: "ports.txt", text: "Behind a proxy MUXI may listen on port 80, too." };
const ASKED = "On which port does MUXI listen?";

Deno.test("what it quotes it cites, with the place of each quotation in the answer", async () => {
  const { text, citations, outputs, finish } = await answer("", { ...show(ASKED, [FILE]), passages: [GUIDE] });
  assert.deepEqual(citations.map(({ title, quote }) => [title, quote]), [
    ["user context: port", "MUXI listens on port 8000."],
    ["ports.txt", "Behind a proxy MUXI may listen on port 80, too."],
  ]);
  for (const { quote, start_index, end_index } of citations) assert.equal(text.slice(start_index, end_index), quote);
  assert.deepEqual(outputs.slice(-4).map(({ type }) => type), ["citation", "citation", "usage", "finish"]);
  assert.equal(finish, "stop");
  assert.deepEqual((await answer("How are you?", { passages: [GUIDE] })).citations, []);
});

Deno.test("in an answer in a form the place is that of the quotation as JSON writes it", async () => {
  const passages = [{ source: "a.md", text: 'The port is "8000", say the MUXI docs.' }];
  const schema = { type: "object", properties: { answer: { type: "string" } }, required: ["answer"] };
  const { text, citations } = await answer(ASKED, {
    passages,
    response_format: { type: "json_schema", name: "a", schema },
  });
  const [{ start_index, end_index, quote }] = citations as [typeof citations[number]];
  assert.equal(quote, passages[0]!.text);
  assert.equal(text.slice(start_index, end_index), JSON.stringify(quote).slice(1, -1));
  const short = { ...schema, properties: { answer: { type: "string", maxLength: 10 } } };
  const cut = await answer(ASKED, { passages, response_format: { type: "json_schema", name: "a", schema: short } });
  assert.deepEqual(cut.citations, []);
});

Deno.test("a text that ends the answer is not said, nor what comes after it", async () => {
  const whole = await answer(ASKED, { passages: [GUIDE] });
  const cut = await answer(ASKED, { passages: [GUIDE], choice: { stop: ["never said", "port 8000", "user context"] } });
  assert.equal(cut.text, whole.text.slice(0, whole.text.indexOf("port 8000")));
  assert.deepEqual([cut.citations, cut.finish], [[], "stop"]);
  assert.equal((await answer("Hello", { choice: { stop: [OFFLINE_NOTICE[0]!] } })).text, "");
});

Deno.test("as many words are said as are allowed, and that there were more", async () => {
  const { text, outputs, finish } = await answer("Hello", { choice: { max_output_tokens: 3 } });
  assert.deepEqual([text, finish], ["I am MUXI's ", "length"]);
  assert.deepEqual(outputs.at(-2), { type: "usage", tokens: { input_tokens: 1, output_tokens: 3 }, cost: 0 });
  const words = OFFLINE_NOTICE.split(" ").length;
  const whole = await answer("Hello", { choice: { max_output_tokens: words } });
  assert.deepEqual([whole.text, whole.finish], [OFFLINE_NOTICE, "stop"]);
});

Deno.test("it says which pictures it did not see, those of the newest message only", async () => {
  const parts: ModelPart[] = [
    { type: "image", media_type: "image/png", bytes: new Uint8Array(3) },
    { type: "image_url", url: "https://example.com/cat.png" },
  ];
  const seen = await answer("", show("What is this?", parts));
  const sentence = "I can't see pictures, so I did not look at an attached one (image/png), " +
    '"https://example.com/cat.png".';
  assert.equal(seen.text, `${sentence}\n\n${OFFLINE_NOTICE}`);
  const quoted = await answer("", { ...show(ASKED, parts), passages: [GUIDE] });
  assert.match(quoted.text, /^> MUXI listens on port 8000\.\n[^]*I can't see pictures/);
  assert.equal(quoted.citations.length, 1);
  const { messages } = ask("Hello");
  const later = await answer("", { messages: [...show("x", parts).messages!, ...messages] });
  assert.equal(later.text.includes("pictures"), false);
});

function tool(name: string, properties: Record<string, unknown>): ModelTool {
  return { name, description: "", parameters: { type: "object", properties, required: Object.keys(properties) } };
}

const TOOLS = [
  tool("add", { a: { type: "number" }, b: { type: "number" } }),
  tool("search", { query: { type: "string" } }),
  tool("now", {}),
];

for (
  const { message, tool_choice, calls, says } of [
    { message: "use add with 1 and 2", tool_choice: "auto", calls: [["add", { a: 1, b: 2 }]] },
    { message: "use add with 1 and 2", tool_choice: "none", calls: [], says: /^I am MUXI's/ },
    { message: "Which tools do you have?", tool_choice: "none", calls: [], says: /^I am MUXI's/ },
    { message: "use add with 1 and 2", tool_choice: "required", calls: [["add", { a: 1, b: 2 }]] },
    { message: "Who won?", tool_choice: "required", calls: [["search", { query: "Who won?" }]] },
    { message: "don't add 1 and 2", tool_choice: { tool: "now" }, calls: [["now", {}]] },
    { message: "Who won?", tool_choice: { tool: "search" }, calls: [["search", { query: "Who won?" }]] },
    { message: "17 and 4", tool_choice: { tool: "add" }, calls: [["add", { a: 17, b: 4 }]] },
    { message: "Who won?", tool_choice: { tool: "add" }, calls: [], says: /tool "add" I need "a", "b"/ },
    { message: "use add with 1 and 2, then call now", tool_choice: { tool: "now" }, calls: [["now", {}]] },
  ] as const
) {
  Deno.test(`"${message}" with the choice ${JSON.stringify(tool_choice)} calls ${JSON.stringify(calls)}`, async () => {
    const said = await answer(message, { tools: TOOLS, tool_choice });
    assert.deepEqual(said.calls, calls);
    assert.equal(said.finish, calls.length > 0 ? "tool_calls" : "stop");
    if (says) assert.match(said.text, says);
  });
}

Deno.test("one call at a time is made where several are not wanted", async () => {
  const message = "call add with 1 and 2, then call now";
  assert.equal((await answer(message, { tools: TOOLS })).calls.length, 2);
  assert.deepEqual((await answer(message, { tools: TOOLS, parallel_tool_calls: false })).calls, [
    ["add", { a: 1, b: 2 }],
  ]);
});

Deno.test("what a required tool answered is reported, and not asked for again", async () => {
  const { text, calls } = await answer("", {
    messages: [
      { role: "user", content: "Who won?", parts: [] },
      { role: "assistant", content: "", tool_calls: [{ tool_call_id: "c", tool: "search", arguments: {} }] },
      { role: "tool", tool_call_id: "c", tool: "search", content: "Nobody" },
    ],
    tools: TOOLS,
    tool_choice: "required",
  });
  assert.match(text, /^Tool "search" answered:\n\nNobody/);
  assert.deepEqual(calls, []);
});

Deno.test("a long message and many tools that must be chosen from cost no more than their length", async () => {
  const tools = Array.from({ length: 128 }, (_, i) => tool(`t${i}`, { a: { type: "number" }, b: { type: "number" } }));
  for (const part of ["{[", "A a ", "1e1,", '"x" ', "word "]) {
    const { finish } = await answer(part.repeat(20_000), { tools, tool_choice: "required" });
    assert.notEqual(finish, null);
  }
});
