/**
 * `muxi mcp add` and `remove`: whose rights a server gets, what it is told when it can't be used, and what it never says.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { muxi } from "../support/muxi.ts";
import { ADMIN_KEY, startServer, USER_KEY } from "../support/server.ts";
import { RUBBISH, SMALL_SERVER } from "../support/small_server.ts";

/** A folder with programs, and a data folder of its own. */
async function openPlace(variables: Record<string, string> = {}) {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "muxi-mcp-add-" }));
  await Deno.mkdir(`${dir}/notes`);
  await Deno.writeTextFile(`${dir}/server.mjs`, SMALL_SERVER);
  await Deno.writeTextFile(`${dir}/other.mjs`, SMALL_SERVER);
  await Deno.writeTextFile(`${dir}/rubbish.mjs`, RUBBISH);
  const env = { MUXI_DATA_DIR: `${dir}/data`, MUXI_LOG_LEVEL: "error", ...variables };
  const run = (...args: string[]) => muxi(args, { cwd: dir, env });
  return { dir, run, [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }) };
}

type Place = Awaited<ReturnType<typeof openPlace>>;

async function done({ run }: Place, ...args: string[]): Promise<string> {
  const { code, out, err } = await run(...args);
  assert.equal(code, 0, `${out}${err}`);
  return out;
}

Deno.test("a policy goes with the server it was made for, and no other program inherits it unasked", async () => {
  await using place = await openPlace();
  const { dir, run } = place;
  const added = await done(place, "mcp", "add", "files", "--cwd", ".", "--read", "notes", "--", "node", "server.mjs");
  assert.match(
    added,
    new RegExp(`^Added "files" to agent "assistant"\n[^]* The policy "files" lets it read ${dir}/notes\n$`),
  );

  const command = ["--cwd", ".", "--", "node", "other.mjs"];
  const other = ["mcp", "add", "files", ...command];
  const refused = await run(...other);
  assert.equal(refused.code, 73);
  assert.match(refused.err, /Cannot add "files": node server\.mjs has this name already\. --replace puts this one/);
  assert.match(
    await done(place, "mcp", "add", "files", "--replace", ...command),
    new RegExp(`^Replaced "files" of agent "assistant"\n[^]* The policy "files" lets it read ${dir}/notes\n$`),
  );
  assert.match(await done(place, ...other), /^"files" of agent "assistant" was there already\n/);

  assert.equal(
    await done(place, "mcp", "remove", "files"),
    'Took "files" from agent "assistant", and its policy "files"\n',
  );
  assert.equal((await run("policies", "get", "files")).code, 66);
  assert.match(
    await done(place, ...other),
    /^Added [^]* The policy "default" lets it touch nothing of this machine\n$/,
  );
});

Deno.test("adding a server again adds to its rights and tools, and with --replace they are what is said then", async () => {
  await using place = await openPlace();
  const { dir } = place;
  const add = async (...options: string[]) => {
    const { code, out, err } = await place.run(
      ...["mcp", "add", "files", ...options, "--cwd", ".", "--", "node", "server.mjs"],
    );
    // Rights that change have it begin anew, which may still be under way.
    assert.ok(code === 0 || out.includes("It is restarted"), `${out}${err}`);
    return out;
  };
  const allowed = async (agent = "assistant") => {
    const { allowed_tools } = JSON.parse(await done(place, "agents", "get", agent, "--json"));
    return allowed_tools.filter((pattern: string) => pattern.startsWith("files__"));
  };
  await add("--read", "notes", "--net", "a.test", "--allow", "echo");
  assert.match(
    await add("--write", "notes", "--net", "b.test"),
    new RegExp(` lets it read ${dir}/notes; read and write ${dir}/notes; reach a\\.test, b\\.test\n`),
  );
  assert.deepEqual(await allowed(), ["files__echo"]);
  await add("--allow", "a*");
  assert.deepEqual(await allowed(), ["files__echo", "files__a*"]);
  assert.match(await add("--replace", "--net", "c.test"), /"files" lets it reach c\.test\n/);
  assert.deepEqual(await allowed(), ["files__*"]);
  await add("--replace", "--allow", "echo");
  assert.deepEqual(await allowed(), ["files__echo"]);

  await done(place, "agents", "create", "--id", "scout", "--name", "Scout");
  await done(place, "mcp", "add", "files", "--agent", "scout");
  await add("--agent", "scout", "--replace", "--allow", "echo");
  assert.deepEqual([await allowed(), await allowed("scout")], [["files__echo"], ["files__echo"]]);
});

Deno.test("a policy stays that was not made for the server alone, and one of a file can't be deleted", async () => {
  await using place = await openPlace();
  const { run } = place;
  const server = ["--cwd", ".", "--", "node", "server.mjs"];
  await done(place, "policies", "update", "papers", "--create", "--servers", "one", "--servers", "two");
  for (const name of ["one", "two"]) await done(place, "mcp", "add", name, ...server);
  assert.equal(await done(place, "mcp", "remove", "one"), 'Took "one" from agent "assistant"\n');
  assert.match(await done(place, "policies", "get", "papers"), /servers: +one, two/);
  await done(place, "mcp", "add", "three", "--read", ".", ...server);
  await done(place, "mcp", "remove", "three", "--keep-policy");
  assert.match(await done(place, "policies", "get", "three"), /source: +api/);
  await done(place, "policies", "delete", "three");
  const kept = await run("policies", "delete", "default");
  assert.equal(kept.code, 73);
  assert.match(kept.err, /Cannot delete policy "default": it stands in a file of policies/);
  assert.equal((await run("policies", "delete", "three")).code, 66);
});

Deno.test("a header is written in either way, and what can't be read is never said", async () => {
  await using place = await openPlace();
  const { run } = place;
  let seen: string | null = null;
  await using web = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    seen = request.headers.get("authorization");
    return new Response("no", { status: 403 });
  });
  const url = `http://127.0.0.1:${web.addr.port}/mcp`;
  const added = await run("mcp", "add", "away", url, "--header", "Authorization: Bearer sk_first");
  assert.deepEqual([added.code, seen], [69, "Bearer sk_first"]);
  assert.match(added.out, /It is not ready[^]*"muxi mcp remove away" takes it away again/);
  for (const header of ["Bearer sk_second", "sk_second", "Authorization Bearer: sk_second", ": sk_second"]) {
    const { code, err } = await run("mcp", "add", "more", url, "--header", header);
    assert.equal(code, 64);
    assert.match(err, /Cannot read the value of --header: want --header NAME=VALUE or --header "NAME: VALUE"/);
    assert.doesNotMatch(err, /sk_second/);
  }
  assert.doesNotMatch((await run("mcp", "add", "more", "--env", "sk_third", "--", "x")).err, /sk_third/);
});

Deno.test("a program that says something else is told by what it printed, and nobody waits for it to the end", async () => {
  await using place = await openPlace();
  const ended = await place.run("mcp", "add", "shell", "--cwd", ".", "--", "node", "rubbish.mjs");
  assert.equal(ended.code, 69);
  assert.match(ended.out, /It is not ready \(connecting\): it printed "Welcome to the shell", which is no message/);
  assert.match(ended.out, /"muxi mcp list" shows how that went; "muxi mcp remove shell" takes it away again/);
});

Deno.test("what is neither a program nor an address is refused with what was probably meant", async () => {
  await using place = await openPlace();
  const { dir, run } = place;
  const refusal = async (...args: string[]) => {
    const { code, out, err } = await run("mcp", "add", "x", ...args);
    assert.equal(code, 64, out);
    return err.split("\n")[0]!;
  };
  assert.match(
    await refusal("htp://foo"),
    /"htp:\/\/foo" is not an address \(http:\/\/ or https:\/\/\) and no program$/,
  );
  assert.match(await refusal("127.0.0.1:33"), /no program; did you mean http:\/\/127\.0\.0\.1:33\?$/);
  assert.match(
    await refusal("npx", "-y", "server"),
    /has no option "-y": want -- before "npx", where the program begins/,
  );
  assert.match(await refusal("--net", "not a host!", "--", "x"), /--net not a host!: want host, host:port or \*\.host/);
  assert.match(await refusal("--net", "http://foo.test/x", "--", "x"), /without http:\/\/ and a path/);

  const elsewhere = await run("mcp", "add", "y", "--read", `${dir}/nothing`, "--", "node", "server.mjs");
  assert.match(elsewhere.err, /Note: there is no ".*\/nothing" yet\n/);
  assert.match(
    elsewhere.err,
    /Note: "server\.mjs" is in ".*", and a program starts in an empty folder of its own: want --cwd/,
  );
  assert.match(
    elsewhere.out,
    /there is no such file in the empty folder where it starts: set the server's cwd \(--cwd\)/,
  );
  const home = await run("mcp", "add", "z", "--read=~/notes", "--cwd", ".", "--", "node", "server.mjs");
  assert.match(home.out, new RegExp(`The policy "z" lets it read ${Deno.env.get("HOME")}/notes\n`));
});

Deno.test("only the tools that the agent may call are told, and patterns that match none are", async () => {
  await using place = await openPlace();
  const server = ["--cwd", ".", "--", "node", "server.mjs"];
  const added = await done(place, "mcp", "add", "small", "--allow", "echo", "--allow", "nope*", ...server);
  assert.match(added, /The agent may call 1 of its 3 tools, each called small__…: echo\n/);
  assert.match(added, /--allow nope\* matches none of its tools\n/);
  const { code, err } = await place.run("mcp", "call", "small__ehco");
  assert.equal(code, 66);
  assert.match(err, /Cannot find tool "small__ehco"; did you mean "small__echo"\?/);
});

Deno.test("MUXI's own address is no tool server of its own, and a key that lacks a scope is told how to get it", async () => {
  await using server = await startServer();
  const env = { MUXI_URL: server.url, MUXI_KEY: ADMIN_KEY };
  const { port } = new URL(server.url);
  for (
    const url of [`${server.url}/mcp`, `http://localhost:${port}/api/v1/mcp/stream`, `ws://127.0.0.1:${port}/mcp/ws`]
  ) {
    const { code, err } = await muxi(["mcp", "add", "me", url], { env });
    assert.equal(code, 64, url);
    assert.match(err, /Cannot add the address: it is this MUXI's own/);
  }
  const { code, err } = await muxi(["tools", "call", "x__y"], { env: { ...env, MUXI_KEY: USER_KEY } });
  assert.equal(code, 77);
  assert.match(
    err,
    /lacks the scope "tools"\. Keys of the settings have those in auth\.user_scopes \(MUXI_AUTH_USER_SCOPES\)/,
  );
});
