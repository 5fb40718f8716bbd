/**
 * `muxi mcp …`, by the real program: in its own process, and on a running server.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { verbs } from "../../src/app/verbs.ts";
import { runCli } from "../../src/transports/cli/cli.ts";
import { offered, scriptedConnector, ScriptedServer } from "../support/mcp_hub_connector.ts";
import { muxi } from "../support/muxi.ts";
import { registryEnv } from "../support/registry.ts";
import { ADMIN_KEY, startServer, USER_KEY } from "../support/server.ts";
import { createAgent } from "../support/story.ts";
import { fakeTerminal } from "../support/terminal.ts";

const FILESYSTEM = ["npx", "-y", "@modelcontextprotocol/server-filesystem@2026.8.31"];

type Run = (args: string[], input?: string) => Promise<{ code: number; out: string; err: string }>;

/** A folder with notes. */
async function openFolder() {
  const dir = await Deno.makeTempDir({ prefix: "muxi-mcp-cli-" });
  await Deno.mkdir(`${dir}/notes`);
  await Deno.writeTextFile(`${dir}/notes/plan.txt`, "The launch is on Friday.\n");
  return { dir, [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }) };
}

/** The same story in process and on a server. */
async function everywhere(story: (run: Run, dir: string) => Promise<void>): Promise<void> {
  // A key adds programs here and has them watched, which else only the operator does.
  const settings = { tools: { trust_api_policies: true } };
  await using server = await startServer({ variables: Deno.env.toObject(), settings });
  for (const where of [{}, { MUXI_URL: server.url, MUXI_KEY: ADMIN_KEY }]) {
    await using folder = await openFolder();
    const { dir } = folder;
    const env = { ...registryEnv(), MUXI_DATA_DIR: `${dir}/data`, MUXI_LOG_LEVEL: "error", ...where };
    const run: Run = (args, input) => muxi(["mcp", ...args], { cwd: dir, env, ...input !== undefined && { input } });
    await story(run, dir);
  }
}

async function done(ended: ReturnType<Run>): Promise<string> {
  const { code, out, err } = await ended;
  assert.equal(code, 0, `${out}${err}`);
  return out;
}

Deno.test("a server is added with what it may touch, refused the rest, taught the rest, and taken away", () =>
  everywhere(async (run, dir) => {
    const added = await done(run(["add", "files", "--cwd", "notes", "--read", "notes", "--", ...FILESYSTEM, "."]));
    assert.match(added, /^Added "files" to agent "assistant"\n {2}Tools, each called files__…: read_file, /);
    assert.match(added, /under the policy "files"/);
    const { data: [listed] } = JSON.parse(await done(run(["list", "--json"])));
    assert.deepEqual([listed.name, listed.state, listed.agents], ["files", "ready", ["assistant"]]);
    assert.match(await done(run(["list", "--agent", "assistant"])), /^NAME .*\nfiles +ready +\d+ /);

    assert.equal(await done(run(["call", "files__read_text_file", "path=plan.txt"])), "The launch is on Friday.\n\n");
    const write = ["files__write_file", "path=new.txt", "content=hello"];
    const refused = await run(["call", ...write]);
    assert.equal(refused.code, 77);
    const path = `${await Deno.realPath(dir)}/notes`;
    const words = `The policy "files" does not allow writing "${path}/new.txt": add it to sandbox.write of that policy`;
    assert.deepEqual([refused.out, refused.err], ["", `muxi: The tool failed: ${words}\n`]);

    const learn = ["learn", "files", "--call", "write_file path=new.txt content=hello"];
    const proposed = await done(run(learn));
    assert.match(proposed, new RegExp(`  write  ${path}\n[^]*  read → write: ${path}\n`));
    assert.match(
      proposed,
      /The call was really made; the policy was not changed\. The same with --apply makes this policy "files"/,
    );
    assert.equal((await run(["call", ...write])).code, 77);
    // What it wrote while somebody looked went to a copy.
    await assert.rejects(() => Deno.stat(`${dir}/notes/new.txt`), Deno.errors.NotFound);
    const applied = JSON.parse(await done(run([...learn, "--apply", "--json"])));
    assert.deepEqual([applied.applied, applied.proposed.write, applied.failed], [true, [path], []]);
    await done(run(["call", ...write]));
    assert.equal(await Deno.readTextFile(`${dir}/notes/new.txt`), "hello");

    const answer = JSON.parse(await done(run(["call", "files__list_directory", "-", "--json"], '{"path": "."}')));
    assert.match(answer.result.content[0].text, /new\.txt/);
    assert.equal(await done(run(["remove", "files"])), 'Took "files" from agent "assistant", and its policy "files"\n');
    const gone = await run(["remove", "files"]);
    assert.deepEqual([gone.code, gone.err], [
      66,
      'muxi: Cannot find tool server "files": no agent uses one of this name\n',
    ]);
  }));

Deno.test("the servers of a desktop host are taken over, and one that can't be hides none of the others", () =>
  everywhere(async (run, dir) => {
    const [command, ...args] = FILESYSTEM;
    const file = {
      mcpServers: {
        "My files": { command, args: [...args, "."], cwd: `${dir}/notes` },
        off: { command: "nothing", disabled: true },
        away: { type: "http", url: "http://127.0.0.1:9/mcp" },
      },
    };
    const ended = await run(["import", "-"], JSON.stringify(file));
    assert.equal(ended.code, 69);
    assert.match(ended.out, /^Added "My_files" to agent "assistant"\n/m);
    assert.match(ended.out, /^Added "away" to agent "assistant"\n {2}It is not ready \(\w+\): Cannot connect/m);
    const { data } = JSON.parse(await done(run(["list", "--json"])));
    assert.deepEqual(data.map(({ name }: { name: string }) => name), ["My_files", "away"]);
    // It may touch nothing, not even the folder it was told to serve.
    const learned = JSON.parse(await done(run(["learn", "My_files", "--json"])));
    assert.deepEqual([learned.policy, learned.present.read], ["my_files", []]);
    assert.deepEqual(learned.proposed.read, [`${await Deno.realPath(dir)}/notes`]);
    assert.equal((await run(["import", "-"], '{"servers": []}')).code, 65);
  }));

Deno.test("a host's file is imported as far as it can be, and what is turned off there stays off", async () => {
  const odd = new ScriptedServer();
  odd.tools = [offered("look"), offered("destroy")];
  await using server = await startServer({ ports: { connector: scriptedConnector({ odd, vs: odd }) } });
  await using folder = await openFolder();
  const env = { MUXI_URL: server.url, MUXI_KEY: ADMIN_KEY, MY_TOKEN: "geheim-123" };
  const file = `${folder.dir}/.vscode/mcp.json`;
  await Deno.mkdir(`${folder.dir}/.vscode`);
  await Deno.writeTextFile(
    file,
    `{ // as an editor keeps it
  "inputs": [{ "id": "key", "type": "promptString", "password": true }],
  "servers": {
    "odd": { "url": "https://odd.test/mcp", "disabledTools": ["destroy"], "novelty": 1,
      "headers": { "x-token": "\${env:MY_TOKEN}", "x-key": "\${input:key}", "x-in": "\${workspaceFolder}" }, },
    "unset": { "command": "x", "env": { "T": "\${NOT_SET_ANYWHERE}" } },
    "wrong": { "command": 7 },
  },
}`,
  );
  const run = (...args: string[]) => muxi(["mcp", "import", file, ...args], { env });
  const ended = await run("--input", "key=of-a-person");
  assert.equal(ended.code, 80, ended.err);
  assert.match(ended.out, /^Added "odd" to agent "assistant"\n {2}Tools, each called odd__…: look\n/);
  assert.match(ended.err, /Skipped "unset": env\.T: it names \$\{NOT_SET_ANYWHERE\}, and the variable/);
  assert.match(ended.err, /Skipped "wrong": command: /);
  assert.match(ended.err, /Note: "odd": novelty is not known here/);
  const { headers } = odd.definition!;
  assert.deepEqual(headers, { "x-token": "geheim-123", "x-key": "of-a-person", "x-in": folder.dir });
  const call = await server.request("POST", "/tools/odd__destroy/call", { key: ADMIN_KEY, body: {} });
  assert.deepEqual([call.status, odd.calls], [404, []]);
  const json = await run("--json");
  assert.equal(json.code, 65, "nothing was added without the input");
  assert.deepEqual(JSON.parse(json.out).skipped.map(({ name }: { name: string }) => name), ["odd", "unset", "wrong"]);
});

Deno.test("a server of the same name is left alone by an import, unless it is to be replaced, for all who use it", async () => {
  const scripts = Object.fromEntries(["odd", "new"].map((name) => [name, new ScriptedServer()]));
  for (const script of Object.values(scripts)) script.tools = [offered("look")];
  await using server = await startServer({ ports: { connector: scriptedConnector(scripts) } });
  await createAgent(server, "scout");
  const env = { MUXI_URL: server.url, MUXI_KEY: ADMIN_KEY };
  const run = (input: string, ...args: string[]) => muxi(["mcp", ...args], { env, input });
  const old = ["https://old.test/mcp", "--header", "x-old=geheim-123"];
  await done(run("", "add", "odd", "--agent", "scout", ...old));
  const file = JSON.stringify({
    mcpServers: { odd: { url: "https://odd.test/mcp" }, new: { url: "https://new.test" } },
  });
  const skipped = await run(file, "import", "-");
  assert.equal(skipped.code, 80, skipped.err);
  assert.match(skipped.err, /^muxi: Skipped "odd": https:\/\/old\.test\/mcp has this name already\. --replace puts/m);
  assert.match(skipped.out, /^Added "new"/);
  assert.doesNotMatch(skipped.out, /odd/);
  assert.equal(scripts.odd!.definition!.url, "https://old.test/mcp");
  assert.equal((await run(file, "import", "-")).code, 73, "all are there already");

  const replaced = await done(run(file, "import", "-", "--replace"));
  assert.match(replaced, /^Replaced "odd" of agent "assistant"\n[^]*^Replaced "new" of agent "assistant"\n/m);
  assert.equal(scripts.odd!.definition!.url, "https://odd.test/mcp");
  assert.deepEqual(scripts.odd!.definition!.headers, {}, "what the other was trusted with");
  const { data } = JSON.parse(await done(run("", "list", "--json")));
  const users = data.find(({ name }: { name: string }) => name === "odd").agents;
  assert.deepEqual(users, ["assistant", "scout"]);

  const again = await done(
    run("", "add", "odd", "--replace", "--agent", "scout", "--allow", "l*", "https://third.test/mcp"),
  );
  assert.match(again, /^Replaced "odd" of agent "scout"\n/);
  assert.equal(scripts.odd!.definition!.url, "https://third.test/mcp");
});

Deno.test("what makes no sense is refused before anything is started", async () => {
  await using server = await startServer();
  const env = { MUXI_URL: server.url, MUXI_KEY: ADMIN_KEY };
  const refusal = async (...args: string[]) => {
    const { code, err } = await muxi(["mcp", ...args], { env });
    return `${code} ${err.split("\n")[0]}`;
  };
  assert.match(await refusal("add", "x", "https://a.example/mcp", "more"), /^64 .*nothing stands behind an address/);
  assert.match(await refusal("add", "x", "--env", "TOKEN", "--", "prog"), /^64 .*want --env NAME=VALUE/);
  assert.match(await refusal("add", "unknown"), /^(65|66|73) /);
  assert.match(await refusal("learn", "x"), /^66 .*no agent uses one/);
  assert.match(await refusal("call", "x__y"), /^66 .*x__y/);
  const elsewhere = await muxi(["mcp", "add", "x", "--read", "notes", "--", "prog"], {
    env: { MUXI_URL: "http://muxi.example", MUXI_KEY: USER_KEY },
  });
  assert.match(elsewhere.err, /want the whole path, since the server is on another machine/);
  assert.equal(elsewhere.code, 64);
});

Deno.test("on a terminal, what is waited for is said with its seconds, and differences have colours", async () => {
  await using folder = await openFolder();
  const { dir } = folder;
  const run = async (...args: string[]) => {
    const terminal = fakeTerminal({ isTerminal: true, columns: 100 });
    const data = ["--data-dir", `${dir}/data`, "--set", "model.provider=offline", "--log-level", "error"];
    const code = await runCli({
      args: ["mcp", ...args.slice(0, 1), ...data, ...args.slice(1)],
      version: "1",
      env: {},
      verbs,
      terminal,
    });
    assert.equal(code, 0, terminal.complaints);
    return terminal;
  };
  const added = await run("add", "files", "--cwd", `${dir}/notes`, "--read", `${dir}/notes`, "--", ...FILESYSTEM, ".");
  assert.match(added.complaints, /Fetching and starting "files" … 0 s/);
  // Nothing of it stays.
  assert.ok(added.complaints.endsWith("\r\x1b[K"), JSON.stringify(added.complaints));
  const learned = await run("learn", "files", "--prune", "--call", "read_text_file path=plan.txt");
  assert.ok(
    learned.shown.includes("\x1b[31m- sys: cpus, osRelease, osUptime, homedir, hostname, uid\x1b[39m"),
    learned.shown,
  );
});
