import { strict as assert } from "node:assert";
import { openSandbox, type SandboxWorld, textOf } from "../support/sandbox.ts";

const WALLS = ["full", "broker"] as const;

async function write(world: SandboxWorld, file: string, code: string): Promise<string> {
  await Deno.writeTextFile(`${world.dir}/${file}`, code);
  return file;
}

/** Folders that were made for one start: its command line names them. */
function foldersOf({ pid }: { pid: number }): string[] {
  const line = Deno.readTextFileSync(`/proc/${pid}/cmdline`);
  return [...new Set(line.match(/\/tmp\/muxi-(?:js|box)-[\w-]+/g))];
}

for (const walls of WALLS) {
  Deno.test(`a literal import of a foreign file keeps a script from starting (${walls})`, async () => {
    await using world = await openSandbox(walls);
    const file = await write(world, "reader.ts", `import t from "/etc/passwd" with { type: "text" }; console.log(t);`);
    await assert.rejects(() => world.run(file), {
      name: "ForbiddenError",
      message:
        `Cannot run "${world.dir}/reader.ts" for the server "stranger" in the sandbox: it imports "/etc/passwd": ` +
        'add it to sandbox.read of the policy "strict"',
    });
  });

  Deno.test(`a program that takes too much memory is ended (${walls})`, async () => {
    await using world = await openSandbox(walls);
    const code = "const kept = []; for (;;) { kept.push(new Uint8Array(2 ** 24).fill(1)); await 0; }";
    const program = await world.run(await write(world, "memory.ts", code), { profile: { memory_mb: 256 } });
    assert.equal(await program.exited, "killed: memory");
  });

  Deno.test(`a program that neither reads nor is read nor listens to signals is ended (${walls})`, async () => {
    await using world = await openSandbox(walls);
    const code = `
      for (const name of ["SIGTERM", "SIGINT", "SIGHUP"]) Deno.addSignalListener(name, () => {});
      const noise = new Uint8Array(65536).fill(120);
      setInterval(() => {}, 1000);
      for (;;) Deno.stdout.writeSync(noise);`;
    const program = await world.run(await write(world, "noise.ts", code));
    const reader = program.stdout.getReader();
    await reader.read();
    reader.releaseLock();
    const folders = foldersOf(program);
    assert.equal(folders.length, walls === "full" ? 2 : 1);
    assert.equal(await program.kill(), "SIGKILL");
    assert.equal(await program.exited, "SIGKILL");
    assert.throws(() => Deno.kill(program.pid, "SIGCONT"), Deno.errors.NotFound);
    for (const folder of folders) assert.throws(() => Deno.statSync(folder), Deno.errors.NotFound);
  });

  Deno.test(`a flood of questions is counted in bounded memory, and told in part (${walls})`, async () => {
    await using world = await openSandbox(walls);
    const code = `
      for (let i = 0; i < 3000; i++) try { Deno.statSync("/var/empty/" + i); } catch { /* denied */ }
      console.log("done");`;
    const program = await world.run(await write(world, "flood.ts", code));
    assert.equal(await textOf(program), "done\n");
    const decisions = program.report.decisions();
    assert.ok(decisions.length > 100 && decisions.length <= 1000, `${decisions.length} decisions`);
    assert.ok(decisions.every(({ permission, denied }) => permission === "read" && denied === 1));
    assert.ok(world.denied.length >= 50 && world.denied.length < 1000, `${world.denied.length} denials`);
  });

  Deno.test(`a program ends with the signal of its start (${walls})`, async () => {
    await using world = await openSandbox(walls);
    const stop = new AbortController();
    const code = "setInterval(() => {}, 1000); console.log('up');";
    const program = await world.run(await write(world, "idle.ts", code), { signal: stop.signal });
    const reader = program.stdout.getReader();
    await reader.read();
    stop.abort();
    await program.exited;
    await reader.cancel();
    assert.throws(() => Deno.kill(program.pid, "SIGCONT"), Deno.errors.NotFound);
  });
}

Deno.test("a program that fills its own folder is ended where no box bounds it", async () => {
  await using world = await openSandbox("broker");
  const code = `
    const block = new Uint8Array(2 ** 20);
    for (let i = 0; ; i++) {
      Deno.writeFileSync(Deno.env.get("TMPDIR") + "/" + i % 100, block, { append: true });
      await new Promise((go) => setTimeout(go, 10));
    }`;
  const program = await world.run(await write(world, "disk.ts", code), { profile: { disk_mb: 8 } });
  assert.equal(await program.exited, "killed: disk");
});

Deno.test("a box's own folder holds as much as the policy says", async () => {
  await using world = await openSandbox("full");
  const code = `
    try {
      for (let i = 0; i < 100; i++) Deno.writeFileSync("/tmp/" + i, new Uint8Array(2 ** 20));
      console.log("all of it");
    } catch (error) {
      console.log(error.message.replace(/:.*/, ""));
    }`;
  const program = await world.run(await write(world, "disk.ts", code), { profile: { disk_mb: 8 } });
  assert.equal(await textOf(program), "No space left on device (os error 28)\n");
});

Deno.test("a program that answers its own questions finds nothing in its box, and is ended", async () => {
  await using world = await openSandbox("full");
  await Deno.writeTextFile(`${world.dir}/secret.txt`, "TOP SECRET");
  // The lockdown is the main thread's; a Worker gets at the descriptor of the broker.
  const inWorker = `
    import net from "node:net";
    const question = (id) => JSON.stringify({ v: 1, pid: ${"${pid}"}, id, permission: "env", value: "A" }) + "\\n";
    for (let fd = 3; fd < 12; fd++) {
      try {
        const socket = new net.Socket({ fd, readable: false, writable: true });
        socket.on("error", () => {});
        socket.write(question(1));
      } catch { /* not that one */ }
    }
    await new Promise((go) => setTimeout(go, 200));
    try { postMessage(Deno.readTextFileSync("${"${secret}"}")); } catch (error) { postMessage(error.message); }`;
  const code = `
    const [pid, secret] = [Deno.pid, ${JSON.stringify(`${world.dir}/secret.txt`)}];
    const code = \`${inWorker}\`;
    const worker = new Worker("data:text/javascript," + encodeURIComponent(code), { type: "module" });
    worker.onmessage = ({ data }) => console.log(data);
    setInterval(() => {}, 1000);`;
  const program = await world.run(await write(world, "forger.ts", code));
  assert.ok(!(await textOf(program)).includes("TOP SECRET"));
  assert.notEqual(await program.exited, "exit code 0");
});
