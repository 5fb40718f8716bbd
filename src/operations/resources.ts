/**
 * Resources of all servers: what can be read there.
 *
 * @module
 */
import { z } from "zod";
import type { Resources } from "../core/tools/resources.ts";
import { Proposals } from "../domain/proposals.ts";
import { UserId } from "../domain/conversation.ts";
import { McpServerName } from "../domain/mcp_server.ts";
import { PageInput, pageOf } from "../domain/page.ts";
import { Resource, ResourceContents } from "../domain/resource.ts";
import { type Bound, call, type Item, onCall, onStream, stream } from "./operation.ts";

const shared = { access: "user", scopes: ["tools"] } as const;
const target = {
  uri: z.string().min(1).max(4000).describe("Its address at its server"),
  server: McpServerName.optional().describe("Whose it is; needed where none lists it, or several do"),
  user_id: UserId.optional(),
};

/** Lists resources. */
export const resourceList = call({
  ...shared,
  id: "resource_list",
  summary: "List what tool servers let others read, and the templates of further addresses",
  input: z.strictObject({
    ...PageInput,
    order: PageInput.order.unwrap().default("asc").describe("By server"),
    server: McpServerName.optional(),
    template: z.boolean().optional().describe("Only templates, or only what is none"),
  }),
  output: pageOf(Resource),
  errors: [],
  http: "GET /resources",
  limit: "read",
});

/** Reads a resource. */
export const resourceRead = call({
  ...shared,
  id: "resource_read",
  summary: "Read a resource of a tool server, as its policy's rules for `resources/read` allow",
  input: z.strictObject(target),
  output: ResourceContents,
  errors: ["NotFoundError", "ConflictError", "TimeoutError", "UpstreamError"],
  http: "GET /resources/content",
  limit: "tool",
});

/** Completes a template. */
export const resourceComplete = call({
  ...shared,
  id: "resource_complete",
  summary: "Propose values for what stands in braces in a template of addresses, as its server does",
  input: z.strictObject({
    ...target,
    uri: target.uri.describe("The template, as it is listed"),
    argument: z.string().min(1).max(200).describe("What stands in the braces"),
    value: z.string().max(2000).default("").describe("How it begins"),
    arguments: z.record(z.string().max(200), z.string().max(2000)).default({}).describe("Those that are filled in"),
  }),
  output: Proposals,
  errors: ["NotFoundError", "ConflictError", "TimeoutError", "UpstreamError"],
  http: "POST /resources/complete",
  limit: "read",
});

const Updated = z.object({ server: z.string(), uri: z.string() });

/** Follows a resource. */
export const resourceWatch = stream({
  ...shared,
  id: "resource_watch",
  summary: "Follow a resource that changes; without streaming: the next change",
  input: z.strictObject({ ...target, follow: z.boolean().default(true).describe("False: wait for nothing") }),
  items: { "resource.updated": Updated },
  output: z.object({ data: z.array(Updated) }),
  errors: ["NotFoundError", "ConflictError", "TimeoutError", "UpstreamError"],
  http: "GET /resources/events",
  limit: "read",
});

/** Every operation of this file. */
export const resourceOperations = [resourceList, resourceRead, resourceComplete, resourceWatch] as const;

/** Binds this file's operations. */
export function bindResources(
  { resources, collectMs }: { resources: Resources; collectMs: () => number },
): Bound[] {
  return [
    onCall(resourceList, ({ server, template, ...page }, { principal }) => {
      return resources.list(principal, page, { server, template });
    }),
    onCall(resourceRead, ({ uri, server }, { principal, signal }) => {
      return resources.read(principal, { uri, server }, signal);
    }),
    onCall(resourceComplete, ({ uri, server, user_id: _, ...typed }, { principal, signal }) => {
      return resources.complete(principal, { uri, server }, { ...typed, signal });
    }),
    onStream(resourceWatch, async ({ uri, server, follow }, { principal, signal }) => {
      const collected = new AbortController();
      const until = AbortSignal.any([signal, collected.signal]);
      const changes = await resources.watch(principal, { uri, server }, until);
      if (!follow) collected.abort();
      return {
        items: toItems(changes),
        async collect() {
          using stack = new DisposableStack();
          stack.defer(() => collected.abort());
          if (!follow) return { data: [] };
          const change = await resources.next(principal, { uri, server }, { ms: collectMs(), signal });
          return { data: change ? [change] : [] };
        },
      };
    }),
  ];
}

async function* toItems(changes: AsyncIterable<z.input<typeof Updated>>): AsyncGenerator<Item> {
  for await (const change of changes) yield { type: "resource.updated", data: JSON.stringify(change) };
}
