/**
 * Vercel's AI SDK talks to MUXI: over the Responses API (its default), over chat completions, and through its provider
 * for compatible servers. Only the address and the key are other ones.
 *
 *     export OPENAI_BASE_URL=http://127.0.0.1:8000/v1 OPENAI_API_KEY=sk_muxi_user_…
 *     deno run -A examples/ai_sdk.ts
 *
 * It ends with an error when an answer isn't what it must be.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- an example tells what it does
import { strict as assert } from "node:assert";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, type LanguageModel, Output, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const baseURL = Deno.env.get("OPENAI_BASE_URL")!;
const apiKey = Deno.env.get("OPENAI_API_KEY")!;
/** An agent is a model. */
const agent = Deno.env.get("MODEL") ?? "assistant";

/** An answer as a whole. */
async function ask(model: LanguageModel) {
  const { text, usage, finishReason } = await generateText({ model, prompt: "Hello, who are you?" });
  assert.equal(finishReason, "stop");
  assert.ok(text.length > 0 && usage.totalTokens! > 0);
  return text;
}

/** An answer as it comes. */
async function stream(model: LanguageModel) {
  const result = streamText({ model, prompt: "Hello, who are you?" });
  let text = "";
  for await (const piece of result.textStream) text += piece;
  assert.equal(text, await result.text);
  assert.ok(text.length > 0 && (await result.usage).totalTokens! > 0);
}

/** A tool of ours: the agent asks for it, the SDK calls it, the agent goes on. */
async function tools(model: LanguageModel) {
  const called: string[] = [];
  const { text, steps } = await generateText({
    model,
    prompt: 'Call get_weather with city: "Paris"',
    stopWhen: stepCountIs(3),
    tools: {
      get_weather: tool({
        description: "The weather in a city",
        inputSchema: z.object({ city: z.string() }),
        execute: ({ city }) => {
          called.push(city);
          return Promise.resolve({ city, weather: "sunny", celsius: 21 });
        },
      }),
    },
  });
  assert.deepEqual([called, steps.length], [["Paris"], 2]);
  assert.match(text, /sunny/);
}

/** An answer in a form. */
async function parse(model: LanguageModel) {
  const schema = z.object({ name: z.string(), age: z.number().int() });
  const prompt = 'Who was it? name: "Ada", age: 36';
  const { output } = await generateText({ model, prompt, output: Output.object({ schema, name: "person" }) });
  assert.ok(schema.safeParse(output).success);
}

const openai = createOpenAI({ baseURL, apiKey });
const compatible = createOpenAICompatible({
  name: "muxi",
  baseURL,
  apiKey,
  includeUsage: true,
  supportsStructuredOutputs: true,
});
const models = {
  "responses": openai.responses(agent),
  "chat completions": openai.chat(agent),
  "openai-compatible": compatible(agent),
};
for (const [name, model] of Object.entries(models)) {
  const text = await ask(model);
  await stream(model);
  await tools(model);
  await parse(model);
  console.log(`${name}:`, text);
}
