/**
 * Commands of the real program: in its own process, and on a running server.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { type Ended, muxi, muxiCommand, type MuxiOptions } from "../support/muxi.ts";
import { startProgram } from "../support/program.ts";
import { startProvider } from "../support/provider.ts";
import { ADMIN_KEY, startServer, USER_KEY } from "../support/server.ts";

type Run = (args: string[], options?: MuxiOptions) => Promise<Ended>;

async function inFolder(story: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "muxi-cli-" });
  try {
    await story(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** The same story in process and on a server. */
async function everywhere(story: (run: Run, dir: string) => Promise<void>): Promise<void> {
  await inFolder((dir) =>
    story(
      (args, options) => muxi(args, { cwd: dir, ...options, env: { MUXI_DATA_DIR: `${dir}/data`, ...options?.env } }),
      dir,
    )
  );
  await using server = await startServer();
  const env = { MUXI_URL: server.url, MUXI_KEY: ADMIN_KEY };
  await inFolder((dir) =>
    story((args, options) => muxi(args, { cwd: dir, ...options, env: { ...env, ...options?.env } }), dir)
  );
}

async function done(ended: Promise<Ended>): Promise<string> {
  const { code, out, err } = await ended;
  assert.equal(code, 0, err);
  return out;
}

Deno.test("agents, users and conversations are made, listed, shown and deleted by commands", () =>
  everywhere(async (run) => {
    await done(
      run(["agents", "create", "--id", "scout", "--name", "Scout", "--model.provider", "offline", "--max-steps", "3"]),
    );
    const { data } = JSON.parse(await done(run(["agents", "list", "--json"])));
    assert.deepEqual(data.map(({ id }: { id: string }) => id).sort(), ["assistant", "scout"]);
    const agent = JSON.parse(await done(run(["agents", "get", "scout", "--json"])));
    assert.deepEqual([agent.model.provider, agent.max_steps], ["offline", 3]);
    assert.match(await done(run(["agents", "get", "scout"])), /^name: +Scout$/m);
    assert.match(await done(run(["agents", "list"])), /^ID +NAME .*\n(.*\n)*scout +Scout /);
    assert.equal(await done(run(["agents", "delete", "scout", "--json"])), "null\n");
    assert.equal((await run(["agents", "get", "scout"])).code, 66);

    await done(run(["users", "context-set", "ada", "--context", "-"], { input: '{"city":"Rome"}' }));
    assert.deepEqual(JSON.parse(await done(run(["users", "context-get", "ada", "--json"]))).context, { city: "Rome" });
    const { id } = JSON.parse(
      await done(run(["conversations", "create", "--title", "A talk", "--user-id", "ada", "--json"])),
    );
    await done(run(["conversations", "update", id, "--no-title", "--user-id", "ada"]));
    assert.equal(JSON.parse(await done(run(["conversations", "get", id, "--user-id", "ada", "--json"]))).title, null);
    const list = await done(run(["conversations", "list", "--user-id", "ada"]));
    assert.match(list, new RegExp(`^ID .*\n${id} `));
  }));

Deno.test("a list goes on to its end when told, for people and for machines", () =>
  everywhere(async (run) => {
    for (const title of ["a", "b", "c"]) await done(run(["conversations", "create", "--title", title]));
    const first = await run(["conversations", "list", "--limit", "2"]);
    assert.equal(first.out.trim().split("\n").length, 3);
    assert.match(first.err, /^More with --cursor \S+, all with --all$/m);
    const all = await done(run(["conversations", "list", "--limit", "2", "--all"]));
    assert.equal(all.trim().split("\n").length, 4);
    const { data, next_cursor } = JSON.parse(
      await done(run(["conversations", "list", "--limit", "2", "--all", "--json"])),
    );
    assert.deepEqual(data.map(({ title }: { title: string }) => title), ["c", "b", "a"]);
    assert.equal(next_cursor, null);
    assert.deepEqual(await done(run(["runs", "list", "--all", "--json"])), '{"data":[],"next_cursor":null}\n');
  }));

Deno.test("an answer streams, its run is listed, and its events are told again from any of them on", () =>
  everywhere(async (run) => {
    const lines = (await done(run(["chat-stream", "--message", "hello", "--json"]))).trim().split("\n");
    const events = lines.map((line) => JSON.parse(line));
    assert.deepEqual(events.map(({ seq }) => seq), events.map((_, i) => i + 1));
    assert.equal(events.at(-1).type, "run.completed");
    const { run_id } = events[0].data;
    const { data } = JSON.parse(await done(run(["runs", "list", "--status", "completed", "--json"])));
    assert.deepEqual(data.map(({ id }: { id: string }) => id), [run_id]);
    const rest = await done(run(["runs", "events", run_id, "--starting-after", "2", "--json"]));
    assert.deepEqual(rest.trim().split("\n"), lines.slice(2));
    const shown = await done(run(["runs", "events", run_id]));
    assert.match(
      shown,
      /^ {3}1 {2}run\.started .*\n(.*\n)*I am MUXI's offline model.*\n(.*\n)* +\d+ {2}run\.completed /,
    );
    const last = String(events.length);
    assert.deepEqual(await run(["runs", "events", run_id, "--starting-after", last]), {
      code: 0,
      out: "",
      err: "Nothing further: the run has ended\n",
    });
    const answer = JSON.parse(await done(run(["runs", "events", run_id, "--no-stream", "--json"])));
    assert.equal(answer.message.content, events.at(-1).data.message.content);
    assert.equal(JSON.parse(await done(run(["runs", "steps", run_id, "--json"]))).data.length, 1);
  }));

Deno.test("a command that is given twice with the same key has done it once", () =>
  everywhere(async (run) => {
    const begin = (title: string) =>
      run(["conversations", "create", "--title", title, "--idempotency-key", "order-66", "--json"]);
    const [first, again] = [await done(begin("A talk")), await done(begin("A talk"))];
    assert.equal(again, first);
    assert.equal((await begin("Another")).code, 73);
    const say = async () =>
      JSON.parse(await done(run(["chat-send", "--message", "Hi", "--idempotency-key", "k", "--json"])));
    assert.equal((await say()).run_id, (await say()).run_id);
  }));

Deno.test("a file goes up from a name or the standard input, and comes back byte by byte", () =>
  everywhere(async (run, dir) => {
    const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => i * 31 % 251);
    await Deno.writeFile(`${dir}/photo.png`, bytes);
    const file = JSON.parse(await done(run(["files", "create", "photo.png", "--json"])));
    assert.deepEqual([file.name, file.media_type, file.size], ["photo.png", "image/png", 200_000]);
    assert.match(
      await done(run(["files", "download", file.id, "-o", "back.png"])),
      /^Saved 200000 bytes to "back.png"$/m,
    );
    assert.deepEqual(await Deno.readFile(`${dir}/back.png`), bytes);
    const note = JSON.parse(
      await done(run(["files", "create", "-", "--name", "n.txt", "--json"], { input: "a note" })),
    );
    assert.equal(await done(run(["files", "download", note.id])), "a note");
    assert.equal((await run(["files", "download", note.id, "-o", "no/such/folder/n.txt"])).code, 73);
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name).filter((name) => name.includes("part")), []);
    assert.equal((await run(["files", "create", "missing.txt"])).code, 66);
  }));

Deno.test("errors and exit codes are the same wherever the work is done", () =>
  everywhere(async (run) => {
    const missing = await run(["runs", "get", "run_0"]);
    assert.deepEqual(missing, { code: 66, out: "", err: 'muxi: Cannot find run "run_0"\n' });
    const { err } = await run(["runs", "get", "run_0", "--json"]);
    assert.equal(JSON.parse(err).error, "RunNotFoundError");
    assert.equal((await run(["runs", "get", "junk"])).code, 65);
    assert.equal((await run(["runs", "list", "--status", "no"])).code, 64);
    await done(run(["agents", "create", "--id", "twice", "--name", "Twice"]));
    assert.equal((await run(["agents", "create", "--id", "twice", "--name", "Twice"])).code, 73);
  }));

Deno.test("a run that fails ends the command that started it with the failure's code", async () => {
  await using provider = await startProvider({ script: { status: 401, error: "No such key" } });
  await using server = await startServer({ provider: provider.url });
  const env = { MUXI_URL: server.url, MUXI_KEY: USER_KEY };
  const streamed = await muxi(["chat-stream", "--message", "hi"], { env });
  assert.equal(streamed.code, 69, streamed.out + streamed.err);
  assert.match(streamed.out, /run\.failed/);
  assert.equal((await muxi(["chat-send", "--message", "hi"], { env })).code, 69);
});

Deno.test("the key comes from a variable, a file or the standard input, and decides what is allowed", async () => {
  await using server = await startServer();
  const at = (args: string[], options: MuxiOptions = {}) => muxi([...args, "--url", server.url], options);
  await inFolder(async (dir) => {
    await Deno.writeTextFile(`${dir}/key`, `${ADMIN_KEY}\n`);
    assert.equal((await at(["system", "status"], { env: { MUXI_KEY: ADMIN_KEY } })).code, 0);
    assert.equal((await at(["system", "status", "--key-file", `${dir}/key`])).code, 0);
    assert.equal((await at(["system", "status", "--key-file", "-"], { input: `${ADMIN_KEY}\n` })).code, 0);
    assert.equal((await at(["system", "status"], { env: { MUXI_KEY_FILE: `${dir}/key` } })).code, 0);
    assert.equal((await at(["system", "status", "--key-file", `${dir}/none`])).code, 78);
  });
  const weak = await at(["system", "status"], { env: { MUXI_KEY: USER_KEY } });
  assert.equal(weak.code, 77);
  const none = await at(["agents", "list"]);
  assert.equal(none.code, 77);
  assert.match(none.err, /The key comes from the variable MUXI_KEY, or with --key-file FILE/);
  assert.equal((await at(["health", "live"])).code, 0);
  assert.equal(
    (await muxi(["agents", "list", "--url", "http://127.0.0.1:1"], { env: { MUXI_KEY: USER_KEY } })).code,
    69,
  );
  assert.equal((await muxi(["agents", "list", "--url", "ftp://x"])).code, 64);
});

Deno.test("who finds the data folder taken is told where its server answers", async () => {
  await using program = await startProgram();
  const env = { MUXI_DATA_DIR: `${program.dir}/data` };
  const refused = await muxi(["agents", "list"], { env });
  assert.equal(refused.code, 69);
  assert.match(refused.err, new RegExp(`a server, process ${program.pid}, uses it. Use it with --url ${program.url} `));
  assert.doesNotMatch(refused.err + refused.out, /sk_muxi/);
  await done(muxi(["agents", "list", "--url", program.url], { env: { MUXI_KEY: ADMIN_KEY } }));
});

Deno.test("production settings do not keep the operator from working here", () =>
  inFolder(async (dir) => {
    const env = { MUXI_ENV: "production", MUXI_DATA_DIR: `${dir}/data` };
    assert.equal((await muxi(["serve", "--port", "0"], { env })).code, 78);
    await done(muxi(["agents", "list"], { env }));
  }));

Deno.test("a reader that leaves ends the command without a word", async () => {
  await inFolder(async (dir) => {
    const child = muxiCommand(["openapi"], { env: { MUXI_DATA_DIR: `${dir}/data` } }).spawn();
    await child.stdin.close();
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    const [{ code }, err] = await Promise.all([child.status, new Response(child.stderr).text()]);
    assert.deepEqual([code, err], [141, ""]);
  });
});

Deno.test("Ctrl-C ends a command that waits, and the run goes on", async () => {
  await using provider = await startProvider({ script: { tokens: ["one ", "two ", "three"], delay: 60_000 } });
  await using server = await startServer({ provider: provider.url });
  const env = { MUXI_URL: server.url, MUXI_KEY: USER_KEY };
  const child = muxiCommand(["chat-stream", "--message", "hi", "--json"], { env }).spawn();
  await child.stdin.close();
  let out = "";
  const decoder = new TextDecoder();
  for await (const bytes of child.stdout.values({ preventCancel: true })) {
    out += decoder.decode(bytes);
    if (out.includes("model.delta")) break;
  }
  child.kill("SIGINT");
  const [{ code }, err] = await Promise.all([child.status, new Response(child.stderr).text(), child.stdout.cancel()]);
  assert.deepEqual([code, err], [130, ""]);
  const run_id = JSON.parse(out.split("\n")[0]!).data.run_id;
  const { status } = await (await server.request("GET", `/runs/${run_id}`)).json();
  assert.equal(status, "running");
  const cancelled = await muxi(["runs", "cancel", run_id, "--json"], { env });
  assert.equal(cancelled.code, 0, cancelled.err);
});

Deno.test("a command that carries out no runs leaves those of an earlier process as they are", () =>
  inFolder(async (dir) => {
    await using provider = await startProvider({ script: { tokens: ["one "], delay: 60_000 } });
    const env = { MUXI_DATA_DIR: `${dir}/data`, MODEL_PROVIDER: "openai", OPENAI_BASE_URL: provider.url };
    const child = muxiCommand(["chat-stream", "--message", "hi", "--json"], { env }).spawn();
    await child.stdin.close();
    await provider.received(0);
    child.kill("SIGKILL");
    await Promise.all([child.status, child.stdout.cancel(), child.stderr.cancel()]);
    for (let i = 0; i < 3; i++) {
      const { data: [run] } = JSON.parse(await done(muxi(["runs", "list", "--json"], { env })));
      assert.equal(run.status, "running");
    }
    assert.equal(provider.requests.length, 1);
    provider.script({ tokens: ["two"] });
    const { data: [run] } = JSON.parse(await done(muxi(["runs", "list", "--json"], { env })));
    const events = await done(muxi(["runs", "events", run.id, "--json"], { env }));
    assert.match(events, /"step\.restarted".*\n(.*\n)*.*"run\.completed"/);
  }));

Deno.test("the variables that name a server are no settings, and keep nothing from working here", () =>
  inFolder(async (dir) => {
    const env = {
      MUXI_DATA_DIR: `${dir}/data`,
      MUXI_URL: "http://127.0.0.1:1",
      MUXI_KEY: USER_KEY,
      MUXI_KEY_FILE: "x",
    };
    await done(muxi(["config", "check"], { env }));
    await done(muxi(["agents", "list"], { env: { ...env, MUXI_URL: "" } }));
  }));
