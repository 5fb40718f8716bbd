/**
 * The operator's own files: no program sees them, whatever its policy says and however it spells them.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import { python } from "../support/native_box.ts";
import { openSandbox, textOf, toPolicy } from "../support/sandbox.ts";

const WALLS = ["full", "broker"] as const;
const SECRET = "TOP SECRET";

/** Says of each way to a file what it got; the last two are a folder to link from, and one to move. */
const READER = `
import { linkSync, readFileSync, renameSync } from "node:fs";
const ways = JSON.parse(Deno.args[0]);
const said = [];
const attempt = (work) => {
  try { said.push(String(work())); } catch (error) { said.push("refused: " + error.message); }
};
for (const way of ways) attempt(() => Deno.readTextFileSync(way));
attempt(() => readFileSync(new URL("file://" + ways[0])));
attempt(() => { Deno.chdir(ways[0].slice(0, ways[0].lastIndexOf("/"))); return Deno.readTextFileSync("muxi.env"); });
attempt(() => { Deno.symlinkSync(ways[0], Deno.args[1] + "/fresh"); return Deno.readTextFileSync(Deno.args[1] + "/fresh"); });
attempt(() => { linkSync(ways[0], Deno.args[1] + "/hard"); return readFileSync(Deno.args[1] + "/hard"); });
attempt(() => { renameSync(ways[0], Deno.args[1] + "/moved"); return readFileSync(Deno.args[1] + "/moved"); });
attempt(() => { Deno.writeTextFileSync(ways[0], "mine"); return "written"; });
console.log(JSON.stringify(said));
`;

/** A folder with settings in it, the ways that lead there, and something that is nobody's secret. */
async function furnish(dir: string): Promise<string[]> {
  await Deno.mkdir(`${dir}/config/deep`, { recursive: true });
  await Deno.writeTextFile(`${dir}/config/muxi.env`, SECRET);
  await Deno.writeTextFile(`${dir}/config/plain.txt`, "plain");
  await Deno.symlink("config/muxi.env", `${dir}/link`);
  await Deno.symlink(`${dir}/config`, `${dir}/folder`);
  await Deno.symlink("folder", `${dir}/folder2`);
  return [
    `${dir}/config/muxi.env`,
    `${dir}/link`,
    `${dir}/folder/muxi.env`,
    `${dir}/folder2/deep/../muxi.env`,
    `${dir}//config/./deep/..//muxi.env`,
    `/proc/self/root${dir}/config/muxi.env`,
    `/proc/self/cwd/../..${dir}/config/muxi.env`,
  ];
}

for (const walls of WALLS) {
  Deno.test(`no program in JavaScript sees the settings' files, by whatever way (${walls})`, async () => {
    await using world = await openSandbox(walls, {}, ["config/muxi.env"]);
    const { dir } = world;
    const ways = await furnish(dir);
    await Deno.writeTextFile(`${dir}/reader.ts`, READER);
    for (
      const profile of [{ read: ["/"], write: [dir] }, { write: ["."] }, { read: ["/"], write: [`${dir}/folder`] }]
    ) {
      const program = await world.run("reader.ts", { args: [JSON.stringify(ways), dir], profile });
      const text = await textOf(program);
      const said: string[] = JSON.parse(text === "" ? "[]" : text);
      assert.equal(said.length, ways.length + 6, program.errors());
      for (const [i, words] of said.entries()) assert.match(words, /^refused: /, `${i} ${ways[i]}`);
      assert.equal(await Deno.readTextFile(`${dir}/config/muxi.env`), SECRET);
      for (const name of ["fresh", "hard", "moved"]) await Deno.remove(`${dir}/${name}`).catch(() => {});
    }
    const plain = await world.run("reader.ts", {
      args: [JSON.stringify([`${dir}/config/plain.txt`]), dir],
      profile: { read: ["/"] },
    });
    assert.equal(JSON.parse(await textOf(plain))[0], "plain", plain.errors());
  });

  Deno.test(`a script doesn't bring the settings' files along by an import (${walls})`, async () => {
    await using world = await openSandbox(walls, {}, ["config/muxi.json"]);
    const { dir } = world;
    await Deno.mkdir(`${dir}/config`);
    await Deno.writeTextFile(`${dir}/config/muxi.json`, '{"secret": true}');
    await Deno.writeTextFile(`${dir}/package.json`, "{}");
    await Deno.writeTextFile(
      `${dir}/importer.ts`,
      'import secret from "./config/muxi.json" with { type: "json" };\nconsole.log(secret);',
    );
    await assert.rejects(() => world.run("importer.ts", { profile: { read: ["/"] } }), {
      message: /imports ".*muxi\.json", and no program may see MUXI's own data/,
    });
  });

  Deno.test(`a program that is watched sees them no more (${walls})`, async () => {
    await using world = await openSandbox(walls, {}, ["config/muxi.env"]);
    const { dir, sandbox } = world;
    const ways = await furnish(dir);
    await Deno.writeTextFile(`${dir}/reader.ts`, READER);
    let said: string[] = [];
    const args = ["run", `${dir}/reader.ts`, JSON.stringify(ways), dir];
    await sandbox.learn({ name: "stranger", command: "deno", args, env: {} }, {
      policy: toPolicy(),
      signal: new AbortController().signal,
      drive: async (process) => {
        const text = await textOf(process);
        said = JSON.parse(text === "" ? "[]" : text);
        assert.equal(said.length, ways.length + 6, process.errors());
      },
    });
    for (const [i, words] of said.entries()) assert.ok(!words.includes(SECRET), `${i} ${words}`);
    assert.equal(await Deno.readTextFile(`${dir}/config/muxi.env`), SECRET);
  });
}

Deno.test("a program that held by permissions alone can't move the folder that they lie in", async () => {
  await using world = await openSandbox("broker", {}, ["config/muxi.env"]);
  const { dir } = world;
  await furnish(dir);
  await Deno.writeTextFile(
    `${dir}/mover.ts`,
    `try { Deno.renameSync("config", "elsewhere"); console.log("moved"); } catch (error) { console.log(error.message); }`,
  );
  const program = await world.run("mover.ts", { profile: { write: ["."] } });
  assert.match(await textOf(program), /it holds MUXI's own data, which no program may move/);
  assert.ok(existsSync(`${dir}/config/muxi.env`));
});

Deno.test("no other program sees them, wherever its policy shows their folder", async () => {
  const dir = await Deno.realPath(await Deno.makeTempDir({ dir: "/var/tmp", prefix: "muxi-hidden-" }));
  try {
    const ways = await furnish(dir);
    await Deno.mkdir(`${dir}/data`);
    await Deno.writeTextFile(`${dir}/data/key`, SECRET);
    const lines = `
import os
for way in ${JSON.stringify([...ways, `${dir}/folder/../data/key`, `${dir}/data/key`])}:
    try: print("got", open(way).read())
    except OSError as error: print("refused")
for work in ("os.rename('${dir}/config/muxi.env', '${dir}/x')", "os.link('${dir}/config/muxi.env', '${dir}/y')", "os.remove('${dir}/config/muxi.env')", "open('${dir}/config/muxi.env', 'w')"):
    try: exec(work); print("done", work)
    except OSError as error: print("refused")
print(open("${dir}/config/plain.txt").read())`;
    const hidden = [`${dir}/link`, `${dir}/data`];
    for (
      const profile of [
        { read: ["/"] },
        { read: [dir] },
        { write: [dir] },
        { read: [`${dir}/folder2`, `${dir}/config`] },
        { write: [`${dir}/folder`, `${dir}/config`] },
        { read: [dir], write: [`${dir}/folder`] },
      ]
    ) {
      const { said, errors } = await python(lines, { hidden, profile });
      const results = said.split("\n");
      assert.equal(results.length, 14, `${said}${errors}`);
      assert.equal(results.pop(), "plain");
      for (const [i, result] of results.entries()) assert.equal(result, "refused", `${JSON.stringify(profile)} ${i}`);
    }
    await assert.rejects(() => python(lines, { hidden, profile: { read: [`${dir}/link`] } }), {
      message: /lets it read ".*link", which is MUXI's own data/,
    });
    // What every box shows of the system is no exception.
    await Deno.writeTextFile("/etc/ssl/private/muxi-hidden-for-tests.pem", SECRET);
    const system = await python(`print(open("/etc/ssl/private/muxi-hidden-for-tests.pem").read())`, {
      hidden: ["/etc/ssl/private/muxi-hidden-for-tests.pem"],
    });
    assert.match(system.errors, /Permission denied/);
  } finally {
    await Deno.remove(dir, { recursive: true });
    await Deno.remove("/etc/ssl/private/muxi-hidden-for-tests.pem").catch(() => {});
  }
});

Deno.test("what was moved from where a program may write is looked for before it starts again", async () => {
  await using world = await openSandbox("full", {}, ["config/muxi.env", "link", "config/never-there.env"]);
  const { dir, sandbox } = world;
  await furnish(dir);
  const start = async (lines: string) => {
    const program = { name: "mover", command: "/usr/bin/python3", args: ["-c", lines], env: {} };
    const process = await sandbox.start(program, {
      policy: toPolicy({ write: [dir] }),
      signal: new AbortController().signal,
    });
    await process.stdin.close();
    await textOf(process);
    return process;
  };
  const moved = await start(`import os; os.rename("${dir}/config", "${dir}/elsewhere")`);
  assert.equal(await moved.exited, "exit code 0", moved.errors());
  await assert.rejects(() => start("print(1)"), {
    message: /where ".*muxi\.env" of MUXI is not any more: put it back, or start MUXI anew/,
  });
  await Deno.rename(`${dir}/elsewhere`, `${dir}/config`);
  const again = await start("print(1)");
  assert.equal(await again.exited, "exit code 0", again.errors());
});
