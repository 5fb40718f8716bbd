import assert from "node:assert/strict";
import { masksOf } from "../../src/adapters/sandbox/bubblewrap_masks.ts";
import { bindProfile } from "../../src/adapters/sandbox/bubblewrap_paths.ts";
import { setApart } from "../../src/adapters/sandbox/launcher_env.ts";
import { findProgram } from "../../src/adapters/sandbox/native_program.ts";
import { McpFailure } from "../../src/domain/mcp_server.ts";
import { SandboxProfile } from "../../src/domain/policy.ts";

/** A folder with its links resolved, so that what is compared is real. */
async function makeDir() {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "muxi-paths-" }));
  return { dir, [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }) };
}

function bind(cwd: string, profile: Partial<SandboxProfile>, hidden: string[] = []) {
  return bindProfile({ name: "guest", policy: "strict", profile: SandboxProfile.parse(profile), cwd }, {
    hidden,
    gone: [],
  });
}

async function program(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(path, text);
  await Deno.chmod(path, 0o755);
}

Deno.test("paths start at the server's folder, links are followed, parents come first", async () => {
  await using t = await makeDir();
  await Deno.mkdir(`${t.dir}/real/below`, { recursive: true });
  await Deno.symlink(`${t.dir}/real`, `${t.dir}/link`);
  const { profile } = await bind(t.dir, { read: ["link", "missing"], write: ["./real/below"] });
  assert.deepEqual(profile, [
    { path: `${t.dir}/real`, write: false },
    { path: `${t.dir}/real`, at: `${t.dir}/link`, write: false },
    { path: `${t.dir}/real/below`, write: true },
  ]);
});

Deno.test("a link that the program may have made is not followed", async () => {
  await using t = await makeDir();
  await Deno.mkdir(`${t.dir}/writable`);
  await Deno.writeTextFile(`${t.dir}/secret`, "");
  await Deno.symlink(`${t.dir}/secret`, `${t.dir}/writable/link`);
  const { profile } = await bind(t.dir, { read: ["writable/link"], write: ["writable"] });
  assert.deepEqual(profile, [{ path: `${t.dir}/writable`, write: true }]);
});

Deno.test("our own data are refused, and left out of what is around them", async () => {
  await using t = await makeDir();
  await Deno.mkdir(`${t.dir}/data/inner`, { recursive: true });
  await Deno.symlink(`${t.dir}/data`, `${t.dir}/link`);
  const hidden = [`${t.dir}/link`];
  for (const path of ["data", "data/inner", "link"]) {
    await assert.rejects(() => bind(t.dir, { read: [path] }, hidden), (error: Error) => {
      assert(error instanceof McpFailure && error.kind === "sandbox");
      assert.match(error.message, /the policy "strict" lets it read ".*", which is MUXI's own data/);
      return true;
    });
  }
  const { profile } = await bind(t.dir, { write: ["."] }, hidden);
  assert.deepEqual(await masksOf(profile, hidden), [{ at: `${t.dir}/data`, folder: true }]);
});

Deno.test("what can't be held is refused, in words that say why", async () => {
  await using t = await makeDir();
  await assert.rejects(
    () => bind(t.dir, { write: ["nowhere"] }),
    /lets it write "nowhere", which does not exist: create it/,
  );
  await assert.rejects(() => bind(t.dir, { write: ["/"] }), /which is everything/);
  await assert.rejects(
    () => bind(t.dir, { read: ["/proc/1"] }),
    /which no policy can allow: it is of processes or devices/,
  );
  assert.deepEqual((await bind(t.dir, { read: ["/proc/cpuinfo"] })).profile, []);
  assert.equal((await bind(t.dir, { read: ["/"] })).root, true);
});

Deno.test("a program is found with its installation and its interpreter", async () => {
  await using t = await makeDir();
  await Deno.mkdir(`${t.dir}/venv/bin`, { recursive: true });
  await Deno.mkdir(`${t.dir}/python/bin`, { recursive: true });
  await Deno.mkdir(`${t.dir}/python/lib/python3.12`, { recursive: true });
  await Deno.mkdir(`${t.dir}/python/private`);
  await program(`${t.dir}/python/bin/python3.12`, "\x7fELF");
  await Deno.writeTextFile(`${t.dir}/venv/pyvenv.cfg`, "");
  await Deno.symlink(`${t.dir}/python/bin/python3.12`, `${t.dir}/venv/bin/python`);
  await program(`${t.dir}/venv/bin/tool`, `#!${t.dir}/venv/bin/python -I\n`);
  await Deno.mkdir(`${t.dir}/bin`);
  await Deno.symlink("../venv/bin/tool", `${t.dir}/bin/tool`);
  const found = await findProgram("tool", { cwd: "/", path: `relative:${t.dir}/nowhere:${t.dir}/bin` });
  assert.equal(found?.path, `${t.dir}/bin/tool`);
  assert.deepEqual(found.binds.map(({ path }) => path.slice(t.dir.length)).sort(), [
    "/bin/tool",
    "/python/bin",
    "/python/lib",
    "/venv",
  ]);
});

Deno.test("a script by itself brings no more than itself, and env finds its interpreter", async () => {
  await using t = await makeDir();
  await Deno.mkdir(`${t.dir}/bin`);
  await program(`${t.dir}/bin/tool`, "#!/usr/bin/env -S helper --fast\n");
  await program(`${t.dir}/bin/helper`, "#!/bin/sh\n");
  const found = await findProgram("./bin/tool", { cwd: t.dir, path: `${t.dir}/bin` });
  assert.deepEqual(found?.binds.map(({ path }) => path).sort(), [`${t.dir}/bin/helper`, `${t.dir}/bin/tool`]);
  assert.equal(await findProgram("tool", { cwd: t.dir, path: "/usr/bin" }), undefined);
  assert.deepEqual((await findProgram("sh", { cwd: "/", path: "/bin" }))?.binds, []);
});

Deno.test("variables that would act on our own programs are set apart", () => {
  const env = {
    LD_PRELOAD: "x",
    DENO_DIR: "d",
    NODE_OPTIONS: "o",
    GCONV_PATH: "g",
    BASH_ENV: "b",
    TOKEN: "t",
    LANG: "C",
  };
  const { open, apart } = setApart(env);
  assert.deepEqual(open, { TOKEN: "t", LANG: "C" });
  assert.deepEqual(Object.keys(apart), ["LD_PRELOAD", "DENO_DIR", "NODE_OPTIONS", "GCONV_PATH", "BASH_ENV"]);
});
