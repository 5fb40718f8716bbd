/**
 * Paths that are not like others: the root, what the kernel makes up, and the cache beside the packages.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { python } from "../support/native_box.ts";
import { openSandbox, textOf } from "../support/sandbox.ts";

const WALLS = ["full", "broker"] as const;

/** Says for each path how it begins, or that it was refused. */
const READER = `
for (const path of Deno.args) {
  try { console.log("got", Deno.readTextFileSync(path).length > 0); } catch (error) { console.log(error.message); }
}`;

for (const walls of WALLS) {
  Deno.test(`what the kernel makes up is denied in words that are true (${walls})`, async () => {
    await using world = await openSandbox(walls);
    await Deno.writeTextFile(`${world.dir}/reader.ts`, READER);
    const args = [
      "/proc/cpuinfo",
      "/proc/self/environ",
      "/proc/1/environ",
      "/proc/kcore",
      "/dev/sda",
      "/sys/power/state",
    ];
    // A policy that names such paths is no reason not to start.
    for (const read of [[], ["/proc/cpuinfo", "/proc", "/dev", "/sys"]]) {
      const program = await world.run("reader.ts", { args, profile: { read } });
      const said = (await textOf(program)).trim().split("\n");
      assert.equal(said.length, args.length, program.errors());
      for (const words of said) assert.match(words, /: no policy can allow that, since Deno lets no program there/);
    }
    if (walls === "broker") return;
    for (const path of ["/proc/1", "/proc/1/environ"]) {
      await assert.rejects(() => world.run("reader.ts", { profile: { read: [path] } }), {
        message: new RegExp(`lets it read "${path}", which no policy can allow: it is of processes or devices`),
      });
    }
  });

  Deno.test(`all of the machine can be allowed, and nothing of MUXI's (${walls})`, async () => {
    await using world = await openSandbox(walls);
    await Deno.writeTextFile(`${world.dir}/reader.ts`, READER);
    await Deno.writeTextFile(`${world.dir}/data/secret.txt`, "TOP SECRET");
    const args = ["/etc/os-release", `${world.dir}/reader.ts`, `${world.dir}/data/secret.txt`];
    const program = await world.run("reader.ts", { args, profile: { read: ["/"] } });
    const said = (await textOf(program)).trim().split("\n");
    assert.deepEqual(said.slice(0, 2), ["got true", "got true"], program.errors());
    assert.match(said[2]!, /no program may see MUXI's own data/);
  });

  Deno.test(`what a program keeps beside its packages works, and is gone with it (${walls})`, async () => {
    await using world = await openSandbox(walls);
    const code = `
      const cache = await caches.open("a");
      const before = [localStorage.getItem("a"), await (await cache.match("https://a.test/"))?.text()];
      localStorage.setItem("a", "kept");
      await cache.put("https://a.test/", new Response("kept"));
      const after = [localStorage.getItem("a"), await (await cache.match("https://a.test/"))?.text()];
      console.log(JSON.stringify([before, after]));`;
    await Deno.writeTextFile(`${world.dir}/keeper.ts`, code);
    for (let start = 0; start < 2; start++) {
      const program = await world.run("keeper.ts");
      assert.equal(await textOf(program), '[[null,null],["kept","kept"]]\n', program.errors());
    }
  });
}

Deno.test("a program that is not JavaScript may see all of the machine, and facts of it", async () => {
  const lines = "print(open('/etc/os-release').read() != '', open('/proc/cpuinfo').read() != '')";
  for (const read of [["/"], ["/proc/cpuinfo", "/etc"]]) {
    const { said, errors } = await python(lines, { profile: { read } });
    assert.equal(said, "True True", errors);
  }
});
