import { strict as assert } from "node:assert";
import { createTokens } from "../../src/adapters/jose/tokens.ts";
import type { Principal } from "../../src/domain/access.ts";
import { AppError } from "../../src/domain/error.ts";
import { circumstancesOf } from "../../src/transports/openai/visit.ts";
import { SIGNING_SECRET, signUser } from "../support/signed_user.ts";

const application: Principal = {
  tenant_id: "default",
  key_id: "app",
  access: "user",
  scopes: [],
  may_assert_user: true,
};
const tokens = createTokens({ secret: SIGNING_SECRET, issuer: "open-webui", algorithms: ["HS256"] });
const verifyUser = async (token: string) => (await tokens.verify(token)).sub ?? "";

const find = (headers: Record<string, string>, body: Record<string, unknown> = {}, principal = application) =>
  circumstancesOf({ headers: new Headers(headers), body }, { principal, verifyUser });

async function refused(work: Promise<unknown>): Promise<string> {
  const thrown = await work.then(() => assert.fail("nothing was refused"), (thrown) => thrown);
  assert.ok(thrown instanceof AppError, String(thrown));
  return thrown.name;
}

Deno.test("a signed user wins over all others", async () => {
  const headers = { "x-openwebui-user-jwt": await signUser(), "x-muxi-user": "bob", "x-openwebui-user-id": "eve" };
  assert.equal((await find(headers, { user: "mallory" })).user_id, "ann");
});

Deno.test("a signature that is wrong, old or somebody else's is refused, whatever else is said", async () => {
  const wrong = [
    await signUser({ secret: "another secret of more than 32 bytes" }),
    await signUser({ issuer: "else" }),
    await signUser({ expires: "-5m" }),
    "nonsense",
    "",
  ];
  for (const token of wrong) {
    assert.equal(await refused(find({ "x-openwebui-user-jwt": token, "x-muxi-user": "ann" })), "UnauthorizedError");
  }
  assert.equal(await refused(find({ "x-openwebui-user-jwt": await signUser({ sub: "a b" }) })), "ValidationError");
});

Deno.test("where users are signed, one that isn't is refused", async () => {
  assert.equal(await refused(find({ "x-openwebui-user-id": "ann" })), "UnauthorizedError");
});

Deno.test("users are named by our header, Open WebUI's, or the body, in this order", async () => {
  const body = { user: "body", safety_identifier: "safe" };
  const unsigned = (headers: Record<string, string>) =>
    circumstancesOf({ headers: new Headers(headers), body }, { principal: application });
  assert.equal((await unsigned({ "x-muxi-user": "bob", "x-openwebui-user-id": "eve" })).user_id, "bob");
  assert.equal((await unsigned({ "x-muxi-user": "", "x-openwebui-user-id": "eve" })).user_id, "eve");
  assert.equal((await find({}, body)).user_id, "body");
  assert.equal((await find({}, { user: { id: "x" }, safety_identifier: "safe" })).user_id, "safe");
  assert.equal((await find({}, { user: "not a user id" })).user_id, undefined);
  assert.equal(await refused(find({ "x-muxi-user": "not a user id" })), "ValidationError");
  const bound = { ...application, user_id: "ann", may_assert_user: false };
  assert.equal((await find({}, body, bound)).user_id, undefined, "a hint is not an assertion");
  assert.equal(
    (await find({ "x-muxi-user": "bob" }, body, bound)).user_id,
    "bob",
    "an assertion is for others to refuse",
  );
});

Deno.test("conversations, tasks and events", async () => {
  assert.deepEqual(await find({}), {});
  assert.deepEqual(
    await find({ "x-muxi-conversation": "mine", "x-openwebui-chat-id": "theirs", "x-muxi-events": "openwebui" }),
    { conversation: "mine", events: "openwebui" },
  );
  assert.deepEqual(await find({ "x-openwebui-chat-id": "local:abc" }), {});
  assert.deepEqual(await find({ "x-openwebui-chat-id": "temporary:abc" }), {});
  assert.deepEqual(await find({ "x-muxi-task": "title_generation" }), { task: "title_generation" });
  assert.equal(await refused(find({ "x-muxi-conversation": "a b" })), "ValidationError");
  assert.equal(await refused(find({ "x-muxi-events": "all" })), "ValidationError");
});

Deno.test("an unmarked chore is known by its form, and only where nothing marks chores", async () => {
  const chat = { "x-openwebui-chat-id": "chat" };
  const chore = { messages: [{ role: "user", content: "### Task:\nGenerate tags" }], stream: false };
  assert.equal((await find(chat, chore)).task, "task");
  assert.equal((await find({ ...chat, "x-muxi-task": "" }, chore)).task, undefined);
  assert.equal((await find({}, chore)).task, undefined);
  assert.equal((await find(chat, { ...chore, stream: true })).task, undefined);
  assert.equal((await find(chat, { messages: [...chore.messages, ...chore.messages] })).task, undefined);
});
