/**
 * Conversations and their messages.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { startProvider } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { ask, askAdmin, framesOf, type Json, saidTo, until } from "../support/story.ts";

Deno.test("a conversation is begun, filled, changed, listed and deleted", async () => {
  await using provider = await startProvider({ script: { tokens: ["Yes"] } });
  await using server = await startServer({ provider: provider.url });
  const made = await ask(server, "POST /conversations", { body: { title: "One", metadata: { a: 1 } }, status: 201 });
  const path = `/conversations/${made.id}`;
  assert.deepEqual([made.title, made.metadata, made.user_id], ["One", { a: 1 }, null]);
  for (const [role, content] of [["system", "Speak Latin"], ["user", "Salve"], ["assistant", "Salve!"]]) {
    const message = await ask(server, `POST ${path}/messages`, { body: { role, content }, status: 201 });
    assert.deepEqual([message.role, message.content, message.run_id], [role, content, null]);
  }
  assert.equal(provider.count, 0, "storing starts nothing");
  const answer = await ask(server, "POST /chat", { body: { message: "Quid agis?", conversation_id: made.id } });
  const [system, ...said] = saidTo(provider.requests[0]!).slice(-4);
  assert.match(system!, /^system: [^]*Speak Latin/);
  assert.deepEqual(said, ["user: Salve", "assistant: Salve!", "user: Quid agis?"]);
  const { messages } = await ask(server, `GET ${path}`);
  assert.deepEqual(messages.map(({ content }: Json) => content), [
    "Speak Latin",
    "Salve",
    "Salve!",
    "Quid agis?",
    "Yes",
  ]);
  assert.ok(messages.slice(0, 4).every(({ run_id }: Json) => run_id === answer.run_id), "the run answers all of them");
  const changed = await ask(server, `PATCH ${path}`, { body: { title: null, metadata: { b: 2 } } });
  assert.deepEqual([changed.title, changed.metadata], [null, { b: 2 }]);
  await ask(server, `DELETE ${path}`, { status: 204 });
  await ask(server, `GET ${path}`, { status: 404 });
  await ask(server, `GET /runs/${answer.run_id}`, { status: 404 });
  await ask(server, "POST /chat", { body: { message: "Still?", conversation_id: made.id }, status: 404 });
});

Deno.test("lists come in pages that neither miss nor repeat anything", async () => {
  await using server = await startServer();
  const ids: string[] = [];
  for (let i = 0; i < 7; i++) ids.push((await ask(server, "POST /conversations", { body: {} })).id);
  const contents = ids.map((_, i) => `m${i}`);
  for (const content of contents) await ask(server, `POST /conversations/${ids[0]}/messages`, { body: { content } });
  const all = async (path: string, order: string) => {
    const pages: Json[][] = [];
    for (let cursor = "";; cursor = `&cursor=${pages.at(-1)!.at(-1).id}`) {
      const { data, next_cursor } = await ask(server, `GET ${path}?limit=3&order=${order}${cursor}`);
      pages.push(data);
      if (next_cursor === null) return pages;
      assert.equal(next_cursor, data.at(-1).id);
    }
  };
  for (const order of ["asc", "desc"]) {
    const wanted = order === "asc" ? ids : ids.toReversed();
    const pages = await all("/conversations", order);
    assert.deepEqual(pages.map((page) => page.length), [3, 3, 1]);
    assert.deepEqual(pages.flat().map(({ id }) => id), wanted);
    const messages = (await all(`/conversations/${ids[0]}/messages`, order)).flat().map(({ content }) => content);
    assert.deepEqual(messages, order === "asc" ? contents : contents.toReversed());
  }
});

Deno.test("a conversation belongs to the user it was begun for", async () => {
  await using server = await startServer();
  const { id } = await ask(server, "POST /conversations", { body: { user_id: "ada" } });
  await ask(server, "POST /conversations", { body: { user_id: "grace" } });
  const listed = async (path: string) => (await ask(server, path)).data.map(({ user_id }: Json) => user_id);
  assert.deepEqual(await listed("GET /conversations?user_id=ada"), ["ada"]);
  assert.deepEqual(await listed("GET /users/grace/conversations"), ["grace"]);
  assert.deepEqual(await listed("GET /conversations/ada"), ["ada"]);
  assert.deepEqual(await listed("GET /conversations"), []);
  await ask(server, `GET /conversations/${id}?user_id=grace`, { status: 404 });
  assert.equal((await askAdmin(server, "GET /conversations")).data.length, 2);
});

Deno.test("deleting a conversation stops what runs there, and who reads along is not left hanging", async () => {
  await using provider = await startProvider({ script: { tokens: 1000, delay: 5 } });
  await using server = await startServer({ provider: provider.url });
  const { id } = await ask(server, "POST /conversations", { body: {} });
  const stream = framesOf(server, "POST /chat/stream", { body: { message: "Count", conversation_id: id } });
  const queued = framesOf(server, "POST /chat/stream", { body: { message: "More", conversation_id: id } });
  await until("it runs", () => (provider.requests[0]?.tokens_sent ?? 0) > 3);
  await until("the other waits", async () => (await ask(server, "GET /runs?status=queued")).data.length === 1);
  await ask(server, `DELETE /conversations/${id}`, { status: 204 });
  for (const frames of await Promise.all([stream, queued])) {
    assert.equal(frames.at(-1)!.type, "run.cancelled");
    assert.equal(frames.at(-1)!.data.reason, "the conversation was deleted");
  }
  await provider.requests[0]!.settled;
  assert.ok(provider.requests[0]!.closed_at !== null);
  assert.equal(provider.count, 1);
});
