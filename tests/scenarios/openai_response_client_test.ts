/**
 * Responses as OpenAI's own client reads them, and the AI SDK, which names items instead of sending them.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, stepCountIs, tool } from "ai";
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { type Script, startProvider } from "../support/provider.ts";
import { startServer, type TestServer, USER_KEY } from "../support/server.ts";
import { saidTo, untilStatus } from "../support/story.ts";

/** A client of a server whose model follows `script`. */
async function story(script: Script) {
  await using stack = new AsyncDisposableStack();
  const provider = stack.use(await startProvider({ script }));
  const server: TestServer = stack.use(await startServer({ provider: provider.url }));
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: USER_KEY, maxRetries: 0 });
  const owned = stack.move();
  return { provider, server, client, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const Person = z.object({ name: z.string(), age: z.number() });
const GOOD = '{"name":"Ada","age":36}';
const hello = { model: "assistant", input: "Hello" };

Deno.test("OpenAI's client gets a response, streams one, and finds both again", async () => {
  await using told = await story({ reasoning: ["hm"], tokens: ["It ", "is ", "noon"], delay: 1 });
  const { client } = told;
  const whole = await client.responses.create(hello);
  assert.equal(whole.output_text, "It is noon");
  const { output_text: _, ...plain } = whole;
  const { output_text: __, ...again } = await client.responses.retrieve(whole.id);
  assert.deepEqual(again, plain);
  let text = "";
  const types = new Set<string>();
  for await (const event of await client.responses.create({ ...hello, stream: true })) {
    types.add(event.type);
    if (event.type === "response.output_text.delta") text += event.delta;
  }
  assert.equal(text, "It is noon");
  assert.ok(types.has("response.reasoning_text.delta") && types.has("response.completed"));
  const stream = client.responses.stream(hello);
  const snapshots: string[] = [];
  stream.on("response.output_text.delta", ({ snapshot }) => snapshots.push(snapshot));
  const final = await stream.finalResponse();
  assert.deepEqual([final.output_text, snapshots.at(-1), final.usage?.output_tokens], ["It is noon", "It is noon", 4]);
});

Deno.test("OpenAI's client goes on with a stream where it stopped", async () => {
  await using told = await story({ tokens: 40, delay: 4 });
  const { client } = told;
  let id = "";
  let cursor = 0;
  let before = "";
  for await (const event of await client.responses.create({ ...hello, stream: true, background: true })) {
    cursor = event.sequence_number;
    if (event.type === "response.created") id = event.response.id;
    if (event.type !== "response.output_text.delta") continue;
    before += event.delta;
    if (before.length > 20) break;
  }
  let after = "";
  let end = "";
  for await (const event of await client.responses.retrieve(id, { stream: true, starting_after: cursor })) {
    assert.equal(event.sequence_number, ++cursor);
    if (event.type === "response.output_text.delta") after += event.delta;
    if (event.type === "response.completed") end = event.response.id;
  }
  assert.equal(end, id);
  const whole = await client.responses.retrieve(id);
  assert.equal(before + after, whole.output_text);
  const stream = client.responses.stream({ response_id: id, starting_after: 5 });
  assert.equal((await stream.finalResponse()).output_text, whole.output_text);
});

Deno.test("OpenAI's client reads an answer of a given form, also one that was begun anew", async () => {
  await using told = await story([{ tokens: ["Ada, ", "36"], delay: 1 }, { tokens: [GOOD] }]);
  const { client, provider } = told;
  const text = { format: zodTextFormat(Person, "person") };
  const stream = client.responses.stream({ ...hello, text });
  const final = await stream.finalResponse();
  assert.equal(provider.count, 2);
  assert.equal(final.output_text, GOOD);
  assert.deepEqual(final.output_parsed, { name: "Ada", age: 36 });
  const parsed = await client.responses.parse({ ...hello, text });
  assert.deepEqual(parsed.output_parsed, { name: "Ada", age: 36 });
});

Deno.test("OpenAI's client calls its own tools and hands their results back with everything before", async () => {
  await using told = await story([
    { reasoning: ["hm"], tokens: ["Wait"], delay: 1, tool_calls: [{ name: "weather", arguments: { city: "Ulm" } }] },
    { tokens: ["It rains"] },
  ]);
  const { client, provider } = told;
  const tools = [{
    type: "function" as const,
    name: "weather",
    strict: true,
    parameters: { type: "object", properties: { city: { type: "string" } } },
  }];
  const stream = client.responses.stream({ ...hello, tools });
  const first = await stream.finalResponse();
  const call = first.output.find((item) => item.type === "function_call");
  assert.ok(call);
  assert.deepEqual(JSON.parse(call.arguments), { city: "Ulm" });
  const output = { type: "function_call_output" as const, call_id: call.call_id, output: "rain" };
  const second = await client.responses.create({
    model: "assistant",
    store: false,
    tools,
    input: [{ role: "user", content: "Hello" }, ...first.output as OpenAI.Responses.ResponseInputItem[], output],
  });
  assert.equal(second.output_text, "It rains");
  const roles = provider.requests[1]!.body.messages.map(({ role }: { role: string }) => role);
  assert.deepEqual(roles.slice(-3), ["user", "assistant", "tool"]);
});

Deno.test("OpenAI's client cancels, lists input and deletes", async () => {
  await using told = await story({ tokens: ["a ", "b"], hang: true });
  const { client, provider, server } = told;
  const begun = await client.responses.create({ ...hello, background: true });
  assert.equal(begun.status, "in_progress");
  const cancelled = await client.responses.cancel(begun.id);
  assert.equal(cancelled.status, "cancelled");
  const items = [];
  for await (const item of client.responses.inputItems.list(begun.id)) items.push(item);
  assert.deepEqual(items.map((item) => item.type), ["message"]);
  await client.responses.delete(begun.id);
  await assert.rejects(client.responses.retrieve(begun.id), OpenAI.NotFoundError);
  provider.script({ tokens: 400, delay: 5 });
  const stream = client.responses.stream(hello);
  const { response } = await stream.emitted("response.created");
  stream.abort();
  await assert.rejects(stream.done(), OpenAI.APIUserAbortError);
  await untilStatus(server, response.id.replace("resp_", "run_"), "cancelled");
});

Deno.test("OpenAI's client throws what it throws elsewhere", async () => {
  await using told = await story({ tokens: ["Hi"] });
  const { client, server } = told;
  const unknown = await client.responses.create({ ...hello, model: "nobody" }).catch((error) => error);
  assert.ok(unknown instanceof OpenAI.NotFoundError);
  assert.deepEqual([unknown.code, unknown.param], ["model_not_found", "model"]);
  const wrong = await client.responses.create({ ...hello, previous_response_id: "resp_1" }).catch((error) => error);
  assert.ok(wrong instanceof OpenAI.BadRequestError);
  assert.equal(wrong.code, "previous_response_not_found");
  const stranger = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "sk-nobody", maxRetries: 0 });
  await assert.rejects(stranger.responses.create(hello), OpenAI.AuthenticationError);
});

Deno.test("the AI SDK goes on with items that it only names", async () => {
  await using told = await story([
    { reasoning: ["hm"], tokens: ["Wait"], delay: 1, tool_calls: [{ name: "weather", arguments: { city: "Ulm" } }] },
    { reasoning: ["so"], tokens: ["It ", "rains"], delay: 1 },
    { tokens: ["Bye"] },
  ]);
  const { server, provider } = told;
  const model = createOpenAI({ baseURL: `${server.url}/v1`, apiKey: USER_KEY }).responses("assistant");
  const weather = tool({ inputSchema: z.object({ city: z.string() }), execute: () => "rain" });
  const question = { role: "user" as const, content: "Hello" };
  const { text, steps } = await generateText({
    model,
    messages: [question],
    tools: { weather },
    stopWhen: stepCountIs(3),
  });
  assert.equal(text, "It rains");
  const before = steps.flatMap(({ response }) => response.messages);
  const last = await generateText({ model, messages: [question, ...before, { role: "user", content: "Thanks" }] });
  assert.equal(last.text, "Bye");
  const said = saidTo(provider.requests[2]!).filter((line) => !line.startsWith("system"));
  assert.deepEqual(said, ["user: Hello", "assistant: Wait", "tool: rain", "assistant: It rains", "user: Thanks"]);
});

Deno.test("a response that fails on the way is an error of the AI SDK that says why", async () => {
  await using told = await story({ tokens: 20, delay: 2, die_after: 5 });
  const model = createOpenAI({ baseURL: `${told.server.url}/v1`, apiKey: USER_KEY }).responses("assistant");
  await assert.rejects(
    generateText({ model, prompt: "Hello", maxRetries: 0 }),
    /connection to provider "openai" broke/,
  );
});
