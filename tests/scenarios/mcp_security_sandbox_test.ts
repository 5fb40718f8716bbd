/**
 * The sandbox attacked from the sides: by what starts a program, what watches it, and what is left of it.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import { openSandbox, textOf, toPolicy } from "../support/sandbox.ts";

const SECRET = "geheim-of-the-operator-1";

/** Tries everything that leads out, and says how it went. */
const SPY = `
const outcomes = {};
async function attempt(name, work) {
  try { outcomes[name] = String(await work()); } catch (error) { outcomes[name] = "refused: " + error.message; }
}
const [hidden, parent] = Deno.args;
await attempt("read", () => Deno.readTextFile(hidden));
await attempt("run", async () => new TextDecoder().decode((await new Deno.Command("/bin/cat", { args: [hidden] }).output()).stdout));
await attempt("environ", () => Deno.readTextFile("/proc/" + parent + "/environ"));
await attempt("memory", () => Deno.open("/proc/" + parent + "/mem").then(() => "opened"));
await attempt("descriptor", () => Array.from(Deno.readDirSync("/proc/" + parent + "/fd")).length);
await attempt("root", () => Deno.readTextFile("/proc/" + parent + "/root" + hidden));
await attempt("kill", () => Deno.kill(Number(parent), "SIGCONT"));
await attempt("ffi", () => Deno.dlopen("libc.so.6", { getpid: { parameters: [], result: "i32" } }).symbols.getpid());
await attempt("link", async () => { await Deno.symlink(hidden, Deno.env.get("TMPDIR") + "/way"); return await Deno.readTextFile(Deno.env.get("TMPDIR") + "/way"); });
console.log(JSON.stringify(outcomes));
`;

Deno.test("a program that is watched to learn its policy gets nothing of ours all the same", async () => {
  await using world = await openSandbox("full");
  const { dir, sandbox } = world;
  const hidden = `${dir}/data/secret.txt`;
  await Deno.writeTextFile(hidden, SECRET);
  await Deno.writeTextFile(`${dir}/spy.ts`, SPY);
  let said = "";
  const args = ["run", `${dir}/spy.ts`, hidden, String(Deno.pid)];
  await sandbox.learn({ name: "spy", command: "deno", args, env: {}, cwd: dir }, {
    policy: toPolicy(),
    signal: new AbortController().signal,
    drive: async (process) => {
      said = await textOf(process);
    },
  });
  const outcomes: Record<string, string> = JSON.parse(said);
  for (const [name, outcome] of Object.entries(outcomes)) assert.match(outcome, /^refused: /, `${name}: ${outcome}`);
});

Deno.test("what a program is trusted with stands in no list of processes", async () => {
  await using world = await openSandbox("full");
  const { dir, sandbox } = world;
  await Deno.writeTextFile(`${dir}/wait.ts`, "for await (const _ of Deno.stdin.readable);");
  const names = ["API_KEY", "NODE_AUTH_TOKEN", "DENO_AUTH_TOKENS", "LD_SECRET"];
  const env = Object.fromEntries(names.map((name) => [name, `${SECRET}-${name}`]));
  const { signal } = new AbortController();
  for (const net of [[], ["example.com"]]) {
    for (const [command, args] of [["deno", ["run", `${dir}/wait.ts`]], ["/bin/cat", []]] as const) {
      const process = await sandbox.start({ name: "guest", command, args, env, cwd: dir }, {
        policy: toPolicy({ net, read: [dir] }),
        signal,
      });
      try {
        const writer = process.stdin.getWriter();
        await writer.write(new TextEncoder().encode("\n"));
        await writer.ready;
        assert.deepEqual(leaking(), [], `${command} with net ${JSON.stringify(net)}`);
        writer.releaseLock();
      } finally {
        await process.kill();
      }
    }
  }
});

/** The command lines of this machine that hold the secret. */
function leaking(): string[] {
  return [...Deno.readDirSync("/proc")].filter(({ name }) => /^\d+$/.test(name)).flatMap(({ name }) => {
    try {
      const line = Deno.readTextFileSync(`/proc/${name}/cmdline`).replaceAll("\0", " ");
      return line.includes(SECRET) ? [line.slice(0, 3000)] : [];
    } catch {
      return [];
    }
  });
}

Deno.test("without a sandbox runs only what a policy names itself", async () => {
  await using world = await openSandbox("full");
  const { sandbox, dir } = world;
  const program = { name: "guest", command: "/bin/cat", args: [], env: {}, cwd: dir };
  const { signal } = new AbortController();
  const trusting = toPolicy({ unsandboxed: true });
  for (const servers of [[], ["*"], ["gu*"]]) {
    const process = await sandbox.start(program, { policy: { ...trusting, servers }, signal });
    const { tier } = process.report;
    await process.kill();
    assert.notEqual(tier, "none", `servers: ${JSON.stringify(servers)}`);
  }
  const process = await sandbox.start(program, { policy: { ...trusting, servers: ["guest"] }, signal });
  await process.kill();
  assert.equal(process.report.tier, "none");
});

Deno.test("folders of a process that was killed are gone with the next start, and those of a living one stay", async () => {
  const gone = await new Deno.Command("/bin/true").spawn();
  await gone.status;
  const made = await Promise.all(
    ["box", "js"].flatMap((kind) =>
      [gone.pid, Deno.pid].map((pid) => Deno.makeTempDir({ prefix: `muxi-${kind}-${pid}-` }))
    ),
  );
  try {
    await using world = await openSandbox("full");
    await Deno.writeTextFile(`${world.dir}/end.ts`, "");
    await (await world.run("end.ts")).exited;
    const left = made.filter((path) => existsSync(path));
    assert.deepEqual(left.filter((path) => path.includes(`-${gone.pid}-`)), []);
    assert.equal(left.length, 2);
  } finally {
    await Promise.all(made.map((path) => Deno.remove(path).catch(() => {})));
  }
});
