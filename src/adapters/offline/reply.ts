/**
 * What the offline model has to say to a request: quotes, results, calls of tools, or what it is missing.
 *
 * @module
 */
import type { ModelMessage, ModelPart, ModelRequest } from "../../ports/model.ts";
import { type Choice, chooseTools, forceTools } from "./choose_tool.ts";
import { fillSchema } from "./fill_schema.ts";
import { toMaterial } from "./material.ts";
import { lastUser, toQuotes, toQuoteText, toSources } from "./quote.ts";
import type { Quote } from "./rank.ts";
import { toWords } from "../../kit/words.ts";

/** What it says of itself, once in a conversation. */
export const OFFLINE_NOTICE = "I am MUXI's offline model: I quote what I find and call tools, but I don't reason. " +
  "To connect a language model, set OPENAI_API_KEY or OPENAI_BASE_URL (or start Ollama).";

const MAX_RESULT = 4_000;
const MAX_TOOL_NAMES = 12;

/** What it does in answer to a request. */
export interface Reply {
  text: string;
  calls: Choice[];
  /** What `text` quotes. */
  quotes: Quote[];
}

function say(text: string, quotes: Quote[] = []): Reply {
  return { text, calls: [], quotes };
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

function toPicture(part: ModelPart): string[] {
  if (part.type === "text") return [];
  return [part.type === "image" ? `an attached one (${part.media_type})` : `"${part.url}"`];
}

/** What it was shown and can't see. */
function explainPictures(message: ModelMessage | undefined): string {
  const pictures = message?.role === "user" ? message.parts.flatMap(toPicture) : [];
  return pictures.length === 0 ? "" : `I can't see pictures, so I did not look at ${shorten(pictures.join(", "))}.`;
}

/** The tools to call, as far as the request leaves a choice. */
function choose(question: string, { tools, tool_choice: wish = "auto" }: ModelRequest): Choice[] {
  if (wish === "auto" || wish === "none") return chooseTools(question, tools);
  const allowed = wish === "required" ? tools : tools.filter(({ name }) => name === wish.tool);
  const chosen = chooseTools(question, allowed);
  if (chosen.some(({ missing }) => missing.length === 0)) return chosen;
  const forced = forceTools(question, allowed);
  const ready = forced.find(({ missing }) => missing.length === 0);
  return ready ? [ready] : [...chosen, ...forced].slice(0, 1);
}

function answer(question: string, request: ModelRequest): Reply {
  const choices = choose(question, request);
  const ready = choices.filter(({ missing }) => missing.length === 0);
  if (ready.length > 0) {
    return { text: "", calls: request.parallel_tool_calls === false ? ready.slice(0, 1) : ready, quotes: [] };
  }
  const [wish] = choices;
  if (wish?.named) return say(explainMissing(wish));
  if (request.tools.length > 0 && asksForTools(question)) {
    return say(`Tools I can call by name: ${listTools(request)}.`);
  }
  const quotes = toQuotes(question, request);
  if (quotes.length > 0) return say(toQuoteText(quotes), quotes);
  return say(wish ? explainMissing(wish) : explainNothing(request));
}

/** `text` with the notice, unless the conversation has it already. */
function introduce(text: string, { messages }: ModelRequest): string {
  const told = messages.some(({ role, content }) => role === "assistant" && content.includes(OFFLINE_NOTICE));
  if (told) return text === "" ? "I am still the offline model, and found nothing to say to that." : text;
  return text === "" ? OFFLINE_NOTICE : `${text}\n\n${OFFLINE_NOTICE}`;
}

/** What to say and do. */
export function toReply(asked: ModelRequest): Reply {
  const request = asked.tool_choice === "none" ? { ...asked, tools: [] } : asked;
  const { messages, response_format: format } = request;
  const message = messages[lastUser(messages)];
  const question = message?.content ?? "";
  const results = reportResults(messages);
  const reply = results === null ? answer(question, request) : say(results);
  if (reply.calls.length > 0) return reply;
  const pictures = results === null ? explainPictures(message) : "";
  const text = [reply.text, pictures].filter((part) => part !== "").join("\n\n");
  if (!format) return say(introduce(text, request), reply.quotes);
  const document = fillSchema(format.schema, toMaterial(question), text || OFFLINE_NOTICE);
  return say(JSON.stringify(document), reply.quotes);
}
