/**
 * Learning adds to what is allowed, proposes nothing that can't work, and leaves alone what it can't learn of.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { offered, scriptedConnector, ScriptedServer } from "../support/mcp_hub_connector.ts";
import { openOffice } from "../support/mcp_servers_office.ts";
import { startServer } from "../support/server.ts";
import { askAdmin, createAgent, type Json, until } from "../support/story.ts";

const npx = (server: string, ...args: string[]) => ({
  command: "npx",
  args: ["-y", `@modelcontextprotocol/server-${server}@2026.8.31`, ...args],
});
const REMEMBER = {
  tool: "create_entities",
  arguments: { entities: [{ name: "Ada", entityType: "person", observations: ["likes boats"] }] },
};

Deno.test("a server that writes beside its own program is told another way, and no policy that can't work", async () => {
  await using office = await openOffice({
    servers: (dir) => ({ graph: npx("memory"), kept: { ...npx("memory"), env: { MEMORY_FILE_PATH: `${dir}/m/a` } } }),
    furnish: (dir) => Deno.mkdir(`${dir}/m`),
  });
  const { server, dir } = office;
  const learn = (name: string, body: Json): Promise<Json> =>
    askAdmin(server, `POST /agents/clerk/mcp_servers/${name}/learn`, { body: { calls: [REMEMBER], ...body } });
  for (const apply of [false, true]) {
    const learned = await learn("graph", { apply });
    assert.deepEqual([learned.needed.write, learned.proposed.write, learned.refused], [[], [], []]);
    assert.match(
      learned.notes.join("\n"),
      /in its own package: .*MEMORY_FILE_PATH: muxi mcp add … -e MEMORY_FILE_PATH=PATH/,
    );
    assert.equal(learned.failed.length, 1);
    assert.doesNotMatch(learned.failed[0].message, /The policy|\/run\/muxi/);
    assert.equal(learned.applied, false);
    await askAdmin(server, "GET /policies/graph", { status: 404 });
  }
  assert.equal((await learn("graph", { apply: true, force: true })).applied, true);
  await askAdmin(server, "GET /policies/graph");
  const kept = await learn("kept", { apply: true });
  assert.deepEqual([kept.needed.write, kept.notes, kept.applied], [[`${dir}/m`], [], true]);
  await until("it is held to it", async () => {
    const { state, sandbox } = await office.view("kept");
    return state === "ready" && sandbox.policy === "kept";
  });
  const answered = await office.ask({ tool: "kept__create_entities", arguments: REMEMBER.arguments });
  assert.equal(answered.row.status, "completed", JSON.stringify(answered.row.error));
});

Deno.test("what was learned before stays, until it is pruned", async () => {
  await using office = await openOffice({
    servers: (dir) => ({ files: npx("filesystem", `${dir}/one`, `${dir}/two`) }),
    async furnish(dir) {
      for (const name of ["one", "two"]) {
        await Deno.mkdir(`${dir}/${name}`);
        await Deno.writeTextFile(`${dir}/${name}/x.txt`, name);
      }
    },
  });
  const { server, dir } = office;
  const learn = async (body: Json): Promise<Json> =>
    await askAdmin(server, "POST /agents/clerk/mcp_servers/files/learn", { body: { apply: true, ...body } });
  const write = (name: string) => ({
    tool: "write_file",
    arguments: { path: `${dir}/${name}/y.txt`, content: "written" },
  });
  const one = await learn({ calls: [write("one")] });
  assert.deepEqual([one.proposed.write, one.proposed.read], [[`${dir}/one`], [`${dir}/two`]]);
  const two = await learn({ calls: [write("two")] });
  assert.deepEqual(two.difference, [`read → write: ${dir}/two`]);
  assert.deepEqual(two.proposed.write, [`${dir}/one`, `${dir}/two`]);
  assert.deepEqual(two.unused.filter((line: string) => !line.startsWith("sys")), [
    `write: ${dir}/one (it only read there)`,
  ]);
  const none = await learn({});
  assert.deepEqual([none.difference, none.proposed.write], [[], two.proposed.write]);
  const wrong = await learn({ calls: [{ tool: "nope" }], prune: true });
  assert.deepEqual([wrong.applied, wrong.failed[0].tool], [false, "nope"]);
  const { sandbox } = await askAdmin(server, "GET /policies/files");
  assert.deepEqual(sandbox.write, two.proposed.write);
  const pruned = await learn({ prune: true });
  assert.deepEqual([pruned.proposed.write, pruned.proposed.read], [[], [`${dir}/one`, `${dir}/two`]]);
});

Deno.test("a server that can't be learned of goes on undisturbed", async () => {
  const native = new ScriptedServer();
  native.tools = [offered("look")];
  await using server = await startServer({
    settings: { mcp_servers: [{ name: "native", command: "python3", args: ["server.py"] }] },
    ports: { connector: scriptedConnector({ native }) },
  });
  await createAgent(server, "butler", { mcp_servers: [{ name: "native" }] });
  const path = "/agents/butler/mcp_servers/native";
  await until("it is up", async () => (await askAdmin(server, `GET ${path}`)).state === "ready");
  const refused = await askAdmin(server, `POST ${path}/learn`, { body: {}, status: 403 });
  assert.match(refused.message, /only programs in JavaScript can be watched, and "python3" is none/);
  const { state, restarts } = await askAdmin(server, `GET ${path}`);
  assert.deepEqual([state, restarts, native.connects], ["ready", 0, 1]);
});
