/**
 * Asking for the same thing twice.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { startProvider } from "../support/provider.ts";
import { ADMIN_KEY, startServer, type TestServer } from "../support/server.ts";
import { ask, framesOf, type Json } from "../support/story.ts";

const KEY = { "idempotency-key": "order-66" };

interface Case {
  route: string;
  body: Record<string, unknown>;
  other: Record<string, unknown>;
  /** What must be the same. */
  idOf(answer: Json): string;
}

function cases(conversation_id: string): Case[] {
  const at = `POST /conversations/${conversation_id}`;
  return [
    { route: "POST /chat", body: { message: "A" }, other: { message: "B" }, idOf: (answer) => answer.run_id },
    {
      route: "POST /agents/assistant/chat",
      body: { message: "A" },
      other: { message: "B" },
      idOf: (answer) => answer.run_id,
    },
    { route: "POST /conversations", body: { title: "A" }, other: { title: "B" }, idOf: (answer) => answer.id },
    { route: `${at}/messages`, body: { content: "A" }, other: { content: "B" }, idOf: (answer) => answer.id },
    { route: `${at}/runs`, body: { metadata: { n: 1 } }, other: { metadata: { n: 2 } }, idOf: (answer) => answer.id },
  ];
}

/** How many rows there are of what the operations make. */
async function counts(server: TestServer): Promise<number[]> {
  const [conversations, runs] = await Promise.all([
    ask(server, "GET /conversations?limit=100"),
    ask(server, "GET /runs?limit=100"),
  ]);
  return [conversations.data.length, runs.data.length];
}

Deno.test("the same key and body give the same resource, another body is refused, another key makes another", async () => {
  await using provider = await startProvider({ script: { tokens: ["Yes"] } });
  await using server = await startServer({ provider: provider.url });
  const { id } = await ask(server, "POST /conversations", { body: {} });
  for (const { route, body, other, idOf } of cases(id)) {
    const first = await ask(server, route, { body, headers: KEY });
    const before = await counts(server);
    const again = await ask(server, route, { body, headers: KEY });
    assert.equal(idOf(again), idOf(first), route);
    assert.deepEqual(await counts(server), before, route);
    const error = await ask(server, route, { body: other, headers: KEY, status: 409 });
    assert.equal(error.error, "ConflictError", route);
    if (route.endsWith("/runs")) continue;
    const fresh = await ask(server, route, { body, headers: { "idempotency-key": "order-67" } });
    assert.notEqual(idOf(fresh), idOf(first), route);
  }
});

Deno.test("ten identical requests at once are one", async () => {
  await using provider = await startProvider({ script: { tokens: ["Yes"], hang: 20 } });
  await using server = await startServer({ provider: provider.url });
  const { id } = await ask(server, "POST /conversations", { body: {} });
  for (const { route, body, idOf } of cases(id)) {
    const [conversations, runs] = await counts(server) as [number, number];
    const all = await Promise.all(Array.from({ length: 10 }, () => ask(server, route, { body, headers: KEY })));
    assert.equal(new Set(all.map(idOf)).size, 1, route);
    const [conversationsNow, runsNow] = await counts(server) as [number, number];
    assert.ok(conversationsNow - conversations <= 1 && runsNow - runs <= 1, route);
  }
  const { data } = await ask(server, `GET /conversations/${id}/messages`);
  assert.equal(data.filter(({ role }: Json) => role === "user").length, 1);
});

Deno.test("a repeated stream is the same run, followed again from its first event", async () => {
  await using provider = await startProvider({ script: { tokens: 30, delay: 5 } });
  await using server = await startServer({ provider: provider.url });
  const body = { message: "Hello" };
  const both = await Promise.all([1, 2].map(() => framesOf(server, "POST /chat/stream", { body, headers: KEY })));
  both.push(await framesOf(server, "POST /chat/stream", { body, headers: KEY }));
  assert.ok(both[0]!.length > 5);
  assert.deepEqual(both[1], both[0]);
  assert.deepEqual(both[2], both[0]);
  assert.equal(provider.count, 1);
  await ask(server, "POST /chat/stream", { body: { message: "Other" }, headers: KEY, status: 409 });
});

Deno.test("a key belongs to who used it: another key or user may use the same", async () => {
  await using server = await startServer();
  const options = { body: { title: "Mine" }, headers: KEY };
  const mine = await ask(server, "POST /conversations", options);
  const admins = await ask(server, "POST /conversations", { ...options, key: ADMIN_KEY });
  const adas = await ask(server, "POST /conversations", { ...options, body: { ...options.body, user_id: "ada" } });
  assert.equal(new Set([mine.id, admins.id, adas.id]).size, 3);
});

Deno.test("a repetition does not bring back what was deleted", async () => {
  await using provider = await startProvider({ script: { tokens: 1 } });
  await using server = await startServer({ provider: provider.url });
  const options = { body: { message: "Hello" }, headers: KEY };
  const { conversation_id } = await ask(server, "POST /chat", options);
  await ask(server, `DELETE /conversations/${conversation_id}`, { status: 204 });
  const error = await ask(server, "POST /chat", { ...options, status: 410 });
  assert.equal(error.error, "GoneError");
  assert.equal(provider.count, 1);
});
