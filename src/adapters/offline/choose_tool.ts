/**
 * Chooses tools for a message: those it names, or the one whose words it uses.
 *
 * @module
 */
import type { ModelTool } from "../../ports/model.ts";
import { findArguments } from "./arguments.ts";
import { copyMaterial, toMaterial } from "./material.ts";
import { toStem, toTerms, toWords } from "../../kit/words.ts";

/** A tool that fits. */
export interface Choice {
  tool: ModelTool;
  arguments: Record<string, unknown>;
  /** Required arguments that the message does not hold; such a tool is not called. */
  missing: string[];
  /** Whether the message says its name. */
  named: boolean;
}

/** Verbs that tools share and messages leave out. */
const COMMON = new Set(["get", "list", "fetch", "read", "show", "find", "query", "lookup", "tool", "run"].map(toStem));
const NEGATION = /\b(?:don'?t|do not|never|without|not to)\b/i;
const CALLED =
  /(?:\b(?:call|use|run|invoke|execute|tool|with|via|using|ask|then)\s+(?:the\s+)?(?:tool\s+)?["'`]?|^\s*["'`/]?|`)$/i;

/** The tool's own part of `server__tool`. */
function toShortName(name: string): string {
  return name.slice(name.lastIndexOf("__") + 1).replace(/^_+/, "");
}

/** Where `name` stands alone in `message`; -1 when it does not. */
function findName(message: string, name: string, from = 0): number {
  const at = message.toLowerCase().indexOf(name.toLowerCase(), from);
  if (at === -1 || name === "") return -1;
  const before = message[at - 1] ?? " ";
  const after = message[at + name.length] ?? " ";
  return /[\w-]/.test(before) || /[\w-]/.test(after) ? findName(message, name, at + 1) : at;
}

/** Where `message` names `tool`, and how long the name is. */
function findNamed(message: string, { name }: ModelTool): { at: number; length: number } | null {
  const whole = findName(message, name);
  if (whole !== -1 && (/[_-]/.test(name) || CALLED.test(message.slice(0, whole)))) {
    return { at: whole, length: name.length };
  }
  const short = toShortName(name);
  const at = short === name ? -1 : findName(message, short);
  // A short name that is a plain word must be called like a tool.
  const isName = at !== -1 && (/[_-]|[a-z][A-Z]/.test(short) || CALLED.test(message.slice(0, at)));
  return isName ? { at, length: short.length } : null;
}

function toRest(text: string): string {
  return text.replace(/^["'`]?(?:\s+tool)?[\s:,]*(?:(?:with|on|for|to say|saying|that)\s+)?/i, "").replace(/\s+$/, "");
}

function named(message: string, tools: ModelTool[]): Choice[] {
  const hits = tools.flatMap((tool) => {
    const place = findNamed(message, tool);
    return place ? [{ tool, ...place }] : [];
  }).sort((a, b) => a.at - b.at);
  // Two servers' tools of the same name: the first is meant.
  const first = hits.filter((hit, i) => i === 0 || hit.at !== hits[i - 1]!.at);
  return first.map(({ tool, at, length }, i) => {
    const end = first[i + 1]?.at ?? message.length;
    // With several tools, each takes what stands between its name and the next; one alone may have it in front.
    const rest = message.slice(at + length, end);
    const part = first.length === 1 ? `${message.slice(0, at)} ${rest}` : rest;
    const found = findArguments({ schema: tool.parameters, material: toMaterial(part), rest: toRest(rest) });
    return { tool, arguments: found.values, missing: found.missing, named: true };
  });
}

/** How well `tool` fits the words of a message; 0 when it does not. */
function rate(terms: Set<string>, tool: ModelTool): number {
  const words = toWords(toShortName(tool.name)).map(toStem);
  const own = words.filter((word) => !COMMON.has(word));
  const wanted = own.length > 0 ? own : words;
  if (wanted.length === 0 || !wanted.every((word) => terms.has(word))) return 0;
  const { properties = {}, required } = tool.parameters as { properties?: object; required?: unknown[] };
  const count = (text: string) =>
    new Set(toTerms(text).filter((term) => terms.has(term) && !words.includes(term))).size;
  const more = count(tool.description) + 1.5 * count(Object.keys(properties ?? {}).join(" "));
  // One word of a tool that needs nothing is too little to call it.
  if (wanted.length === 1 && !required?.length && more === 0) return 0;
  return 3 * words.filter((word) => terms.has(word)).length + more;
}

/** The tools `message` asks for, in the order it names them; none when it asks for none. */
export function chooseTools(message: string, tools: ModelTool[]): Choice[] {
  if (tools.length === 0) return [];
  const said = named(message, tools);
  if (said.length > 0) return said;
  // A guess must not act against a wish it does not understand.
  if (NEGATION.test(message)) return [];
  const terms = new Set([...toTerms(message), ...toWords(message).map(toStem)]);
  let best: { tool: ModelTool; score: number } | null = null;
  for (const tool of tools) {
    const score = rate(terms, tool);
    if (score > (best?.score ?? 0)) best = { tool, score };
  }
  if (!best) return [];
  const found = findArguments({ schema: best.tool.parameters, material: toMaterial(message) });
  return [{ tool: best.tool, arguments: found.values, missing: found.missing, named: false }];
}

/** Calls of `tools` that the caller insists on, with what `message` holds; a lone text is the whole message. */
export function forceTools(message: string, tools: ModelTool[]): Choice[] {
  const material = toMaterial(message);
  const rest = message.trim();
  return tools.map((tool) => {
    const found = findArguments({ schema: tool.parameters, material: copyMaterial(material), rest });
    return { tool, arguments: found.values, missing: found.missing, named: true };
  });
}
