/**
 * The sources a provider names, told by each in its own protocol over real HTTP.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createModel } from "../../src/adapters/models/model.ts";
import type { Citation } from "../../src/domain/message.ts";
import { sayOpenai } from "../support/dialects.ts";
import { ask, collect, toModelOptions } from "../support/model_request.ts";
import { startProvider } from "../support/provider.ts";
import { toFrame } from "../support/provider_reply.ts";

const event = (data: { type: string }) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
const data = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;

const BEFORE = "It is said: ";
const CITED = "the sky is blue.";
const SKY = { url: "https://example.com/sky", title: "The sky" };

/** Anthropic gives what is cited a block of text of its own. */
function anthropic(): string[] {
  const message = { id: "m", type: "message", role: "assistant", model: "c", content: [], stop_reason: null };
  const block = (type: string, rest: Record<string, unknown>) => event({ type, ...rest });
  const text = (index: number, said: string, citations: unknown[]) => [
    block("content_block_start", { index, content_block: { type: "text", text: "" } }),
    block("content_block_delta", { index, delta: { type: "text_delta", text: said } }),
    ...citations.map((citation) =>
      block("content_block_delta", { index, delta: { type: "citations_delta", citation } })
    ),
    block("content_block_stop", { index }),
  ];
  return [
    block("message_start", { message: { ...message, usage: { input_tokens: 10, output_tokens: 1 } } }),
    ...text(0, BEFORE, []),
    ...text(1, CITED, [{
      type: "web_search_result_location",
      ...SKY,
      cited_text: "Blue is the colour of the sky.",
      encrypted_index: "e",
    }]),
    block("message_delta", { delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: 5 } }),
    block("message_stop", {}),
  ];
}

function google(): string[] {
  const say = (text: string, rest: Record<string, unknown> = {}) =>
    data({ candidates: [{ index: 0, content: { role: "model", parts: [{ text }] }, ...rest }] });
  const groundingMetadata = { groundingChunks: [{ web: { uri: SKY.url, title: SKY.title } }] };
  return [say(BEFORE), say(CITED, { groundingMetadata, finishReason: "STOP" })];
}

/** OpenAI's annotations, which come once the text is there. */
function openai(): string[] {
  const place = { start_index: BEFORE.length, end_index: BEFORE.length + CITED.length };
  const annotations = [{ type: "url_citation", url_citation: { ...SKY, ...place } }];
  const [before, cited, ...rest] = sayOpenai({ tokens: [BEFORE, CITED] });
  return [before!, cited!, toFrame("m", { annotations }), ...rest];
}

const PLACE = { start_index: BEFORE.length, end_index: BEFORE.length + CITED.length };

for (
  const { provider: name, raw, wanted } of [
    { provider: "openai", raw: openai(), wanted: { ...SKY, ...PLACE } },
    // Its package does not pass on the place.
    { provider: "azure", raw: openai(), wanted: SKY },
    {
      provider: "anthropic",
      raw: anthropic(),
      wanted: { ...SKY, ...PLACE, quote: "Blue is the colour of the sky." },
    },
    { provider: "google", raw: google(), wanted: SKY },
  ] satisfies { provider: string; raw: string[]; wanted: Citation }[]
) {
  Deno.test(`${name}: a source is cited once, before the end, with its place where that is known`, async () => {
    await using provider = await startProvider({ script: { raw } });
    const model = createModel(toModelOptions(provider.url, {
      provider: name,
      default_model: "m-1",
      providers: { [name]: { base_url: provider.url, api_key: "0123456789abcdef", api_version: "2024-10-21" } },
    }));
    const { outputs, text, error } = await collect(model, ask("x"));
    assert.equal(error, null);
    assert.equal(text, BEFORE + CITED);
    assert.deepEqual(outputs.filter(({ type }) => type === "citation"), [{ type: "citation", citation: wanted }]);
    assert.deepEqual(outputs.at(-1), { type: "finish", reason: "stop" });
    assert.equal(outputs.findIndex(({ type }) => type === "citation") < outputs.length - 1, true);
  });
}
