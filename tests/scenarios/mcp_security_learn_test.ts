/**
 * Learning a policy is no way out of the sandbox.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import { openSandbox, textOf, toPolicy } from "../support/sandbox.ts";
import { startServer } from "../support/server.ts";
import { askAdmin, createAgent, type Json } from "../support/story.ts";

/** Writes, reads and connects wherever it can, and says how it went. */
const GREEDY = `
const outcomes = {};
async function attempt(name, work) {
  try { outcomes[name] = String(await work()); } catch (error) { outcomes[name] = "refused: " + error.message; }
}
const [folder, hidden, socket, port] = Deno.args;
await attempt("read the machine", () => Deno.readTextFile("/etc/os-release").then(() => "read"));
await attempt("write what it was named", async () => {
  await Deno.writeTextFile(folder + "/new.txt", "new");
  await Deno.writeTextFile(folder + "/.old", "changed");
  await Deno.rename(folder + "/.old", folder + "/old.txt");
  return await Deno.readTextFile(folder + "/old.txt");
});
await attempt("write elsewhere", () => Deno.writeTextFile("/opt/muxi-learned-elsewhere", "x"));
await attempt("see MUXI's data", () => Deno.readTextFile(hidden));
await attempt("copy MUXI's data", () => Deno.readTextFile(folder + "/data/secret.txt"));
await attempt("use a socket", async () => (await Deno.connect({ transport: "unix", path: socket })).close());
await attempt("use this machine's servers", async () => (await fetch("http://127.0.0.1:" + port)).status);
await attempt("use them by name", async () => (await fetch("http://localhost:" + port)).status);
await attempt("see other processes", () => Deno.readTextFile("/proc/" + Deno.ppid + "/environ"));
console.log(JSON.stringify(outcomes));
`;

Deno.test("a program that is watched reads the machine, writes to copies, and reaches nobody's servers", async () => {
  await using world = await openSandbox("full");
  const { dir, sandbox } = world;
  // What is named to it holds MUXI's own data, as a project's folder may.
  await Deno.writeTextFile(`${dir}/data/secret.txt`, "TOP SECRET");
  await Deno.writeTextFile(`${dir}/old.txt`, "old");
  await Deno.writeTextFile(`${dir}/greedy.ts`, GREEDY);
  let hits = 0;
  await using page = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    hits++;
    return new Response("x");
  });
  await using stack = new AsyncDisposableStack();
  const place = await Deno.makeTempDir({ dir: "/var/tmp", prefix: "muxi-socket-" });
  stack.defer(() => Deno.remove(place, { recursive: true }));
  using socket = Deno.listen({ transport: "unix", path: `${place}/x.sock` });
  const accepted = socket.accept().then((connection) => {
    hits++;
    connection.close();
  }, () => {});
  let said = "";
  const args = ["run", `${dir}/greedy.ts`, dir, `${dir}/data/secret.txt`, `${place}/x.sock`, String(page.addr.port)];
  const learned = await sandbox.learn({ name: "greedy", command: "deno", args, env: {} }, {
    policy: toPolicy(),
    signal: new AbortController().signal,
    drive: async (process) => {
      assert.equal(process.report.tier, "full");
      said = await textOf(process);
      assert.equal(await process.exited, "exit code 0", process.errors());
    },
  });
  socket.close();
  await accepted;
  const outcomes: Record<string, string> = JSON.parse(said);
  assert.equal(outcomes["read the machine"], "read");
  assert.equal(outcomes["write what it was named"], "changed");
  for (const name of Object.keys(outcomes).slice(2)) assert.match(outcomes[name]!, /^refused: /, name);
  assert.equal(Object.keys(outcomes).length, 9);
  assert.equal(hits, 0);
  assert.deepEqual([existsSync(`${dir}/new.txt`), await Deno.readTextFile(`${dir}/old.txt`)], [false, "old"]);
  assert.ok(!existsSync("/opt/muxi-learned-elsewhere"));
  // What was only allowed is proposed, and what was refused is told apart.
  assert.deepEqual([learned.profile.write, learned.profile.net, learned.profile.run], [
    ["/opt", dir],
    [],
    [],
  ]);
  assert.ok(learned.profile.read.every((path) => !path.startsWith("/proc") && !path.includes("secret")));
  assert.ok(learned.refused.includes(`read ${dir}/data/secret.txt`), JSON.stringify(learned.refused));
  assert.ok(learned.refused.includes(`net 127.0.0.1:${page.addr.port}`), JSON.stringify(learned.refused));
});

const WRITER = `
try { Deno.writeTextFileSync("/var/tmp/muxi-learned-by-key", Deno.readTextFileSync("/etc/passwd")); } catch { /* refused */ }
`;

Deno.test("what came over the API is learned by the operator alone, unless the settings trust the API", async () => {
  const dir = await Deno.makeTempDir({ dir: "/var/tmp", prefix: "muxi-learned-" });
  try {
    await Deno.writeTextFile(`${dir}/writer.ts`, WRITER);
    const program = (name: string) => ({ name, command: "deno", args: ["run", `${dir}/writer.ts`] });
    const settings: Json = { mcp_servers: [program("mine")] };
    const variables = Deno.env.toObject();
    const learn = async (name: string, options: Json): Promise<Json> => {
      await using server = await startServer({ variables, ...options });
      await createAgent(server, "butler", { mcp_servers: [{ name: "mine" }] });
      await askAdmin(server, "POST /agents/butler/mcp_servers", { body: program("guest") });
      const response = await server.request("POST", `/agents/butler/mcp_servers/${name}/learn`, {
        key: "sk_muxi_admin_for_tests_0123456789",
        body: {},
      });
      return await response.json();
    };
    const refused = await learn("guest", { settings });
    assert.equal(refused.error, "ForbiddenError");
    assert.match(refused.message, /"guest": it was defined over the API.*muxi mcp learn.*tools\.trust_api_policies/s);
    assert.ok(!existsSync("/var/tmp/muxi-learned-by-key"));
    // The program is none of a tool server's, which is found out by running it.
    for (
      const [name, options] of [
        ["mine", { settings }],
        ["guest", { settings: { ...settings, tools: { trust_api_policies: true } } }],
        ["guest", { settings, operator: true }],
      ] as const
    ) {
      assert.notEqual((await learn(name, options)).error, "ForbiddenError", `${name} ${JSON.stringify(options)}`);
      assert.ok(!existsSync("/var/tmp/muxi-learned-by-key"), name);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
    await Deno.remove("/var/tmp/muxi-learned-by-key").catch(() => {});
  }
});

Deno.test("where nothing is around a program, no key has it watched", async () => {
  const dir = await Deno.makeTempDir({ prefix: "muxi-learned-" });
  try {
    await using world = await openSandbox("broker");
    await Deno.writeTextFile(`${dir}/writer.ts`, WRITER);
    await using server = await startServer({
      settings: { mcp_servers: [{ name: "mine", command: "deno", args: ["run", `${dir}/writer.ts`] }] },
      ports: { sandbox: world.sandbox },
    });
    await createAgent(server, "butler", { mcp_servers: [{ name: "mine" }] });
    const refused = await askAdmin(server, "POST /agents/butler/mcp_servers/mine/learn", { body: {}, status: 403 });
    assert.match(refused.message, /no bubblewrap.*muxi mcp learn/is);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
