/**
 * A copy made while the server runs, and the server that starts on it.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { ADMIN_KEY, startServer, USER_KEY } from "../support/server.ts";
import { ask, framesOf, type Json } from "../support/story.ts";
import { startProvider } from "../support/provider.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;

/** Runs the program to its end. */
async function muxi(args: string[], env: Record<string, string>): Promise<{ code: number; text: string }> {
  const { PATH = "", HOME = "", DENO_DIR } = Deno.env.toObject();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", MAIN, ...args],
    clearEnv: true,
    env: { PATH, HOME, ...DENO_DIR !== undefined && { DENO_DIR }, NO_COLOR: "1", ...env },
    cwd: env.MUXI_DATA_DIR!.replace(/\/[^/]+$/, ""),
  }).output();
  return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

/**
 * Whether any file below `dir` holds `text`. Another process looks: a process
 * that opens and closes a database's file by itself gives up its own locks on it.
 */
async function holds(dir: string, text: string): Promise<boolean> {
  const { code } = await new Deno.Command("grep", { args: ["-rqaF", "--", text, dir] }).output();
  assert.ok(code < 2, "grep failed");
  return code === 0;
}

const SECRET = "the treasure lies under the third palm";

for (const encryption_key of ["", "a-key-for-tests-0123456789abcdef"]) {
  const kind = encryption_key ? "encrypted" : "plain";
  Deno.test(`a backup of a ${kind} server at work is complete, and a server starts on it`, async () => {
    const root = await Deno.makeTempDir({ prefix: "muxi-backup-" });
    try {
      await using provider = await startProvider({ script: { tokens: 20, delay: 1 } });
      const options = { provider: provider.url, settings: { database: { encryption_key } } };
      const data_dir = `${root}/data`;
      const env = { MUXI_DATA_DIR: data_dir, ...encryption_key && { MUXI_DATABASE_ENCRYPTION_KEY: encryption_key } };
      await using server = await startServer({ ...options, data_dir });
      const known = await ask(server, "POST /chat", { body: { message: SECRET } });
      const events = await framesOf(server, `GET /runs/${known.run_id}/events`);
      const upload = await server.request("POST", "/files", {
        body: `${SECRET}\n`.repeat(1000),
        headers: { "content-type": "text/plain" },
      });
      const file = await upload.json();
      assert.equal(await holds(data_dir, SECRET), encryption_key === "");
      let writing = true;
      const load = (async () => {
        const done: string[] = [];
        while (writing) done.push((await ask(server, "POST /chat", { body: { message: "More" } })).run_id);
        return done;
      })();
      const backup = await muxi(["backup", `${root}/copy`], env);
      writing = false;
      const later = await load;
      assert.equal(backup.code, 0, backup.text);
      assert.ok(later.length > 2, "the server went on meanwhile");
      assert.equal(await holds(`${root}/copy`, SECRET), encryption_key === "");
      const restored = { ...env, MUXI_DATA_DIR: `${root}/restored` };
      const restore = await muxi(["restore", `${root}/copy`], restored);
      assert.equal(restore.code, 0, restore.text);
      await using second = await startServer({ ...options, data_dir: `${root}/restored` });
      assert.deepEqual(await framesOf(second, `GET /runs/${known.run_id}/events`), events);
      const { data } = await ask(second, "GET /runs?limit=100&status=running");
      assert.deepEqual(data.map(({ id }: Json) => id).filter((id: string) => id === known.run_id), []);
      const content = await second.request("GET", `/files/${file.id}/content`);
      assert.equal(await content.text(), `${SECRET}\n`.repeat(1000));
      const goesOn = { message: "Go on", conversation_id: known.conversation_id };
      assert.equal((await ask(second, "POST /chat", { body: goesOn })).status, "completed");
      if (!encryption_key) return;
      const other = await muxi(["restore", `${root}/copy`], { ...env, MUXI_DATA_DIR: `${root}/third` });
      assert.equal(other.code, 0, other.text);
      await assert.rejects(
        startServer({ provider: provider.url, data_dir: `${root}/third` }),
        (error: Error) => !error.message.includes(encryption_key) && /encrypt|key/i.test(error.message),
      );
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  });
}

Deno.test("a backup needs a server's folder and a new name, and a restore an empty one", async () => {
  const root = await Deno.makeTempDir({ prefix: "muxi-backup-" });
  try {
    const env = { MUXI_DATA_DIR: `${root}/data`, MUXI_USER_API_KEY: USER_KEY, MUXI_ADMIN_API_KEY: ADMIN_KEY };
    const none = await muxi(["backup", `${root}/copy`], env);
    assert.notEqual(none.code, 0);
    assert.match(none.text, /there is no database yet/);
    {
      await using _ = await startServer({ data_dir: `${root}/data` });
    }
    assert.equal((await muxi(["backup", `${root}/copy`], env)).code, 0);
    assert.match((await muxi(["backup", `${root}/copy`], env)).text, /exists already/);
    assert.match((await muxi(["restore", `${root}/copy`], env)).text, /has a database already/);
    assert.equal((await muxi(["restore", "--force", `${root}/copy`], env)).code, 0);
    await using _ = await startServer({ data_dir: `${root}/data` });
    assert.match((await muxi(["restore", "--force", `${root}/copy`], env)).text, /another|in use|owns|already/i);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
