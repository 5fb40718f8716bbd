/**
 * What a key may grant to the programs of tool servers, and what the operator's files alone.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { startServer, testSettings } from "../support/server.ts";
import { askAdmin, type Json } from "../support/story.ts";

Deno.test("no key lets a program out of the sandbox, or hands it the variables of MUXI", async () => {
  await using server = await startServer();
  const change = (sandbox: Json, options: Json = {}) =>
    askAdmin(server, "PATCH /policies/papers", { body: { create: true, servers: ["files"], sandbox }, ...options });
  for (
    const [sandbox, said] of [
      [{ unsandboxed: true }, /"sandbox\.unsandboxed: true" for "files"\. Write it into tools\.policies_file/],
      [{ env: ["OPENAI_API_KEY"] }, /"sandbox\.env: OPENAI_API_KEY"/],
      [{ env: ["LANG", "MUXI_ADMIN_API_KEY"] }, /"sandbox\.env: MUXI_ADMIN_API_KEY" for "files"/],
      [{ env: ["MUXI_PROVIDERS_MINE_API_KEY"] }, /tools\.trust_api_policies/],
      [{ env: ["DATABASE_URL"] }, /policy files/],
    ] as [Json, RegExp][]
  ) {
    const refused = await change(sandbox, { status: 403 });
    assert.equal(refused.error, "ForbiddenError");
    assert.match(refused.message, said);
  }
  await askAdmin(server, "GET /policies/papers", { status: 404 });
  assert.deepEqual((await change({ env: ["LANG"], read: ["."] })).sandbox.env, ["LANG"]);
  await change({ unsandboxed: true }, { status: 403 });
  assert.equal((await askAdmin(server, "GET /policies/papers")).sandbox.unsandboxed, false);
});

Deno.test("what a file grants may be changed otherwise, taken back, and handed to nobody else", async () => {
  const data_dir = await Deno.makeTempDir({ prefix: "muxi-grants-" });
  try {
    const file = `${data_dir}/policies.yaml`;
    await Deno.writeTextFile(
      file,
      "policies: { mine: { servers: [files], sandbox: { unsandboxed: true, env: [OPENAI_API_KEY] } } }",
    );
    const settings = { tools: { policies_file: file } };
    const trusting = { tools: { policies_file: file, trust_api_policies: true } };
    await using server = await startServer({
      data_dir,
      settings,
      reread: () => Promise.resolve(testSettings(data_dir, { settings: trusting })),
    });
    const change = (body: Json, options: Json = {}) => askAdmin(server, "PATCH /policies/mine", { body, ...options });
    assert.equal((await change({ description: "Trusted" })).sandbox.unsandboxed, true);
    const refused = await change({ servers: ["files", "stranger"] }, { status: 403 });
    assert.match(refused.message, /for "stranger"/);
    assert.equal((await change({ sandbox: { unsandboxed: false } })).sandbox.unsandboxed, false);
    await change({ sandbox: { unsandboxed: true } }, { status: 403 });
    await server.app.reload();
    assert.equal((await change({ sandbox: { unsandboxed: true }, servers: ["stranger"] })).sandbox.unsandboxed, true);
  } finally {
    await Deno.remove(data_dir, { recursive: true });
  }
});
