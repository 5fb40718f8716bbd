/**
 * Short words for what happens, safe to show.
 *
 * @module
 */
import type { SpokenMessage } from "../../../domain/message.ts";
import type { Usage } from "../../../domain/usage.ts";
import { toSafeLine } from "./safe_text.ts";
import type { Part } from "./story.ts";
import { cutTo } from "./text_width.ts";

/** A duration as people say it. */
export function toDuration(ms: number): string {
  if (ms < 950) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const rest = seconds % 60 === 0 ? "" : ` ${seconds % 60} s`;
  return `${Math.floor(seconds / 60)} min${rest}`;
}

/** Any value on one line, cut to `width` cells. */
export function toShort(value: unknown, width: number): string {
  const text = typeof value === "string" ? value : JSON.stringify(value) ?? "";
  // What would be cut off anyway need not be looked at.
  return cutTo(toSafeLine(text.slice(0, width * 8)), width);
}

/** A call and its arguments. */
export function toCall({ tool, arguments: args }: { tool: string; arguments: unknown }, width: number): string {
  const name = toShort(tool, 64);
  const given = JSON.stringify(args) === "{}" ? "" : ` ${toShort(args, Math.max(10, width - name.length - 1))}`;
  return name + given;
}

function toCost(cost: number): string {
  return `$${cost === 0 || cost >= 1 ? cost.toFixed(2) : cost.toPrecision(2)}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** What an answer took. */
export function toUsage(usage: Usage, { agent_id, steps, seconds }: Omit<Part & { kind: "ended" }, "answer" | "kind">) {
  const { input_tokens, output_tokens, reasoning_tokens, cached_input_tokens, cost } = usage;
  const read = `${input_tokens} tokens in${cached_input_tokens ? ` (${cached_input_tokens} cached)` : ""}`;
  const written = `${output_tokens} out${reasoning_tokens ? ` (${reasoning_tokens} thinking)` : ""}`;
  return [
    ...agent_id === "" ? [] : [toShort(agent_id, 40)],
    ...steps > 1 ? [count(steps, "step")] : [],
    `${read}, ${written}`,
    toDuration(seconds * 1000),
    ...cost === null ? [] : [toCost(cost)],
  ].join(" · ");
}

/** The sources of a message, a line each, every one once. */
export function toSources({ citations = [] }: Pick<SpokenMessage, "citations">): string[] {
  const lines = citations.map(({ title, url }) => {
    const where = url === undefined || url === title ? "" : ` ${toSafeLine(url)}`;
    return `${toSafeLine(title)}${where}`;
  });
  return [...new Set(lines)].map((line, i) => `[${i + 1}] ${line}`);
}

/** What ended an answer otherwise than well; undefined when nothing did. */
export function toEnding({ answer: { status, error, finish_reason } }: Part & { kind: "ended" }): string | undefined {
  if (status === "cancelled") return "Cancelled";
  if (status === "failed") return toSafeLine(error?.message ?? "The run failed");
  if (finish_reason === "length") return "Cut off: the model may not write more at once";
  return finish_reason === "content_filter" ? "Cut off by the provider's filter" : undefined;
}
