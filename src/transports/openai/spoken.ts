/**
 * Parts of what an agent says, as chat completions write them.
 *
 * @module
 */
import type { Citation, FinishReason, SpokenMessage, ToolRequest } from "../../domain/message.ts";
import type { Usage } from "../../domain/usage.ts";
import { toArguments } from "./tools.ts";

/** What ended a run or a plain call of a model well. */
export interface Ended {
  message: SpokenMessage | null;
  usage: Usage;
  finish_reason?: FinishReason;
}

/** Calls of the caller's own tools. */
export function toToolCalls(calls: readonly ToolRequest[]) {
  return calls.map((call) => ({
    id: call.tool_call_id,
    type: "function",
    function: { name: call.tool, arguments: toArguments(call) },
  }));
}

/** Sources with an address, as annotations. `base` is where the message begins in the text that was sent. */
export function toAnnotations(citations: readonly Citation[], base = 0) {
  return citations.flatMap(({ title, url, start_index, end_index }) =>
    url === undefined ? [] : [{
      type: "url_citation",
      url_citation: { url, title, start_index: base + (start_index ?? 0), end_index: base + (end_index ?? 0) },
    }]
  );
}

/** Why the message ends. OpenAI has no word for some of the reasons. */
export function toFinishReason({ message, finish_reason = "stop" }: Pick<Ended, "message" | "finish_reason">): string {
  if ((message?.tool_calls?.length ?? 0) > 0) return "tool_calls";
  return finish_reason === "other" || finish_reason === "interrupted" ? "stop" : finish_reason;
}
