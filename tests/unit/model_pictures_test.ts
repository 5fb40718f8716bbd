/**
 * Pictures that a provider doesn't read.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createModel } from "../../src/adapters/models/model.ts";
import { ask, collect, toModelOptions } from "../support/model_request.ts";
import { startProvider } from "../support/provider.ts";

const WEBP = { type: "image", media_type: "image/webp", bytes: new Uint8Array([1]) } as const;
const PNG = { type: "image", media_type: "image/png", bytes: new Uint8Array([2]) } as const;
const REQUEST = ask("", {
  messages: [
    { role: "user", content: "What is it?", parts: [PNG, WEBP] },
    { role: "assistant", content: "", tool_calls: [{ tool_call_id: "call_1", tool: "look", arguments: {} }] },
    { role: "tool", tool_call_id: "call_1", tool: "look", content: "{}", parts: [WEBP] },
  ],
});
const CANT = 'File "picture":\n\n(a picture you can\'t see: it is image/webp, and "llama" reads image/png, image/jpeg)';

Deno.test("a provider is sent no picture that it doesn't read: the model is told that it can't see it", async () => {
  await using provider = await startProvider({ script: { tokens: ["A tree."] } });
  const llama = { base_url: provider.url, pictures: ["image/png", "image/jpeg"] };
  const model = createModel(toModelOptions(provider.url, { provider: "llama", providers: { llama } }));
  const { error } = await collect(model, REQUEST);
  assert.equal(error, null);
  const parts = provider.requests[0]!.body.messages.flatMap(({ content }: { content: unknown }) =>
    Array.isArray(content) ? content : []
  );
  assert.deepEqual(parts, [
    { type: "text", text: "What is it?" },
    { type: "image_url", image_url: { url: "data:image/png;base64,Ag==" } },
    { type: "text", text: CANT },
    { type: "text", text: "(The pictures that the tools answered with)" },
    { type: "text", text: CANT },
  ]);
});

Deno.test("whether a model reads a format is known before it is asked: what nobody says it doesn't, it does", async () => {
  const base_url = "http://127.0.0.1:9/v1";
  const providers = { openai: { base_url, pictures: [] }, llama: { base_url, pictures: ["image/png"] } };
  const model = createModel(toModelOptions(base_url, { providers }));
  assert.equal(await model.reads!({}, "image/webp"), true);
  assert.equal(await model.reads!({ provider: "llama", model: "seer" }, "image/webp"), false);
  assert.equal(await model.reads!({ provider: "llama", model: "seer" }, "image/png"), true);
  assert.equal(
    await model.reads!({ provider: "unknown" }, "image/webp"),
    true,
    "that it isn't there is said elsewhere",
  );
});
