/**
 * The least policy of a tool server: learned, applied, and enough.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { startServer } from "../support/server.ts";
import { askAdmin, createAgent, type Json, until } from "../support/story.ts";

const PROGRAM = new URL("../support/mcp_chaos_server.ts", import.meta.url).pathname;

Deno.test("a policy that was learned is just enough: the server works, and what it didn't need is refused in words", async () => {
  const dir = await Deno.realPath(await Deno.makeTempDir({ dir: "/var/tmp", prefix: "muxi-learn-" }));
  const data_dir = await Deno.realPath(await Deno.makeTempDir({ dir: "/var/tmp", prefix: "muxi-learn-data-" }));
  try {
    for (const name of ["files", "other"]) await Deno.writeTextFile(`${dir}/${name}.mode`, "ok");
    await using server = await startServer({
      data_dir,
      variables: Deno.env.toObject(),
      settings: { mcp_servers: [{ name: "files", command: `deno run ${PROGRAM} stdio ${dir} files` }] },
    });
    await createAgent(server, "clerk", { mcp_servers: [{ name: "files" }] });
    const path = "/agents/clerk/mcp_servers/files";
    const view = (): Promise<Json> => askAdmin(server, `GET ${path}`);
    const before = await until("it was tried", async () => {
      const found = await view();
      return found.state === "connecting" ? undefined : found;
    });
    assert.ok(before.state === "backing_off" || before.state === "open_circuit", before.state);
    assert.match(before.reason, new RegExp(`policy "default".*${dir}`));

    const calls = [{ tool: "read", arguments: { id: "1" } }];
    const proposal = await askAdmin(server, `POST ${path}/learn`, { body: { calls } });
    assert.deepEqual([proposal.policy, proposal.applied, proposal.failed], ["files", false, []]);
    assert.ok(proposal.difference.some((line: string) => line.startsWith("+ ") && line.includes(dir)));
    assert.equal((await askAdmin(server, "GET /policies/files", { status: 404 })).error, "NotFoundError");

    const applied = await askAdmin(server, `POST ${path}/learn`, { body: { calls, apply: true } });
    assert.deepEqual([applied.applied, applied.proposed], [true, proposal.proposed]);
    const policy = await askAdmin(server, "GET /policies/files");
    assert.deepEqual(policy.sandbox ?? policy.policy?.sandbox, proposal.proposed);
    await until("it works", async () => (await view()).state === "ready");
    const call = (): Promise<Json> => {
      return askAdmin(server, "POST /tools/files__read/invoke", { body: { arguments: { id: "2" } } });
    };
    assert.equal((await call()).result.content[0].text, "read 2");
    assert.ok((await view()).sandbox.tier !== "none");

    // A policy that is changed holds at once.
    const narrow = { ...proposal.proposed, write: [] };
    await askAdmin(server, "PATCH /policies/files", { body: { sandbox: narrow } });
    await until("it is held in another way", async () => /policy "files".*write/.test((await view()).reason ?? ""));
  } finally {
    await Deno.remove(dir, { recursive: true });
    await Deno.remove(data_dir, { recursive: true });
  }
});
