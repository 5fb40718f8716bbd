import { strict as assert } from "node:assert";
import type { AccessQuestion } from "../../src/ports/sandbox.ts";
import { openSandbox, textOf } from "../support/sandbox.ts";

const READER = `
  for (const path of Deno.args) {
    try { console.log(Deno.readTextFileSync(path)); } catch (error) { console.log(error.message); }
  }`;

for (const walls of ["full", "broker"] as const) {
  Deno.test(`a person who says no is asked once, in words (${walls})`, async () => {
    await using world = await openSandbox(walls);
    await Deno.writeTextFile(`${world.dir}/reader.ts`, READER);
    await Deno.writeTextFile(`${world.dir}/diary.txt`, "dear diary");
    const path = `${world.dir}/diary.txt`;
    const asked: AccessQuestion[] = [];
    const program = await world.run("reader.ts", {
      args: [path, path],
      profile: { ask: ["read"] },
      ask: (question) => Promise.resolve(asked.push(question) === 0),
    });
    const words = `Nobody allowed the server "stranger" to read "${path}"`;
    assert.equal(await textOf(program), `${words}\n${words}\n`);
    assert.deepEqual(asked, [{ permission: "read", value: path, words: `read "${path}"` }]);
    assert.deepEqual(program.report.decisions().filter(({ value }) => value === path).map(({ denied }) => denied), [2]);
    assert.ok(world.denied.includes(words));
  });
}

Deno.test("what a person allows holds at once where there is no box", async () => {
  await using world = await openSandbox("broker");
  await Deno.writeTextFile(`${world.dir}/reader.ts`, READER);
  await Deno.writeTextFile(`${world.dir}/diary.txt`, "dear diary");
  const program = await world.run("reader.ts", {
    args: [`${world.dir}/diary.txt`, `${world.dir}/other.txt`],
    profile: { ask: ["read"] },
    ask: ({ value }) => Promise.resolve(value.endsWith("diary.txt")),
  });
  assert.equal(
    await textOf(program),
    `dear diary\nNobody allowed the server "stranger" to read "${world.dir}/other.txt"\n`,
  );
});

Deno.test("what a person allows to a program in a box holds from its next start on, which follows", async () => {
  await using world = await openSandbox("full");
  await Deno.writeTextFile(`${world.dir}/reader.ts`, `${READER} setInterval(() => {}, 1000);`);
  const path = `${world.dir}/diary.txt`;
  await Deno.writeTextFile(path, "dear diary");
  let asked = 0;
  let granted = 0;
  const options = {
    args: [path],
    profile: { ask: ["read" as const] },
    ask: () => Promise.resolve(++asked > 0),
    onGranted: () => void granted++,
  };
  const first = await world.run("reader.ts", options);
  const words = `The server "stranger" may read "${path}" from its next start on, which follows: try again`;
  const said = first.stdout.getReader();
  assert.equal(new TextDecoder().decode((await said.read()).value), `${words}\n`);
  await said.cancel();
  assert.equal(granted, 1);
  await first.kill();
  const second = await world.run("reader.ts", options);
  const reader = second.stdout.getReader();
  assert.equal(new TextDecoder().decode((await reader.read()).value), "dear diary\n");
  assert.equal(asked, 1);
  await reader.cancel();
});

Deno.test("nobody is asked for what the policy does not leave to a person, nor for MUXI's own data", async () => {
  await using world = await openSandbox("broker");
  await Deno.writeTextFile(`${world.dir}/reader.ts`, READER);
  await Deno.writeTextFile(`${world.dir}/data/muxi.db`, "TOP SECRET");
  let asked = 0;
  const ask = () => Promise.resolve(++asked > 0);
  const denied = await world.run("reader.ts", { args: ["/etc/passwd"], profile: { ask: ["net"] }, ask });
  assert.match(await textOf(denied), /does not allow reading "\/etc\/passwd": add it to sandbox\.read/);
  const hidden = await world.run("reader.ts", {
    args: [`${world.dir}/data/muxi.db`],
    profile: { ask: ["read"], read: ["/"] },
    ask,
  });
  assert.match(await textOf(hidden), /no program may see MUXI's own data/);
  assert.equal(asked, 0);
});
