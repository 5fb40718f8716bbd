/**
 * What a model is told.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { Files } from "../../src/core/files/files.ts";
import { AttachedFiles } from "../../src/core/orchestrator/attached_files.ts";
import { Context, type ContextOptions } from "../../src/core/orchestrator/context.ts";
import { Users } from "../../src/core/users/users.ts";
import { AgentConfig } from "../../src/domain/agent.ts";
import type { MessageRow } from "../../src/domain/table.ts";
import { systemClock } from "../../src/kit/clock.ts";
import { createId } from "../../src/kit/id.ts";
import { createLog } from "../../src/kit/log.ts";
import type { Blobs } from "../../src/ports/blobs.ts";
import { FULL_ROWS, run } from "../contracts/sample_rows.ts";

const noBlobs: Blobs = {
  put: () => Promise.reject(new Error("not used")),
  open: () => Promise.resolve(undefined),
  delete: () => Promise.resolve(),
  list: async function* () {},
};

/** What the model reads in `turn` of a conversation of `rows`. */
async function told(
  rows: Partial<MessageRow>[],
  turn = 9,
  agent: Partial<AgentConfig> = {},
  options: ContextOptions = {},
) {
  const log = createLog({ level: "error", format: "text", write: () => {} });
  await using store = await openLibsqlStore({ path: ":memory:", log });
  const all = rows.map((row) => ({
    ...FULL_ROWS.messages,
    id: createId("msg"),
    conversation_id: "conv_1",
    attachments: [],
    tool_calls: null,
    tool_call_id: null,
    ...row,
  }));
  await store.commit({ writes: [{ insert: "messages", rows: all }] });
  const context = new Context({
    store,
    attached: new AttachedFiles({
      store,
      files: new Files({ store, blobs: noBlobs, clock: systemClock, max_bytes: 1 }),
    }),
    users: new Users({ store, clock: systemClock }),
  });
  const row = { ...run("run_1"), conversation_id: "conv_1", turn, user_id: null, options: null };
  const { messages } = await context.build(row, AgentConfig.parse({ name: "x", ...agent }), options);
  return messages;
}

const user = (content: string, turn: number | null = 1): Partial<MessageRow> => ({ role: "user", content, turn });
const asks = (turn: number, ...ids: string[]): Partial<MessageRow> => ({
  role: "assistant",
  content: "",
  turn,
  tool_calls: ids.map((tool_call_id) => ({ tool_call_id, tool: "look", arguments: {} })),
});
const answers = (tool_call_id: string, turn: number): Partial<MessageRow> => ({
  role: "tool",
  content: `"${tool_call_id}"`,
  turn,
  tool_call_id,
});

Deno.test("turns come in order, whenever their messages were stored; later ones and untaken ones are not told", async () => {
  const messages = await told([
    user("one", 1),
    user("two", 2),
    user("three", 3),
    user("nobody's yet", null),
    { role: "assistant", content: "to one", turn: 1 },
  ], 2);
  assert.deepEqual(messages.map(({ content }) => content), ["one", "to one", "two"]);
});

Deno.test("a conversation is read as its reader wants, and what is left out makes room", async () => {
  const rows = [user("one", 1), user("x".repeat(399_999), 2), asks(2, "tool_a"), answers("tool_a", 2), user("two", 3)];
  const reading = { apply: (rows: readonly MessageRow[]) => rows.filter(({ turn }) => turn !== 2).toReversed() };
  const more = [{ ...FULL_ROWS.messages, ...user("three", null), attachments: [], tool_calls: null }];
  const messages = await told(rows, 3, {}, { reading, more });
  assert.deepEqual(messages.map(({ content }) => content), ["three", "two", "one"]);
});

Deno.test("the system prompt stands first, and only if there is one", async () => {
  const [first, second] = await told([user("Hi")], 1, { system_prompt: "Be kind" });
  assert.deepEqual([first, second!.role], [{ role: "system", content: "Be kind" }, "user"]);
  assert.equal((await told([user("Hi")]))[0]!.role, "user");
});

Deno.test("every request gets its answer, in the order of the requests, and no answer stands alone", async () => {
  const messages = await told([
    user("Go"),
    asks(1, "tool_a", "tool_b", "tool_c"),
    answers("tool_c", 1),
    answers("tool_a", 1),
    answers("tool_lost", 1),
    user("Next", 2),
  ], 2);
  assert.deepEqual(messages.map(({ role }) => role), ["user", "assistant", "tool", "tool", "tool", "user"]);
  const results = messages.filter((one) => one.role === "tool");
  assert.deepEqual(results.map(({ tool_call_id }) => tool_call_id), ["tool_a", "tool_b", "tool_c"]);
  assert.match(results[1]!.content, /cancelled/);
  assert.ok(results.every(({ tool }) => tool === "look"));
});

Deno.test("a request that comes twice is told once, with the answer that followed it", async () => {
  const messages = await told([
    user("two things"),
    asks(1, "call_1"),
    answers("call_1", 1),
    { ...asks(1, "call_1", "call_2", "call_2"), content: "Again" },
    asks(1, "call_1"),
    { ...answers("call_1", 1), content: "another" },
    answers("call_2", 1),
  ]);
  const calls = messages.map((message) =>
    message.role === "assistant" ? message.tool_calls.map(({ tool_call_id }) => tool_call_id) : message.content
  );
  assert.deepEqual(calls, ["two things", ["call_1"], '"call_1"', ["call_2"], '"call_2"']);
});

Deno.test("only the newest of a long conversation is told, and never an answer without its request", async () => {
  const rows = Array.from({ length: 300 }, (_, i) => user(`m${i}`, i + 1));
  const messages = await told(rows, 300);
  assert.equal(messages.length, 200);
  assert.equal(messages.at(-1)!.content, "m299");
  const cut = await told([
    asks(1, "tool_a"),
    answers("tool_a", 1),
    ...rows.slice(0, 199).map((row) => ({ ...row, turn: 2 })),
  ], 2);
  assert.equal(cut[0]!.role, "user");
});

Deno.test("what is too long is left out from the oldest on, but the newest is always told", async () => {
  const long = "x".repeat(250_000);
  const messages = await told([user(`a${long}`, 1), user(`b${long}`, 2), user("c", 3)], 3);
  assert.deepEqual(messages.map(({ content }) => content[0]), ["b", "c"]);
  assert.equal((await told([user("y".repeat(500_000))])).length, 1);
});
