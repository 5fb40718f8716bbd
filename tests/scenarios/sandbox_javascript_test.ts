import { strict as assert } from "node:assert";
import type { Attempt, HostilePlan } from "../support/hostile_server.ts";
import { openSandbox, textOf, type Walls } from "../support/sandbox.ts";

const HOSTILE = new URL("../support/hostile_server.ts", import.meta.url);
const MARK = "TOP SECRET";

/** What a hostile program tries, and what of it was seen from outside. */
async function attack(
  walls: Walls,
): Promise<{ attempts: Attempt[]; hits: number; planted: string[]; denied: string[] }> {
  await using world = await openSandbox(walls);
  const { dir } = world;
  const [allowed, secret] = [`${dir}/allowed`, `${dir}/secret`];
  await Deno.mkdir(`${allowed}/inner`, { recursive: true });
  await Deno.mkdir(secret);
  await Deno.writeTextFile(`${secret}/secret.txt`, MARK);
  await Deno.writeTextFile(`${secret}/secret.json`, JSON.stringify({ text: MARK }));
  await Deno.symlink(`${secret}/secret.txt`, `${allowed}/link`);
  await Deno.symlink(secret, `${allowed}/linked`);
  await Deno.copyFile(HOSTILE, `${dir}/hostile.ts`);
  let hits = 0;
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, () => {
    hits++;
    return new Response(MARK);
  });
  using socket = Deno.listen({ transport: "unix", path: `${secret}/secret.sock` });
  const accepting = socket.accept().then(async (connection) => {
    hits++;
    await connection.write(new TextEncoder().encode(MARK));
    connection.close();
  }, () => {});
  const plan: HostilePlan = { allowed, secret, port: server.addr.port, parent: Deno.pid };
  const profile = { write: [allowed] };
  const leaving = await world.run("hostile.ts", { args: [JSON.stringify({ ...plan, leave: true })], profile });
  assert.match(await textOf(leaving), /"got"/, leaving.errors());
  const process = await world.run("hostile.ts", { args: [JSON.stringify(plan)], profile });
  const text = await textOf(process);
  const end = await process.exited;
  socket.close();
  await accepting;
  assert.equal(end, "exit code 0", `${process.errors()}\n${text}`);
  const attempts = text.trim().split("\n").map((line) => JSON.parse(line) as Attempt);
  const planted = [...Deno.readDirSync(secret)].map(({ name }) => name)
    .filter((name) => !["secret.txt", "secret.json", "secret.sock"].includes(name));
  assert.equal(await Deno.readTextFile(`${secret}/secret.txt`), MARK);
  return { attempts, hits, planted, denied: world.denied };
}

for (const walls of ["full", "broker"] as const) {
  Deno.test(`a hostile program gets nothing it wasn't given (${walls})`, async () => {
    const { attempts, hits, planted, denied } = await attack(walls);
    assert.deepEqual(attempts.filter(({ outcome }) => outcome === "got"), []);
    assert.ok(attempts.length >= 60, `it tried ${attempts.length}`);
    assert.equal(hits, 0);
    assert.deepEqual(planted, []);
    assert.ok(denied.some((words) => /does not allow reading ".*secret\.txt": add it to sandbox\.read/.test(words)));
  });
}
