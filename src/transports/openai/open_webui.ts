/**
 * What Open WebUI shows beside the answer, when a connection asks for it.
 *
 * @module
 */
import type { Citation } from "../../domain/message.ts";
import type { Item } from "../../operations/operation.ts";

/** Makes frames for its interface of a run's events. */
export class OpenWebUiEvents {
  /** Names of the tools that are called. */
  readonly #tools = new Map<string, string>();
  #queued = false;

  /** The frames of `item`. */
  framesOf({ type, data: text }: Item): string {
    switch (type) {
      case "run.queued":
        this.#queued = true;
        return status("Waits for its turn in the conversation", false);
      case "run.started":
        return this.#queued ? status("It is its turn", true) : "";
      case "tool.call.started": {
        const { tool_call_id, tool } = JSON.parse(text);
        this.#tools.set(tool_call_id, tool);
        return status(`Uses ${tool}`, false);
      }
      case "tool.call.result": {
        const { tool_call_id, error } = JSON.parse(text);
        return status(
          error ? `${this.#nameOf(tool_call_id)}: ${error.message}` : `Used ${this.#nameOf(tool_call_id)}`,
          true,
        );
      }
      case "tool.call.approval_required": {
        const { tool_call_id, tool } = JSON.parse(text);
        this.#tools.set(tool_call_id, tool);
        return status(`Waits for a person to allow ${tool}`, false);
      }
      case "tool.call.approved":
        return status(`${this.#nameOf(JSON.parse(text).tool_call_id)} was allowed`, true);
      case "tool.call.denied":
        return status(`${this.#nameOf(JSON.parse(text).tool_call_id)} was denied`, true);
      case "run.waiting":
        if (JSON.parse(text).reason !== "tool_outcome_unknown") return "";
        return status("Waits for a person: whether a tool did its work is not known", false);
    }
    return "";
  }

  #nameOf(tool_call_id: string): string {
    return this.#tools.get(tool_call_id) ?? "A tool";
  }
}

/** The frames of sources: it lists them below the answer, those without an address too. */
export function sourceFrames(citations: readonly Citation[]): string {
  return citations.map(({ title, url, quote }) =>
    frame("source", {
      source: { name: title, ...url !== undefined && { url } },
      document: [quote ?? title],
      metadata: [{ source: url ?? title, name: title }],
    })
  ).join("");
}

function status(description: string, done: boolean): string {
  return frame("status", { description, done });
}

function frame(type: "status" | "source", data: unknown): string {
  return `data: ${JSON.stringify({ event: { type, data } })}\n\n`;
}
