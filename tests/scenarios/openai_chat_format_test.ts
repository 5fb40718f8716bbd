/**
 * Answers of a given form, pictures and files.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { complete, deltasOf, streamed, textOf } from "../support/openai_chat.ts";
import { startProvider } from "../support/provider.ts";
import { startServer, USER_KEY } from "../support/server.ts";

const schema = {
  type: "object",
  properties: { name: { type: "string" } },
  required: ["name"],
  additionalProperties: false,
};
const response_format = { type: "json_schema", json_schema: { name: "person", schema, strict: true } };
const GOOD = '{"name":"Ada"}';
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

Deno.test("an answer of a form comes in one piece, so that a try that failed is never seen", async () => {
  await using provider = await startProvider({ script: [{ tokens: ["Ada, ", "of course"] }, { tokens: [...GOOD] }] });
  await using server = await startServer({ provider: provider.url });
  const frames = await streamed(server, { body: { response_format } });
  assert.deepEqual(deltasOf(frames, "content"), ["", GOOD]);
  assert.equal(frames.at(-1), "[DONE]");
  assert.equal(provider.count, 2);
  const sent = provider.requests[0]!.body.response_format;
  assert.deepEqual([sent.type, sent.json_schema.name, sent.json_schema.schema], ["json_schema", "person", schema]);
  const { choices: [{ message }] } = await complete(server, { body: { response_format } });
  assert.equal(message.content, GOOD);
});

Deno.test("a JSON object of any kind can be asked for", async () => {
  await using provider = await startProvider({ script: [{ tokens: ["no"] }, { tokens: ['{"a":1}'] }] });
  await using server = await startServer({ provider: provider.url });
  const frames = await streamed(server, { body: { response_format: { type: "json_object" } } });
  assert.deepEqual(JSON.parse(textOf(frames)), { a: 1 });
});

Deno.test("pictures and files come with the message: inside it, stored before, or by address", async () => {
  await using provider = await startProvider({ script: { tokens: ["Seen"] } });
  await using server = await startServer({ provider: provider.url });
  const upload = await fetch(`${server.url}/v1/files?name=note.txt`, {
    method: "POST",
    headers: { authorization: `Bearer ${USER_KEY}`, "content-type": "text/plain" },
    body: "Remember the milk",
  });
  const { id: file_id } = await upload.json();
  const content = [
    { type: "text", text: "Look" },
    { type: "image_url", image_url: { url: `data:image/png;base64,${PIXEL}` } },
    { type: "image_url", image_url: { url: "https://example.org/cat.png" } },
    { type: "file", file: { filename: "a.csv", file_data: `data:text/csv;base64,${btoa("a,b")}` } },
    { type: "file", file: { file_id } },
  ];
  await complete(server, { body: { messages: [{ role: "user", content }] } });
  const sent = JSON.stringify(provider.requests[0]!.body.messages.at(-1).content);
  for (const part of ["Look", `data:image/png;base64,${PIXEL}`, "https://example.org/cat.png", "a,b", "the milk"]) {
    assert.ok(sent.includes(part), `${part} is not in ${sent}`);
  }
});

Deno.test("parameters reach the model", async () => {
  await using provider = await startProvider({ script: { tokens: 1, finish_reason: "length" } });
  await using server = await startServer({ provider: provider.url });
  const body = { temperature: 0.5, top_p: 0.5, max_tokens: 3, stop: "x", seed: 7, reasoning_effort: "low", top_k: 5 };
  const answer = await complete(server, { body });
  assert.equal(answer.choices[0].finish_reason, "length");
  const { temperature, top_p, max_tokens, stop, seed, reasoning_effort } = provider.requests[0]!.body;
  assert.deepEqual([temperature, top_p, max_tokens, stop, seed, reasoning_effort], [0.5, 0.5, 3, ["x"], 7, "low"]);
});
