/**
 * The model that is always there. It is no language model and says so: it quotes what it was given, and calls tools
 * whose names or words a message uses.
 *
 * @module
 */
import type { ModelChoice } from "../../domain/agent.ts";
import { AppError } from "../../domain/error.ts";
import { createId } from "../../kit/id.ts";
import type { Model, ModelOutput, ModelRequest } from "../../ports/model.ts";
import { toCitations } from "./quote.ts";
import { toReply } from "./reply.ts";
import { countWords } from "../../kit/words.ts";

/** How many words go out before others get their turn. */
const WORDS_PER_TURN = 8;

function countInput({ messages, passages, tools }: ModelRequest): number {
  let count = 0;
  for (const message of messages) {
    count += countWords(message.content);
    if (message.role !== "user") continue;
    for (const part of message.parts) if (part.type === "text") count += countWords(part.text);
  }
  for (const { text } of passages) count += countWords(text);
  for (const { description } of tools) count += countWords(description);
  return count;
}

/** `text` up to the first of the texts that end it. */
function cutAtStop(text: string, stop: readonly string[] = []): string {
  const places = stop.map((each) => text.indexOf(each)).filter((at) => at !== -1);
  return text.slice(0, Math.min(text.length, ...places));
}

/** The words to say, each a token here, and whether they are all. */
function toTokens(text: string, { stop, max_output_tokens: limit = Infinity }: ModelChoice) {
  const words = cutAtStop(text, stop).match(/\s*\S+\s*/g) ?? [];
  return { words: words.slice(0, limit), whole: words.length <= limit };
}

function throwIfAborted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  if (signal.reason instanceof AppError) throw signal.reason;
  throw new AppError("CancelledError", "The model call was cancelled", { cause: signal.reason });
}

/** `text` as it stands within a JSON string. */
function toJsonText(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

class OfflineModel implements Model {
  async check(): Promise<{ ok: boolean; detail: string }> {
    return { ok: true, detail: "offline: the built-in model that quotes and calls tools; no provider is connected" };
  }

  async *stream(request: ModelRequest, { signal }: { signal: AbortSignal }): AsyncGenerator<ModelOutput> {
    throwIfAborted(signal);
    yield { type: "start", provider: "offline", model: "offline" };
    const { text, calls, quotes } = toReply(request);
    const { words, whole } = toTokens(text, request.choice);
    const input = countInput(request);
    let output = 0;
    try {
      for (const word of words) {
        yield { type: "text", text: word };
        // Others get their turn, and the reader sees the words come.
        if (++output % WORDS_PER_TURN === 0) await new Promise((resolve) => setTimeout(resolve, 0));
        throwIfAborted(signal);
      }
      const write = request.response_format ? toJsonText : (text: string) => text;
      for (const citation of toCitations(quotes, words.join(""), write)) yield { type: "citation", citation };
      for (const { tool, arguments: args } of calls) {
        output += 1 + countWords(JSON.stringify(args));
        yield { type: "tool_call", call: { tool_call_id: createId("call"), tool: tool.name, arguments: args } };
      }
    } catch (error) {
      yield toUsage(input, output);
      throw error;
    }
    yield toUsage(input, output);
    yield { type: "finish", reason: !whole ? "length" : calls.length > 0 ? "tool_calls" : "stop" };
  }
}

function toUsage(input_tokens: number, output_tokens: number): ModelOutput {
  return { type: "usage", tokens: { input_tokens, output_tokens }, cost: 0 };
}

/** Builds the offline model. */
export function createOfflineModel(): Model {
  return new OfflineModel();
}
