import { strict as assert } from "node:assert";
import type { Principal } from "../../src/domain/access.ts";
import type { Context, Item, Opened } from "../../src/operations/operation.ts";
import { bindTools, toolCall } from "../../src/operations/tools.ts";
import type { DirectListener } from "../../src/core/tools/direct_calls.ts";

Deno.test("progress that comes while the one before is read is told, too", async () => {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  let listener: DirectListener | undefined;
  const make = (given: DirectListener) => {
    listener = given;
    return promise;
  };
  const direct = { prepare: () => Promise.resolve({ tool_call_id: "tool_1", make }) };
  const bound = bindTools({ direct } as unknown as Parameters<typeof bindTools>[0]);
  const { handler } = bound.find(({ op }) => op === toolCall)!;
  const context = { principal: {} as Principal, signal: new AbortController().signal } as Context;
  const call = handler as (input: unknown, context: Context) => Promise<Opened<unknown>>;
  const { items } = await call({ tool_name: "files__echo", arguments: {} }, context);
  const reader = items![Symbol.asyncIterator]();
  const read = async () => ((await reader.next()).value as Item).data;
  const first = read();
  listener!.onProgress!({ progress: 1 });
  assert.deepEqual(JSON.parse(await first), { tool_call_id: "tool_1", progress: 1 });
  // The reader has the first and hasn't come back for more.
  listener!.onProgress!({ progress: 2 });
  listener!.onProgress!({ progress: 3 });
  const next = read();
  setTimeout(() => resolve({ tool_call_id: "tool_1" }));
  assert.deepEqual(JSON.parse(await next), { tool_call_id: "tool_1", progress: 3 });
  assert.deepEqual(JSON.parse(await read()), { tool_call_id: "tool_1" });
});
