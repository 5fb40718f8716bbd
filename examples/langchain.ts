/**
 * LangChain talks to MUXI through its OpenAI provider: only the address and the key are other ones.
 *
 *     export OPENAI_BASE_URL=http://127.0.0.1:8000/v1 OPENAI_API_KEY=sk_muxi_user_…
 *     deno run -A examples/langchain.ts
 *
 * It ends with an error when an answer isn't what it must be.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- an example tells what it does
import { strict as assert } from "node:assert";
import { HumanMessage, type ToolMessage, type UsageMetadata } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import { z } from "zod";

// It reads OPENAI_BASE_URL and OPENAI_API_KEY.
const options = { model: Deno.env.get("MODEL") ?? "assistant" };
const chat = new ChatOpenAI(options);

/** An answer as a whole. */
async function ask() {
  const answer = await chat.invoke("Hello, who are you?");
  assert.ok(answer.text.length > 0);
  const usage: UsageMetadata | undefined = answer.usage_metadata;
  assert.ok(usage!.total_tokens > 0);
  console.log("answer:", answer.text);
}

/** An answer as it comes. */
async function stream(model = chat) {
  let text = "";
  let pieces = 0;
  for await (const piece of await model.stream("Hello, who are you?")) {
    text += piece.text;
    pieces++;
  }
  assert.ok(text.length > 0 && pieces > 0);
  console.log("stream:", text);
}

/** A tool of ours: the agent asks for it, we call it, the agent goes on. */
async function tools(model = chat) {
  const getWeather = tool(({ city }: { city: string }) => `sunny in ${city}, 21 °C`, {
    name: "get_weather",
    description: "The weather in a city",
    schema: z.object({ city: z.string() }),
  });
  const bound = model.bindTools([getWeather]);
  const question = new HumanMessage('Call get_weather with city: "Paris"');
  const asked = await bound.invoke([question]);
  const [call] = asked.tool_calls ?? [];
  assert.ok(call);
  assert.deepEqual([call.name, call.args], ["get_weather", { city: "Paris" }]);
  const result: ToolMessage = await getWeather.invoke({ ...call, type: "tool_call" });
  const answer = await bound.invoke([question, asked, result]);
  assert.match(answer.text, /sunny/);
  console.log("tools:", answer.text);
}

/** An answer in a form. */
async function parse() {
  const Person = z.object({ name: z.string(), age: z.number().int() });
  const person = await chat.withStructuredOutput(Person, { name: "person" }).invoke(
    'Who was it? name: "Ada", age: 36',
  );
  assert.ok(Person.safeParse(person).success);
  console.log("parsed:", person);
}

await ask();
await stream();
await tools();
await parse();
// The same over /v1/responses.
const responses = new ChatOpenAI({ ...options, useResponsesApi: true });
await stream(responses);
await tools(responses);
