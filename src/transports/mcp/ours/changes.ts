/**
 * What becomes another, as the gateway tells it.
 *
 * @module
 */
import { AppError } from "../../../domain/error.ts";
import { DELTA_TYPES, EVENT_DATA, type EventType } from "../../../domain/event.ts";
import { fromResourceAddress } from "../../../domain/resource.ts";
import type { Gateway } from "../../../operations/gateway.ts";
import type { Item, Visit } from "../../../operations/operation.ts";
import { resourceWatch } from "../../../operations/resources.ts";
import { runEvents } from "../../../operations/runs.ts";
import { catalogWatch } from "../../../operations/tools.ts";
import type { Change } from "../catalog.ts";
import { runOf } from "./resources.ts";

const KIND: Readonly<Record<string, Change>> = {
  "tools.changed": { kind: "tools" },
  "prompts.changed": { kind: "prompts" },
  "resources.changed": { kind: "resources" },
};
/** What changes a run as it is shown. */
const TOLD = (Object.keys(EVENT_DATA) as EventType[]).filter((type) => !DELTA_TYPES.includes(type));

/** The lists. */
export async function watchLists(gateway: Gateway, visit: Visit): Promise<AsyncIterable<Change>> {
  const items = await gateway.stream(catalogWatch, () => ({}), visit);
  return toChanges(items, ({ type }) => type in KIND ? [KIND[type]!] : []);
}

/** One resource: a run, or one of another server's. */
export async function watchResource(
  gateway: Gateway,
  { visit, uri }: { visit: Visit; uri: string },
): Promise<AsyncIterable<Change>> {
  const target = fromResourceAddress(uri);
  if (target) {
    const items = await gateway.stream(resourceWatch, () => target, visit);
    return toChanges(items, () => [{ kind: "resource", uri }]);
  }
  const run_id = runOf(uri);
  if (run_id === undefined) {
    throw new AppError(
      "ValidationError",
      `Cannot watch "${uri.slice(0, 200)}": expected a run, such as muxi://runs/run_…`,
    );
  }
  const items = await gateway.stream(runEvents, () => ({ run_id, types: TOLD }), visit);
  return toChanges(items, () => [{ kind: "resource", uri }]);
}

async function* toChanges(
  items: AsyncIterable<Item> | null,
  toChange: (item: Item) => Change[],
): AsyncGenerator<Change> {
  for await (const item of items ?? []) yield* toChange(item);
}
