/**
 * Items that a caller names instead of sending them.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { invalid } from "./errors.ts";
import { responseOf } from "./response_items.ts";
import type { OutputItem } from "./response_shape.ts";
import type { ResponseView, Viewer } from "./response_view.ts";

/** The most responses that are looked into for one request. */
const MAX_RESPONSES = 200;

/** `input` with the items that its references mean. What a model thought is left out: models think anew. */
export async function resolveReferences(
  input: unknown,
  { view, viewer }: { view: ResponseView; viewer: Viewer },
): Promise<unknown> {
  if (!Array.isArray(input) || !input.some(isReference)) return input;
  const seen = new Map<string, OutputItem[]>();
  const resolved: unknown[] = [];
  for (const [i, item] of input.entries()) {
    if (!isReference(item)) resolved.push(item);
    else resolved.push(await find(item.id, { view, viewer, seen, param: `input[${i}]` }));
  }
  return resolved;
}

function isReference(item: unknown): item is { type: "item_reference"; id?: unknown } {
  return (item as { type?: unknown } | null)?.type === "item_reference";
}

async function find(
  id: unknown,
  { view, viewer, seen, param }: {
    view: ResponseView;
    viewer: Viewer;
    seen: Map<string, OutputItem[]>;
    param: string;
  },
): Promise<unknown> {
  const response_id = typeof id === "string" ? responseOf(id) : undefined;
  const unknown = () => invalid(`Cannot find item "${String(id).slice(0, 100)}"`, { param: `${param}.id` });
  if (response_id === undefined) throw unknown();
  if (id!.toString().startsWith("rs_")) return { type: "reasoning" };
  let items = seen.get(response_id);
  if (!items) {
    if (seen.size === MAX_RESPONSES) {
      throw invalid(`Cannot look into more than ${MAX_RESPONSES} responses: send the items whole`, { param: "input" });
    }
    items = await outputOf(response_id, { view, viewer });
    seen.set(response_id, items);
  }
  const item = items.find((item) => item.id === id);
  if (!item) throw unknown();
  return item;
}

async function outputOf(
  response_id: string,
  { view, viewer }: { view: ResponseView; viewer: Viewer },
): Promise<OutputItem[]> {
  try {
    return (await view.show(await view.find(response_id, viewer), viewer)).output;
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.name === "NotFoundError") return [];
    throw thrown;
  }
}
