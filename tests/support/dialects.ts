/**
 * The same answer in the words of each provider, as raw writes for the scripted one.
 *
 * @module
 */
import { toFrame } from "./provider_reply.ts";

/** An answer to be said in a dialect. */
export interface Saying {
  tokens: string[];
  call?: { id: string; name: string; arguments: Record<string, unknown> };
  /** Leaves out everything after the tokens. */
  cut?: boolean;
}

const event = (data: { type: string }) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
const data = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;

/** OpenAI's (and Azure's) chat completions. */
export function sayOpenai({ tokens, call, cut }: Saying): string[] {
  const frames = tokens.map((content) => toFrame("m", { content }));
  if (cut) return frames;
  if (call) {
    const said = { name: call.name, arguments: JSON.stringify(call.arguments) };
    frames.push(toFrame("m", { tool_calls: [{ index: 0, id: call.id, type: "function", function: said }] }));
  }
  return [
    ...frames,
    toFrame("m", {}, call ? "tool_calls" : "stop"),
    data({ id: "x", choices: [], usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } }),
    "data: [DONE]\n\n",
  ];
}

/** Anthropic's messages. */
export function sayAnthropic({ tokens, call, cut }: Saying): string[] {
  const message = { id: "m", type: "message", role: "assistant", model: "c", content: [], stop_reason: null };
  const block = (type: string, rest: Record<string, unknown>) => event({ type, ...rest });
  const frames = [
    block("message_start", { message: { ...message, usage: { input_tokens: 10, output_tokens: 1 } } }),
    block("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
    ...tokens.map((text) => block("content_block_delta", { index: 0, delta: { type: "text_delta", text } })),
  ];
  if (cut) return frames;
  frames.push(block("content_block_stop", { index: 0 }));
  if (call) {
    const { id, name } = call;
    const delta = { type: "input_json_delta", partial_json: JSON.stringify(call.arguments) };
    frames.push(
      block("content_block_start", { index: 1, content_block: { type: "tool_use", id, name, input: {} } }),
      block("content_block_delta", { index: 1, delta }),
      block("content_block_stop", { index: 1 }),
    );
  }
  const delta = { stop_reason: call ? "tool_use" : "end_turn", stop_sequence: null };
  return [...frames, block("message_delta", { delta, usage: { output_tokens: 5 } }), block("message_stop", {})];
}

/** Google's `streamGenerateContent`. */
export function sayGoogle({ tokens, call, cut }: Saying): string[] {
  const say = (part: unknown, rest: Record<string, unknown> = {}) =>
    data({ candidates: [{ index: 0, content: { role: "model", parts: [part] }, ...rest }] });
  const frames = tokens.map((text) => say({ text }));
  if (cut) return frames;
  if (call) frames.push(say({ functionCall: { id: call.id, name: call.name, args: call.arguments } }));
  const usage = { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 };
  return [
    ...frames,
    data({
      candidates: [{ index: 0, content: { role: "model", parts: [{ text: "" }] }, finishReason: "STOP" }],
      usageMetadata: usage,
    }),
  ];
}
