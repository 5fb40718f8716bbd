/**
 * The model that is always there. It is no language model and says so: it quotes what it was given, and calls tools
 * whose names or words a message uses.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { createId } from "../../kit/id.ts";
import type { Model, ModelMessage, ModelOutput, ModelRequest, Passage } from "../../ports/model.ts";
import { type Choice, chooseTools } from "./choose_tool.ts";
import { fillSchema } from "./fill_schema.ts";
import { toMaterial } from "./material.ts";
import { findQuotes } from "./rank.ts";
import { countWords, toWords } from "./words.ts";

/** What it says of itself, once in a conversation. */
export const OFFLINE_NOTICE = "I am MUXI's offline model: I quote what I find and call tools, but I don't reason. " +
  "To connect a language model, set OPENAI_API_KEY or OPENAI_BASE_URL (or start Ollama).";

/** How many words go out before others get their turn. */
const WORDS_PER_TURN = 8;
const MAX_QUOTES = 3;
const MAX_RESULT = 4_000;
const MAX_TOOL_NAMES = 12;

/** What it does in answer to a request. */
interface Reply {
  text: string;
  calls: Choice[];
}

function lastUser(messages: ModelMessage[]): number {
  return messages.findLastIndex(({ role }) => role === "user");
}

/** Everything that may be quoted: passages, attached texts, what the user said before. */
function toSources({ messages, passages }: ModelRequest): Passage[] {
  const current = lastUser(messages);
  const sources = [...passages];
  for (const [index, message] of messages.entries()) {
    if (message.role !== "user") continue;
    for (const part of message.parts) if (part.type === "text") sources.push({ source: part.name, text: part.text });
    if (index < current) sources.push({ source: "you, earlier", text: message.content });
  }
  return sources;
}

function quote(question: string, request: ModelRequest): string | null {
  const quotes = findQuotes(question, toSources(request), { limit: MAX_QUOTES });
  if (quotes.length === 0) return null;
  return quotes.map(({ source, text }) => `> ${text}\n> — ${source}`).join("\n\n");
}

function shorten(text: string): string {
  return text.length > MAX_RESULT ? `${text.slice(0, MAX_RESULT)}…` : text;
}

/** What the tools answered since the user spoke. */
function reportResults(messages: ModelMessage[]): string | null {
  const results = messages.slice(lastUser(messages) + 1).filter((message) => message.role === "tool");
  if (results.length === 0) return null;
  return results.map(({ tool, content }) => `Tool "${tool}" answered:\n\n${shorten(content)}`).join("\n\n");
}

function listTools({ tools }: ModelRequest): string {
  const names = tools.slice(0, MAX_TOOL_NAMES).map(({ name }) => name).join(", ");
  return tools.length > MAX_TOOL_NAMES ? `${names} and ${tools.length - MAX_TOOL_NAMES} more` : names;
}

function explainMissing({ tool, missing }: Choice): string {
  const names = missing.map((name) => `"${name}"`).join(", ");
  return `To call tool "${tool.name}" I need ${names}. Give it like this: ${missing[0]}="value".`;
}

function asksForTools(question: string): boolean {
  const words = toWords(question);
  return (words.includes("tools") || words.includes("tool")) && /\b(?:what|which|list|show|have)\b/i.test(question);
}

function explainNothing(request: ModelRequest): string {
  const looked = toSources(request).length > 0 ? "I found nothing about that in what I was given." : "";
  const tools = request.tools.length > 0 ? `Tools I can call by name: ${listTools(request)}.` : "";
  return [looked, tools].filter((part) => part !== "").join(" ");
}

function toReply(request: ModelRequest): Reply {
  const { messages, tools } = request;
  const user = messages[lastUser(messages)];
  const question = user?.content ?? "";
  const results = reportResults(messages);
  if (results !== null) return { text: results, calls: [] };
  const choices = chooseTools(question, tools);
  const ready = choices.filter(({ missing }) => missing.length === 0);
  if (ready.length > 0) return { text: "", calls: ready };
  const [wish] = choices;
  if (wish?.named) return { text: explainMissing(wish), calls: [] };
  if (tools.length > 0 && asksForTools(question)) {
    return { text: `Tools I can call by name: ${listTools(request)}.`, calls: [] };
  }
  const quotes = quote(question, request);
  if (quotes !== null) return { text: quotes, calls: [] };
  return { text: wish ? explainMissing(wish) : explainNothing(request), calls: [] };
}

/** `text` with the notice, unless the conversation has it already. */
function introduce(text: string, { messages }: ModelRequest): string {
  const told = messages.some(({ role, content }) => role === "assistant" && content.includes(OFFLINE_NOTICE));
  if (told) return text === "" ? "I am still the offline model, and found nothing to say to that." : text;
  return text === "" ? OFFLINE_NOTICE : `${text}\n\n${OFFLINE_NOTICE}`;
}

function toDocument(request: ModelRequest): string {
  const { messages, response_format: format } = request;
  const question = messages[lastUser(messages)]?.content ?? "";
  const answer = reportResults(messages) ?? quote(question, request) ?? OFFLINE_NOTICE;
  return JSON.stringify(fillSchema(format!.schema, toMaterial(question), answer));
}

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

function throwIfAborted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  if (signal.reason instanceof AppError) throw signal.reason;
  throw new AppError("CancelledError", "The model call was cancelled", { cause: signal.reason });
}

class OfflineModel implements Model {
  async check(): Promise<{ ok: boolean; detail: string }> {
    return { ok: true, detail: "offline: the built-in model that quotes and calls tools; no provider is connected" };
  }

  async *stream(request: ModelRequest, { signal }: { signal: AbortSignal }): AsyncGenerator<ModelOutput> {
    throwIfAborted(signal);
    yield { type: "start", provider: "offline", model: "offline" };
    const { text, calls } = toReply(request);
    const input = countInput(request);
    const plain = calls.length > 0 ? "" : request.response_format ? toDocument(request) : introduce(text, request);
    let words = 0;
    try {
      for (const [word] of plain.matchAll(/\s*\S+\s*/g)) {
        yield { type: "text", text: word };
        // Others get their turn, and the reader sees the words come.
        if (++words % WORDS_PER_TURN === 0) await new Promise((resolve) => setTimeout(resolve, 0));
        throwIfAborted(signal);
      }
      for (const { tool, arguments: args } of calls) {
        words += 1 + countWords(JSON.stringify(args));
        yield { type: "tool_call", call: { tool_call_id: createId("call"), tool: tool.name, arguments: args } };
      }
    } catch (error) {
      yield toUsage(input, words);
      throw error;
    }
    yield toUsage(input, words);
    yield { type: "finish", reason: calls.length > 0 ? "tool_calls" : "stop" };
  }
}

function toUsage(input_tokens: number, output_tokens: number): ModelOutput {
  return { type: "usage", tokens: { input_tokens, output_tokens }, cost: 0 };
}

/** Builds the offline model. */
export function createOfflineModel(): Model {
  return new OfflineModel();
}
