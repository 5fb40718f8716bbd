/**
 * Nothing that has a meaning is left out without a word: it is told to the model, or refused.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { complete } from "../support/openai_chat.ts";
import { respond } from "../support/openai_response_story.ts";
import { startProvider } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import type { Json } from "../support/story.ts";

const user = { role: "user", content: "Hello" };
const picture = { type: "image_url", image_url: { url: "https://example.com/a.png" } };
const input_image = { type: "input_image", image_url: "https://example.com/a.png" };
const call = { id: "call_1", type: "function", function: { name: "look", arguments: "{}" } };
const result = { role: "tool", tool_call_id: "call_1", content: "wet" };
const output = { type: "function_call_output", call_id: "call_1", output: "wet" };

Deno.test("a result of a call that nobody made is refused where nothing else was said", async () => {
  await using provider = await startProvider({ script: { tokens: ["Yes"] } });
  await using server = await startServer({ provider: provider.url });
  const early = [user, result, { role: "assistant", content: null, tool_calls: [call] }];
  for (const messages of [[result], [user, result], early]) {
    const { error } = await complete(server, { body: { messages }, status: 400 });
    assert.equal(error.param, `messages[${messages.indexOf(result)}].tool_call_id`);
    assert.match(error.message, /"call_1"/);
  }
  const { error } = await respond(server, { body: { input: [user, output] }, status: 400 });
  assert.equal(error.param, "input[1].call_id");
  assert.equal(provider.count, 0);
});

Deno.test("a result of a call that the server remembers is taken", async () => {
  const asks = { tool_calls: [{ name: "look", arguments: {} }] };
  await using provider = await startProvider({ script: [asks, { tokens: ["Wet"] }, asks, { tokens: ["Wet"] }] });
  await using server = await startServer({ provider: provider.url });
  const tools = [{ type: "function", function: { name: "look" } }];
  const headers = { "x-muxi-conversation": "trip" };
  const { choices: [{ message }] } = await complete(server, { headers, body: { messages: [user], tools } });
  const tool_call_id = message.tool_calls[0].id;
  await complete(server, { headers, body: { messages: [{ ...result, tool_call_id }], tools } });
  const first = await respond(server, { body: { input: "Hello", tools } });
  const call_id = first.output.find(({ type }: Json) => type === "function_call").call_id;
  await respond(server, { body: { input: [{ ...output, call_id }], previous_response_id: first.id, tools } });
  for (const { body } of [provider.requests[1]!, provider.requests[3]!]) {
    assert.deepEqual([body.messages.at(-1).role, body.messages.at(-1).content], ["tool", "wet"]);
  }
});

Deno.test("pictures and files are refused where no model is shown them", async () => {
  await using provider = await startProvider();
  await using server = await startServer({ provider: provider.url });
  const made = { role: "assistant", content: null, tool_calls: [call] };
  const chats: [Json[], string][] = [
    [[{ role: "system", content: [picture] }, user], "messages[0].content"],
    [[user, { role: "assistant", content: [picture] }, user], "messages[1].content"],
    [[user, made, { ...result, content: [picture] }], "messages[2].content"],
  ];
  for (const [messages, param] of chats) {
    const { error } = await complete(server, { body: { messages }, status: 400 });
    assert.deepEqual([error.param, error.code], [param, "unsupported_value"]);
  }
  const asked = { type: "function_call", call_id: "call_1", name: "look", arguments: "{}" };
  const inputs: [Json[], string][] = [
    [[{ role: "developer", content: [input_image] }, user], "input[0].content"],
    [[user, asked, { ...output, output: [input_image] }], "input[2].output"],
  ];
  for (const [input, param] of inputs) {
    const { error } = await respond(server, { body: { input }, status: 400 });
    assert.deepEqual([error.param, error.code], [param, "unsupported_value"]);
  }
  assert.equal(provider.count, 0);
});

Deno.test("what an assistant refused is told to the model as its words", async () => {
  await using provider = await startProvider({ script: { tokens: ["Still no"] } });
  await using server = await startServer({ provider: provider.url });
  const refused = { role: "assistant", content: null, refusal: "I can't" };
  await complete(server, { body: { messages: [user, refused, user] } });
  assert.deepEqual(provider.requests[0]!.body.messages.at(-2), { role: "assistant", content: "I can't" });
});

Deno.test("a response of which nothing was kept is nothing to go on behind", async () => {
  await using provider = await startProvider({ script: { tokens: ["Yes"] } });
  await using server = await startServer({ provider: provider.url });
  const { id } = await respond(server, { body: { store: false } });
  const { error } = await respond(server, { body: { previous_response_id: id }, status: 400 });
  assert.deepEqual([error.param, error.code], ["previous_response_id", "previous_response_not_found"]);
  assert.equal(provider.count, 1);
});

Deno.test("a request in the words of the other dialect is refused, and told where they belong", async () => {
  await using provider = await startProvider();
  await using server = await startServer({ provider: provider.url });
  const chats: [Record<string, unknown>, RegExp][] = [
    [{ input: "Hello" }, /messages/],
    [{ instructions: "Be brief" }, /a message of the system/],
    [{ text: { format: { type: "json_object" } } }, /response_format/],
    [{ previous_response_id: "resp_1" }, /messages/],
    [{ background: true }, /a response/],
  ];
  for (const [body, place] of chats) {
    const { error } = await complete(server, { body, status: 400 });
    assert.deepEqual([error.param, error.code], [Object.keys(body)[0], "unsupported_parameter"]);
    assert.match(error.message, place);
  }
  for (const body of [{ messages: [user] }, { response_format: { type: "json_object" } }]) {
    const { error } = await respond(server, { body, status: 400 });
    assert.deepEqual([error.param, error.code], [Object.keys(body)[0], "unsupported_parameter"]);
  }
  const legacy = { role: "assistant", content: null, function_call: { name: "look", arguments: "{}" } };
  const { error } = await complete(server, { body: { messages: [user, legacy, user] }, status: 400 });
  assert.equal(error.param, "messages[1].function_call");
  assert.equal(provider.count, 0);
});

Deno.test("a limit that is passed is named by the field that the caller wrote", async () => {
  await using server = await startServer();
  const long = "x".repeat(200_001);
  const pictures = [{ role: "user", content: Array.from({ length: 21 }, () => picture) }];
  const { error: crowded } = await complete(server, { body: { messages: pictures }, status: 400 });
  assert.equal(crowded.param, "messages[0].content");
  const { error } = await respond(server, { body: { input: long }, status: 400 });
  assert.equal(error.param, "input");
  const { error: none } = await complete(server, { body: { response_format: { type: "json_schema" } }, status: 400 });
  assert.match(none.param, /^response_format\.json_schema\b/);
  const { error: empty } = await complete(server, { body: { stop: "" }, status: 400 });
  assert.match(empty.message, /at most 16/);
});
