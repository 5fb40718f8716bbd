/**
 * The official OpenAI client talks to MUXI: only its address and its key are other ones.
 *
 *     export OPENAI_BASE_URL=http://127.0.0.1:8000/v1 OPENAI_API_KEY=sk_muxi_user_…
 *     deno run -A examples/openai_client.ts
 *
 * It ends with an error when an answer isn't what it must be.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- an example tells what it does
import { strict as assert } from "node:assert";
import OpenAI from "openai";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

// It reads OPENAI_BASE_URL and OPENAI_API_KEY.
const client = new OpenAI();
/** An agent is a model. */
const model = Deno.env.get("MODEL") ?? "assistant";

/** What can be asked. */
async function list() {
  const { data } = await client.models.list();
  assert.ok(data.some(({ id }) => id === model), `Expected "${model}" in the list of models`);
  const one = await client.models.retrieve(model);
  assert.deepEqual([one.id, one.object, one.owned_by], [model, "model", "muxi"]);
  console.log("models:", data.map(({ id }) => id).join(", "));
}

/** An answer as a whole. */
async function ask() {
  const answer = await client.chat.completions.create({
    model,
    messages: [{ role: "user", content: "Hello, who are you?" }],
  });
  const [choice] = answer.choices;
  assert.equal(choice?.finish_reason, "stop");
  assert.ok(choice.message.content);
  assert.equal(answer.usage?.total_tokens, answer.usage!.prompt_tokens + answer.usage!.completion_tokens);
  console.log("answer:", choice.message.content, answer.usage);
}

/** An answer as it comes. */
async function stream() {
  const stream = await client.chat.completions.create({
    model,
    messages: [{ role: "user", content: "Hello, who are you?" }],
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let finish: string | null = null;
  let total = 0;
  for await (const { choices: [choice], usage } of stream) {
    text += choice?.delta.content ?? "";
    finish = choice?.finish_reason ?? finish;
    total = usage?.total_tokens ?? total;
  }
  assert.equal(finish, "stop");
  assert.ok(text.length > 0 && total > 0);
  console.log("stream:", text, { total });
}

/** Leaving stops the agent. */
async function abort() {
  const stream = client.chat.completions.stream({
    model,
    messages: [{ role: "user", content: "Tell me a very long story." }],
  });
  stream.once("content", () => stream.abort());
  await assert.rejects(stream.done(), OpenAI.APIUserAbortError);
  console.log("abort: left at the first words");
}

/** An answer in a form. */
async function parse() {
  const Person = z.object({ name: z.string(), age: z.number().int() });
  const answer = await client.chat.completions.parse({
    model,
    messages: [{ role: "user", content: 'Who was it? name: "Ada", age: 36' }],
    response_format: zodResponseFormat(Person, "person"),
  });
  const person = answer.choices[0]?.message.parsed;
  assert.ok(person && Person.safeParse(person).success);
  console.log("parsed:", person);
}

/** A tool of ours: the agent asks for it, we call it, the agent goes on. */
async function tools() {
  const called: string[] = [];
  const runner = client.chat.completions.runTools({
    model,
    messages: [{ role: "user", content: 'Call get_weather with city: "Paris"' }],
    tools: [zodFunction({
      name: "get_weather",
      description: "The weather in a city",
      parameters: z.object({ city: z.string() }),
      function: ({ city }) => {
        called.push(city);
        return { city, weather: "sunny", celsius: 21 };
      },
    })],
  });
  const answer = await runner.finalContent();
  assert.deepEqual(called, ["Paris"]);
  assert.match(answer ?? "", /sunny/);
  console.log("tools:", answer);
}

/** What goes wrong is said in OpenAI's form. */
async function errors() {
  const messages = [{ role: "user" as const, content: "Hello" }];
  await assert.rejects(client.chat.completions.create({ model: "nobody", messages }), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, "model_not_found");
    assert.ok(error.requestID);
    console.log("error:", error.message);
    return true;
  });
  const stranger = new OpenAI({ apiKey: "sk-wrong" });
  await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
  await assert.rejects(client.chat.completions.create({ model, messages, n: 2 }), OpenAI.BadRequestError);
}

await list();
await ask();
await stream();
await abort();
await parse();
await tools();
await errors();
