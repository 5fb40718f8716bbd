/**
 * Tools that the caller brings and calls.
 *
 * @module
 */
import type { ClientTool } from "../../domain/run.ts";
import type { RunRow } from "../../domain/table.ts";
import type { ModelTool } from "../../ports/model.ts";

/** The caller's tools as a model sees them. */
export function toModelTools(tools: readonly ClientTool[]): ModelTool[] {
  return tools.map(({ name, description = "", parameters = { type: "object", properties: {} } }) => {
    return { name, description, parameters };
  });
}

/** Whether `tool` is one of those that `run`'s caller brought. */
export function isOfCaller({ options }: Pick<RunRow, "options">, tool: string): boolean {
  return options?.tools?.some(({ name }) => name === tool) ?? false;
}
