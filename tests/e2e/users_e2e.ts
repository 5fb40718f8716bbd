/**
 * Root and an ordinary user, from a folder that can't be written.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { basename, dirname } from "node:path";
import { findTool, NOBODY, openPlace } from "./support/place.ts";
import { serve } from "./support/server.ts";
import { story } from "./support/story.ts";

const TOOLS = ["unshare", "mount", "setpriv", "sh"];

/** A command that makes `folders` read-only for what follows, and changes to the first and to user `uid`. */
async function readOnly(folders: readonly string[], uid: number): Promise<string[]> {
  const [unshare, mount, setpriv, sh] = await Promise.all(TOOLS.map(async (tool) => (await findTool(tool))!));
  const mounts = folders.map((folder) =>
    `${mount} --bind "${folder}" "${folder}" && ${mount} -o remount,ro,bind "${folder}"`
  );
  const script = [...mounts, `cd "${folders[0]}"`, `exec ${setpriv} --reuid=${uid} --regid=${uid} --clear-groups "$@"`];
  return [unshare!, "--mount", sh!, "-c", script.join(" && "), "sh"];
}

for (const [who, uid] of [["root", 0], ["an ordinary user", NOBODY]] as const) {
  await story(`${who} serves from a read-only folder and with a read-only home`, {
    box: true,
    root: true,
    tools: TOOLS,
  }, async () => {
    await using place = await openPlace({ uid });
    const before = await readOnly([dirname(place.bin!), place.home], uid);
    const touch = await place.run([], { bin: "/bin/sh", before: [...before, "/bin/sh", "-c", "echo > here"] });
    assert.notEqual(touch.code, 0, "The folder is not read-only");
    await using server = await serve(place, { before, args: ["--data-dir", `${place.cwd}/data`] });
    const answer = await (await server.request("/api/v1/chat", { message: "Hello" })).json();
    assert.equal(answer.status, "completed");
    assert.equal((await Deno.stat(`${place.tmp}/muxi-${uid}`)).uid, uid);
    const own = [...(await Deno.readTextFile(`/proc/${server.pid}/maps`)).matchAll(/\/\S*(?:\/deno|\.node)$/gm)];
    assert.deepEqual([...new Set(own.map(([path]) => basename(path)))].sort(), ["deno", "index.node"]);
    for (const [path] of own) {
      assert.ok(path.startsWith(`${place.tmp}/muxi-${uid}/`), `${path} did not come with the file`);
    }
    assert.equal((await Deno.stat(`${place.cwd}/data`)).uid, uid);
    assert.equal((await server.end("SIGTERM")).code, 0);
  });
}

await story("an ordinary user does not use what another user left for them", { box: true, root: true }, async () => {
  await using place = await openPlace({ uid: NOBODY });
  const trap = `${place.tmp}/muxi-${NOBODY}`;
  await Deno.mkdir(trap, { mode: 0o755 });
  await Deno.chown(trap, 1, 1);
  const { code, stderr } = await place.run(["version"], { env: { HOME: "/nonexistent" } });
  assert.equal(code, 73);
  assert.match(stderr, /it is not a folder in which only you can write/);
});

await story("root may unpack once for everybody", { box: true, root: true }, async () => {
  await using place = await openPlace();
  await using other = await openPlace({ uid: NOBODY });
  const runtime = `${place.root}/runtime`;
  assert.equal((await place.run(["version"], { env: { MUXI_RUNTIME_DIR: runtime } })).code, 0);
  for await (const folder of walk(runtime)) await Deno.chmod(folder, 0o755);
  const ended = await Promise.all(
    [1, 2].map(() => other.run(["config", "check"], { env: { MUXI_RUNTIME_DIR: runtime } })),
  );
  assert.deepEqual(ended.map(({ code, stderr }) => ({ code, stderr })), [{ code: 0, stderr: "" }, {
    code: 0,
    stderr: "",
  }]);
  assert.deepEqual([...Deno.readDirSync(other.tmp)], []);
});

/** The folder and all folders below it. */
async function* walk(folder: string): AsyncGenerator<string> {
  yield folder;
  for await (const { name, isDirectory } of Deno.readDir(folder)) if (isDirectory) yield* walk(`${folder}/${name}`);
}
