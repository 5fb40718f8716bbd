/**
 * What the sandbox refused a program, for whoever wonders why it fails.
 *
 * @module
 */
import type { ToolResult } from "../../domain/tool.ts";

const KEPT = 10;
/** The most that are quoted with one failure. */
const QUOTED = 3;

/** The last denials of a server, in words that say what to allow. */
export class Denials {
  #words: string[] = [];
  #count = 0;

  /** How many there were, to ask for those that follow. */
  get count(): number {
    return this.#count;
  }

  /** Notes one. */
  note(words: string): void {
    this.#count++;
    this.#words = [...this.#words, words].slice(-KEPT);
  }

  /** Those after the first `count`, each once. */
  since(count: number): string[] {
    const fresh = this.#count - count;
    return fresh <= 0 ? [] : [...new Set(this.#words.slice(-fresh))].slice(0, QUOTED);
  }
}

/** A result that says it failed, with `words` of the sandbox where it doesn't have them itself. */
export function explained(result: ToolResult, words: readonly string[]): ToolResult {
  if (!result.is_error || words.length === 0) return result;
  const said = result.content.map((part) => part.type === "text" ? part.text : "").join("\n");
  const missing = words.filter((one) => !said.includes(one));
  if (missing.length === 0) return { ...result, denied: true };
  return { ...result, denied: true, content: [...result.content, { type: "text", text: missing.join("\n") }] };
}
