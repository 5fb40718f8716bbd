/**
 * The examples with the official clients of others, each as a program of its own.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { openStage, toArgs } from "../support/examples.ts";
import { ask, until } from "../support/story.ts";

const DENO = Deno.execPath();

Deno.test("the official OpenAI client lists, asks, streams, leaves, parses, uses tools and understands errors", async () => {
  await using stage = await openStage();
  const said = await stage.run(DENO, ...toArgs("openai_client.ts"));
  for (const word of ["models: ", "answer: ", "stream: ", "abort: ", "parsed: ", "tools: ", "error: "]) {
    assert.ok(said.includes(word), `Expected "${word}" in\n${said}`);
  }
  assert.match(said, /answer: Hello, I am scripted\./);
  const story = stage.provider!.requests.find(({ body }) => JSON.stringify(body).includes("very long story"))!;
  await story.settled;
  assert.ok(story.closed_at !== null && story.tokens_unsent > 0, "Leaving must close the connection to the provider");
  await until("leaving cancels the run", async () => {
    return (await ask(stage.server, "GET /runs?status=cancelled")).data.length === 1;
  });
});

Deno.test("the official OpenAI client's responses stream, resume, go on in the background and behind each other", async () => {
  await using stage = await openStage();
  const said = await stage.run(DENO, ...toArgs("openai_responses.ts"));
  assert.match(said, /answer: You are Ada\.\nstream: Hello, I am scripted\.\nresumed: /);
  assert.match(said, /background: completed and cancelled\n/);
  assert.match(said, /tools: The tool says: /);
  const story = stage.provider!.requests.find(({ body }) => JSON.stringify(body).includes("very long story"));
  await story?.settled;
  assert.ok(story === undefined || story.closed_at !== null, "Cancelling must close the connection to the provider");
});

Deno.test("LangChain's OpenAI provider asks, streams, uses tools and parses, over both APIs", async () => {
  await using stage = await openStage();
  const said = await stage.run(DENO, ...toArgs("langchain.ts"));
  assert.equal(said.match(/stream: Hello, I am scripted\./g)?.length, 2);
  assert.match(said, /parsed: \{ name: "Ada", age: 36 \}/);
});

Deno.test("the AI SDK asks, streams, uses tools and parses, over both APIs and its provider for compatible servers", async () => {
  await using stage = await openStage();
  const said = await stage.run(DENO, ...toArgs("ai_sdk.ts"));
  for (const name of ["responses", "chat completions", "openai-compatible"]) {
    assert.ok(said.includes(`${name}: Hello, I am scripted.\n`), `Expected "${name}" in\n${said}`);
  }
});
