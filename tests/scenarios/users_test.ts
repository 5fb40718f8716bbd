/**
 * Users, and what agents know of them.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { startProvider } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { ask, askAdmin, createAgent, type Json, saidTo } from "../support/story.ts";

Deno.test("what is known of a user reaches the model, changes with the facts, and only for that user", async () => {
  await using provider = await startProvider({ script: { tokens: 1 } });
  await using server = await startServer({ provider: provider.url });
  await createAgent(server, "plain", { system_prompt: "Be brief" });
  const system = async (user_id?: string) => {
    await ask(server, "POST /agents/plain/chat", { body: { message: "Hello", ...user_id && { user_id } } });
    return saidTo(provider.requests.at(-1)!).filter((text) => text.startsWith("system: ")).join("\n");
  };
  const path = "/users/ada/context";
  const set = await askAdmin(server, `POST ${path}`, {
    body: { context: { city: "London", likes: ["engines", "poems"] } },
    status: 201,
  });
  assert.deepEqual([set.user_id, set.context.city], ["ada", "London"]);
  const told = await system("ada");
  assert.match(told, /^system: Be brief/);
  assert.match(told, /city: London/);
  assert.match(told, /likes: \["engines","poems"\]/);
  assert.ok(!(await system("grace")).includes("London"));
  assert.ok(!(await system()).includes("London"));
  await askAdmin(server, `PATCH ${path}`, { body: { context: { city: null, title: "Countess" } } });
  const { context } = await askAdmin(server, `GET ${path}`);
  assert.deepEqual(context, { likes: ["engines", "poems"], title: "Countess" });
  assert.ok(!(await system("ada")).includes("London"));
  assert.match(await system("ada"), /title: Countess/);
  await askAdmin(server, `DELETE ${path}`, { status: 204 });
  await askAdmin(server, `GET ${path}`, { status: 404 });
  assert.equal(await system("ada"), "system: Be brief");
  await askAdmin(server, `PATCH ${path}`, { body: { context: { a: 1 } }, status: 404 });
});

Deno.test("users are known since somebody acted for them, and only admins may list them", async () => {
  await using server = await startServer();
  for (const user_id of ["ada", "grace", "ada"]) await ask(server, "POST /chat", { body: { message: "Hi", user_id } });
  await askAdmin(server, "POST /users/linus/context", { body: { context: {} } });
  const { data } = await askAdmin(server, "GET /users");
  assert.deepEqual(data.map(({ user_id }: Json) => user_id), ["ada", "grace", "linus"]);
  const page = await askAdmin(server, "GET /users?limit=2");
  const rest = await askAdmin(server, `GET /users?limit=2&cursor=${page.next_cursor}`);
  assert.deepEqual(rest.data.map(({ user_id }: Json) => user_id), ["linus"]);
  assert.equal(rest.next_cursor, null);
  await ask(server, "GET /users", { status: 403 });
  await ask(server, "GET /users/ada/context", { status: 403 });
});
