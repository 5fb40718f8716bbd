/**
 * The Responses API of the official OpenAI client, against MUXI: answers that survive a lost connection, answers in
 * the background, conversations that go on behind an answer.
 *
 *     export OPENAI_BASE_URL=http://127.0.0.1:8000/v1 OPENAI_API_KEY=sk_muxi_user_…
 *     deno run -A examples/openai_responses.ts
 *
 * It ends with an error when an answer isn't what it must be.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- an example tells what it does
import { strict as assert } from "node:assert";
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

// It reads OPENAI_BASE_URL and OPENAI_API_KEY.
const client = new OpenAI();
/** An agent is a model. */
const model = Deno.env.get("MODEL") ?? "assistant";

/** An answer as a whole, and one behind it that knows it. */
async function ask() {
  const first = await client.responses.create({ model, input: "My name is Ada. Remember it." });
  assert.equal(first.status, "completed");
  assert.ok(first.output_text);
  const { total_tokens, input_tokens, output_tokens } = first.usage!;
  assert.equal(total_tokens, input_tokens + output_tokens);
  const second = await client.responses.create({ model, input: "What is my name?", previous_response_id: first.id });
  assert.match(second.output_text, /Ada/);
  const { data } = await client.responses.inputItems.list(second.id);
  assert.ok(data.length > 0);
  console.log("answer:", second.output_text);
}

/** An answer as it comes. Its pieces add up to its text, its numbers have no gap. */
async function stream() {
  let text = "";
  let last = -1;
  let whole: OpenAI.Responses.ResponseOutputItem[] = [];
  for await (const event of await client.responses.create({ model, input: "Hello, who are you?", stream: true })) {
    assert.equal(event.sequence_number, ++last);
    if (event.type === "response.output_text.delta") text += event.delta;
    if (event.type === "response.completed") whole = event.response.output;
  }
  const said = whole.flatMap((item) => item.type === "message" ? item.content : []);
  assert.deepEqual(said.map((part) => part.type === "output_text" ? part.text : ""), [text]);
  console.log("stream:", text);
}

/** An answer in the background: the connection is lost on the way, and nothing of the answer. */
async function resume() {
  const stream = await client.responses.create({
    model,
    input: "Tell me a long story.",
    background: true,
    stream: true,
  });
  let id = "";
  let seen = -1;
  let text = "";
  for await (const event of stream) {
    if (event.type === "response.created") id = event.response.id;
    if (event.type === "response.output_text.delta") text += event.delta;
    seen = event.sequence_number;
    // As if the connection were lost here.
    if (event.type === "response.output_text.delta") break;
  }
  const rest = await client.responses.retrieve(id, { stream: true, starting_after: seen });
  for await (const event of rest) {
    assert.equal(event.sequence_number, ++seen);
    if (event.type === "response.output_text.delta") text += event.delta;
  }
  const whole = await client.responses.retrieve(id);
  assert.deepEqual([whole.status, whole.output_text], ["completed", text]);
  console.log("resumed:", text.length, "characters, nothing lost");
}

/** An answer nobody waits for, and one that is called off. */
async function background() {
  let response = await client.responses.create({ model, input: "Hello, who are you?", background: true });
  while (response.status === "queued" || response.status === "in_progress") {
    await new Promise((resolve) => setTimeout(resolve, 100));
    response = await client.responses.retrieve(response.id);
  }
  assert.equal(response.status, "completed");
  const long = await client.responses.create({ model, input: "Tell me a very long story.", background: true });
  const over = await client.responses.cancel(long.id).catch((error) => {
    // A short story was told before it could be called off.
    assert.ok(error instanceof OpenAI.BadRequestError);
    return client.responses.retrieve(long.id);
  });
  assert.ok(over.status === "cancelled" || over.status === "completed");
  console.log("background:", response.status, "and", over.status);
}

/** An answer in a form. */
async function parse() {
  const Person = z.object({ name: z.string(), age: z.number().int() });
  const answer = await client.responses.parse({
    model,
    input: 'Who was it? name: "Ada", age: 36',
    text: { format: zodTextFormat(Person, "person") },
  });
  assert.ok(Person.safeParse(answer.output_parsed).success);
  console.log("parsed:", answer.output_parsed);
}

/** A tool of ours: the agent asks for it, we call it, the agent goes on. */
async function tools() {
  const get_weather = {
    type: "function" as const,
    name: "get_weather",
    description: "The weather in a city",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    strict: false,
  };
  const asked = await client.responses.create({
    model,
    input: 'Call get_weather with city: "Paris"',
    tools: [get_weather],
  });
  const call = asked.output.find((item) => item.type === "function_call");
  assert.ok(call);
  assert.deepEqual([call.name, JSON.parse(call.arguments)], ["get_weather", { city: "Paris" }]);
  const answer = await client.responses.create({
    model,
    previous_response_id: asked.id,
    input: [{ type: "function_call_output", call_id: call.call_id, output: "sunny, 21 °C" }],
    tools: [get_weather],
  });
  assert.match(answer.output_text, /sunny/);
  console.log("tools:", answer.output_text);
}

await ask();
await stream();
await resume();
await background();
await parse();
await tools();
