import { strict as assert } from "node:assert";
import { toLeastProfile } from "../../src/adapters/sandbox/least_profile.ts";
import { type Permission, SandboxProfile } from "../../src/domain/policy.ts";

/** The least profile for accesses as `permission value`; what ends with "?" isn't there, with "!" was refused. */
function learn(accesses: string[], named: string[] = []) {
  const missing = new Set(
    accesses.filter((text) => text.endsWith("?")).map((text) => text.split(" ")[1]!.slice(0, -1)),
  );
  return toLeastProfile({
    decisions: accesses.map((text) => {
      const [permission, value] = text.split(" ") as [Permission, string];
      const denied = value.endsWith("!") ? 1 : 0;
      return { permission, value: value.replace(/[?!]$/, ""), allowed: 1 - denied, denied };
    }),
    profile: SandboxProfile.parse({ memory_mb: 777, read: ["/before"], run: ["npx"] }),
    named,
    exists: (path) => !missing.has(path),
  });
}

Deno.test("single files are named, several in one folder are their folder", () => {
  assert.deepEqual(learn(["read /a/b/c/x"]).read, ["/a/b/c/x"]);
  assert.deepEqual(learn(["read /a/b/c/x", "read /a/b/c/y"]).read, ["/a/b/c"]);
});

Deno.test("files of a folder that many share stay single", () => {
  assert.deepEqual(learn(["read /etc/hosts", "read /etc/passwd"]).read, ["/etc/hosts", "/etc/passwd"]);
});

Deno.test("folders that the operator named are meant as a whole", () => {
  const { read, write } = learn(["read /home/me/notes/a", "write /home/me/out/b"], ["/home/me/notes", "/home/me/out"]);
  assert.deepEqual([read, write], [["/home/me/notes"], ["/home/me/out"]]);
});

Deno.test("folders on the way, what isn't there, and what is written anyway need no reading", () => {
  const { read, write } = learn([
    "read /",
    "read /srv",
    "read /srv/data/deep/x",
    "read /srv/package.json?",
    "read /out/put/it/here",
    "write /out/put/it/here",
  ]);
  assert.deepEqual([read, write], [["/srv/data/deep/x"], ["/out/put/it/here"]]);
});

Deno.test("what was made and moved away needs its folder", () => {
  assert.deepEqual(learn(["write /srv/data/deep/x.tmp?", "write /srv/data/deep/x"]).write, ["/srv/data/deep"]);
});

Deno.test("hosts, facts and native code are noted, ceilings stay, and what was allowed before does not", () => {
  const { net, sys, ffi, run, memory_mb, read, write } = learn([
    "net b.test:443",
    "net a.test:80",
    "sys hostname",
    "ffi /lib/x.so",
    "run *",
    "net /srv/x.sock!",
    "write /srv/x.sock",
    "read /proc/14425/environ!",
    "sys networkInterfaces!",
  ]);
  assert.deepEqual({ net, sys, ffi, run, memory_mb, read, write }, {
    net: ["a.test:80", "b.test:443"],
    sys: ["hostname"],
    ffi: true,
    run: ["npx"],
    memory_mb: 777,
    read: [],
    write: [],
  });
});
