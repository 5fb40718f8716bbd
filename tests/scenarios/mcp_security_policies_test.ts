/**
 * What a key may grant to the programs of tool servers, and what the operator's files alone.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { startServer, testSettings } from "../support/server.ts";
import { askAdmin, createAgent, type Json, until } from "../support/story.ts";

const LEAKY = new URL("../support/mcp_security_leaky_server.ts", import.meta.url).pathname;

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

Deno.test("a file that trusts a name trusts what files define under it, not what comes over the API", async () => {
  const data_dir = await Deno.makeTempDir({ prefix: "muxi-named-" });
  try {
    const file = `${data_dir}/policies.yaml`;
    const trusting = "{ servers: [mine, guest, broken], sandbox: { unsandboxed: true, env: [LANG, OPENAI_API_KEY] } }";
    await Deno.writeTextFile(file, `policies: { trusted: ${trusting} }`);
    const program = (name: string) => ({ name, command: "deno", args: ["run", "--quiet", "-A", LEAKY] });
    const settings = (extra: Json = {}) => ({
      mcp_servers: [program("mine")],
      tools: { policies_file: file, ...extra },
    });
    const lines: string[] = [];
    await using server = await startServer({
      data_dir,
      settings: settings(),
      reread: () => Promise.resolve(testSettings(data_dir, { settings: settings({ trust_api_policies: true }) })),
      variables: { ...Deno.env.toObject(), OPENAI_API_KEY: "none of its business" },
      onLog: (line) => lines.push(line),
    });
    await createAgent(server, "butler", { mcp_servers: [{ name: "mine" }] });
    const path = "/agents/butler/mcp_servers";
    const tierOf = (name: string) =>
      until(`${name} is up`, async () => {
        const { state, sandbox } = await askAdmin(server, `GET ${path}/${name}`);
        return state === "ready" && sandbox.tier;
      });
    const knows = async (name: string) => {
      const { result } = await askAdmin(server, `POST /tools/${name}__tell/invoke`, { body: {} });
      return "OPENAI_API_KEY" in JSON.parse(result.content[0].text).env;
    };
    await askAdmin(server, `POST ${path}`, { body: program("guest") });
    assert.deepEqual([await tierOf("mine"), await knows("mine")], ["none", true]);
    assert.notEqual(await tierOf("guest"), "none");
    assert.equal(await knows("guest"), false);
    const how =
      /"sandbox\.unsandboxed: true", "sandbox\.env: OPENAI_API_KEY".*Define it in .*mcp_servers.*trust_api_pol/;
    const broken = { name: "broken", command: "deno", args: ["run", `${data_dir}/missing.ts`] };
    assert.match((await askAdmin(server, `POST ${path}`, { body: broken })).last_error, how);
    const told = lines.filter((line) => line.includes('"guest"') && how.test(JSON.parse(line).words));
    assert.equal(told.length, 1, "told once");
    await server.app.reload();
    await until("it is let out", async () => await tierOf("guest") === "none");
  } finally {
    await Deno.remove(data_dir, { recursive: true });
  }
});

Deno.test("what came over the API is trusted as soon as the agents' file says the same", async () => {
  await using stack = new AsyncDisposableStack();
  const data_dir = await Deno.makeTempDir({ prefix: "muxi-adopted-" });
  stack.defer(() => Deno.remove(data_dir, { recursive: true }));
  const file = `${data_dir}/policies.yaml`;
  await Deno.writeTextFile(file, "policies: { trusted: { servers: [guest], sandbox: { unsandboxed: true } } }");
  const guest = { name: "guest", command: "deno", args: ["run", "--quiet", "-A", LEAKY] };
  const agents = `${data_dir}/agents.json`;
  const settings = { tools: { policies_file: file }, agents: { file: agents } };
  const tierIn = async (mcp_servers: Json[]) => {
    await Deno.writeTextFile(agents, JSON.stringify({ agents: [{ id: "butler", name: "Butler", mcp_servers }] }));
    await using server = await startServer({ data_dir, settings, variables: Deno.env.toObject() });
    const path = "/agents/butler/mcp_servers";
    if (mcp_servers.length === 0) await askAdmin(server, `POST ${path}`, { body: guest });
    return await until("it is up", async () => {
      const { state, sandbox } = await askAdmin(server, `GET ${path}/guest`);
      return state === "ready" && sandbox.tier;
    });
  };
  assert.notEqual(await tierIn([]), "none");
  assert.equal(await tierIn([guest]), "none");
});

Deno.test("keys grant only paths of the folders that the settings name, and the operator any", async () => {
  await using stack = new AsyncDisposableStack();
  const dir = await Deno.realPath(await Deno.makeTempDir({ dir: "/var/tmp", prefix: "muxi-api-paths-" }));
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  await Deno.mkdir(`${dir}/open/deep`, { recursive: true });
  await Deno.mkdir(`${dir}/open2`);
  await Deno.symlink("/etc", `${dir}/open/link`);
  await Deno.symlink(`${dir}/open`, `${dir}/way`);
  const tools = { api_paths: [`${dir}/way`] };
  const change = async (sandbox: Json, { status = 200, servers = ["files"], ...options }: Json = {}) => {
    await using server = await startServer({ settings: { tools }, ...options });
    const body = { create: true, servers, sandbox };
    return await askAdmin(server, "PATCH /policies/papers", { body, status });
  };
  for (
    const sandbox of [
      { read: ["/etc/shadow"] },
      { write: [`${dir}/open`, "/"] },
      { read: [`${dir}/open/link/shadow`] },
      { read: [`${dir}/open/../x`] },
      { read: [`${dir}/open2`] },
      { read: ["."] },
      { write: ["deep"] },
    ] as Json[]
  ) {
    const refused = await change(sandbox, { status: 403 });
    assert.equal(refused.error, "ForbiddenError");
    assert.match(
      refused.message,
      /Cannot change policy "papers": tools\.api_paths says what the API may grant \(now "/,
    );
    assert.match(refused.message, /Write it into tools\.policies_file, or have tools\.api_paths name its folder/);
    assert.equal(refused.details.setting, "tools.api_paths");
    for (
      const options of [
        { operator: true },
        { settings: { tools: { ...tools, trust_api_policies: true } } },
        { settings: {} },
      ]
    ) await change(sandbox, options);
  }
  for (
    const sandbox of [{ read: [`${dir}/open/deep`] }, { write: [`${dir}/way`] }, { net: ["example.com"] }] as Json[]
  ) {
    await change(sandbox);
  }
  const none = await change({ read: [`${dir}/open`] }, { settings: { tools: { api_paths: [] } }, status: 403 });
  assert.match(none.message, /\(now none\)/);
});

Deno.test("what files grant stays, and is handed to nobody else by a key", async () => {
  const data_dir = await Deno.makeTempDir({ prefix: "muxi-api-paths-" });
  try {
    const file = `${data_dir}/policies.yaml`;
    await Deno.writeTextFile(file, "policies: { mine: { servers: [files], sandbox: { write: [/srv, .] } } }");
    await using server = await startServer({ data_dir, settings: { tools: { policies_file: file, api_paths: [] } } });
    const change = (body: Json, options: Json = {}) => askAdmin(server, "PATCH /policies/mine", { body, ...options });
    await change({ description: "The same" });
    assert.deepEqual((await change({ sandbox: { write: ["/srv"], read: ["."] } }, { status: 200 })).sandbox.write, [
      "/srv",
    ]);
    assert.match(
      (await change({ servers: ["files", "stranger"] }, { status: 403 })).message,
      /"sandbox\.write: \/srv"/,
    );
    await change({ sandbox: { write: ["/srv", "/srv/../etc"] } }, { status: 403 });
  } finally {
    await Deno.remove(data_dir, { recursive: true });
  }
});

Deno.test("a relative path of a file doesn't become another for a folder that a key gave its server", async () => {
  await using stack = new AsyncDisposableStack();
  const dir = await Deno.realPath(await Deno.makeTempDir({ dir: "/var/tmp", prefix: "muxi-api-cwd-" }));
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  await Deno.mkdir(`${dir}/open`);
  await Deno.writeTextFile(`${dir}/open/reader.ts`, `console.log(Deno.readTextFileSync("secret.txt")); Deno.exit(3);`);
  await using server = await startServer({
    settings: { tools: { api_paths: [`${dir}/open`] } },
    variables: Deno.env.toObject(),
  });
  await createAgent(server, "butler", {});
  const trouble = async (name: string, cwd: string) => {
    await Deno.writeTextFile(`${cwd}/secret.txt`, "read it");
    const body = { name, command: "deno", args: ["run", "--quiet", `${dir}/open/reader.ts`], cwd };
    await askAdmin(server, "POST /agents/butler/mcp_servers", { body });
    return await until("it was tried", async () => {
      const view = await askAdmin(server, `GET /agents/butler/mcp_servers/${name}`);
      return view.state !== "connecting" && view.last_error;
    });
  };
  const withheld = await trouble("filesystem", dir);
  assert.match(withheld, /does not allow reading ".*secret\.txt"/);
  assert.match(withheld, /"sandbox\.read: \.", "sandbox\.write: \." of the policy "filesystem" doesn't hold/);
  assert.match(withheld, /tools\.api_paths says what the API may grant/);
  const kept = await trouble("memory", `${dir}/open`);
  assert.doesNotMatch(kept, /doesn't hold|does not allow/);
});
