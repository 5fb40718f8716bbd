/**
 * Quotes what a request holds in answer to its question.
 *
 * @module
 */
import type { Citation } from "../../domain/message.ts";
import type { ModelMessage, ModelRequest, Passage } from "../../ports/model.ts";
import { findQuotes, type Quote } from "./rank.ts";

const MAX_QUOTES = 3;
const MARK = "> ";

/** Where the user last spoke; -1 when they have not. */
export function lastUser(messages: ModelMessage[]): number {
  return messages.findLastIndex(({ role }) => role === "user");
}

/** Everything that may be quoted: passages, attached texts, what the user said before. */
export function toSources({ messages, passages }: ModelRequest): Passage[] {
  const current = lastUser(messages);
  const sources = [...passages];
  for (const [index, message] of messages.entries()) {
    if (message.role !== "user") continue;
    for (const part of message.parts) if (part.type === "text") sources.push({ source: part.name, text: part.text });
    if (index < current) sources.push({ source: "you, earlier", text: message.content });
  }
  return sources;
}

/** What answers `question` best. */
export function toQuotes(question: string, request: ModelRequest): Quote[] {
  return findQuotes(question, toSources(request), { limit: MAX_QUOTES });
}

/** `quote` as it stands in an answer. */
function toBlock({ source, text }: Quote): string {
  return `${MARK}${text}\n> — ${source}`;
}

/** `quotes` as an answer. */
export function toQuoteText(quotes: Quote[]): string {
  return quotes.map(toBlock).join("\n\n");
}

/** The citations of those of `quotes` that stand whole in `answer`; `write` is how it writes text. */
export function toCitations(quotes: Quote[], answer: string, write: (text: string) => string): Citation[] {
  const citations: Citation[] = [];
  let from = 0;
  for (const quote of quotes) {
    const block = write(toBlock(quote));
    const at = answer.indexOf(block, from);
    if (at === -1) continue;
    const start = at + MARK.length;
    const end = start + write(quote.text).length;
    citations.push({ title: quote.source, quote: quote.text, start_index: start, end_index: end });
    from = at + block.length;
  }
  return citations;
}
