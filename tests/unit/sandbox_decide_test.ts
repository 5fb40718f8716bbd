import { strict as assert } from "node:assert";
import { decide, type Surroundings } from "../../src/adapters/sandbox/decide.ts";
import { realPathOf } from "../../src/adapters/sandbox/real_path.ts";
import type { Rules, Ruling } from "../../src/adapters/sandbox/rules.ts";
import type { Permission } from "../../src/domain/policy.ts";

const RULES: Rules = {
  server: "stranger",
  policy: "strict",
  shared: false,
  boxed: false,
  read: ["/srv/read"],
  write: ["/srv/write"],
  own_read: ["/own"],
  own_write: ["/own/temp"],
  packages: ["/own/npm"],
  own_folders: [],
  named: [],
  hidden: ["/srv/read/hidden"],
  net: ["example.com", "*.example.org:443", "127.0.0.1:8080"],
  relays: ["127.0.0.1:3128"],
  sys: ["hostname"],
  run: false,
  ffi: false,
  ask: [],
  learning: false,
  cwd: "/srv/read",
  fold_case: false,
};
const ADDRESSES: Record<string, string[]> = {
  "example.com": ["93.184.215.14"],
  "a.example.org": ["93.184.215.14", "10.0.0.1"],
  "b.example.org": ["2606:2800:21f::1"],
};
const AROUND: Surroundings = {
  place: () => ({ cwd: "/srv/read", root: "" }),
  resolve: (host) => ADDRESSES[host] ? Promise.resolve(ADDRESSES[host]) : Promise.reject(new Error("no such name")),
};

async function rule(permission: Permission, value: string | null, rules: Partial<Rules> = {}): Promise<Ruling> {
  return await decide({ ...RULES, ...rules }, { pid: 1, id: 1, permission, value }, AROUND);
}

const allowed = async (...given: Parameters<typeof rule>) => (await rule(...given)).verdict === "allow";

Deno.test("paths are allowed by the folders they really are in", async () => {
  const cases: [Permission, string | null, boolean][] = [
    ["read", "/srv/read", true],
    ["read", "/srv/read/a/b", true],
    ["read", "a", true],
    ["read", "./a/b", true],
    ["read", "/srv/readable", false],
    ["read", "/srv/read/../x", false],
    ["read", "../x", false],
    ["read", "/srv/write/x", true],
    ["write", "/srv/write/x", true],
    ["write", "/srv/read/x", false],
    ["write", "x", false],
    ["read", "/srv/read/hidden/x", false],
    ["read", "/srv/read/a\0", false],
    ["read", "/own/x", true],
    ["write", "/own/x", false],
    ["write", "/own/temp/x", true],
    ["read", "/dev/urandom", true],
    ["read", null, false],
    ["write", null, false],
    ["write", "<TMP>", false],
    ["read", "a".repeat(5000), false],
  ];
  for (const [permission, value, expected] of cases) {
    assert.equal(await allowed(permission, value), expected, `${permission} ${value}`);
  }
});

Deno.test("the case of a hidden folder doesn't count where the file system takes both for the same", async () => {
  assert.ok(await allowed("read", "/srv/read/HIDDEN/x"));
  assert.ok(!await allowed("read", "/srv/read/HIDDEN/x", { fold_case: true }));
});

Deno.test("hosts are allowed by name and port, and by where they lead", async () => {
  const cases: [string | null, boolean][] = [
    ["example.com:443", true],
    ["EXAMPLE.com.:80", true],
    ["https://example.com/path?x=1", true],
    ["example.com", true],
    ["example.org:443", false],
    ["b.example.org:443", true],
    ["b.example.org:80", false],
    ["http://b.example.org/", false],
    ["a.example.org:443", false],
    ["missing.example.org:443", false],
    ["127.0.0.1:8080", true],
    ["127.0.0.1:8081", false],
    ["[::ffff:127.0.0.1]:8080", true],
    ["localhost:8080", false],
    ["0.0.0.0:0", false],
    ["127.0.0.1:3128", true],
    [null, false],
    ["unix:/srv/write/socket", true],
    ["unix:/srv/read/socket", false],
    ["unix:/run/docker.sock", false],
  ];
  for (const [value, expected] of cases) assert.equal(await allowed("net", value), expected, String(value));
});

Deno.test("programs and native code need a policy and a box", async () => {
  for (const permission of ["run", "ffi"] as const) {
    assert.ok(!await allowed(permission, null));
    assert.ok(!await allowed(permission, null, { run: true, ffi: true }));
    assert.ok(!await allowed(permission, null, { boxed: true }));
    assert.ok(await allowed(permission, null, { run: true, ffi: true, boxed: true }));
  }
  assert.match((await rule("run", null, { run: true })).words, /this needs bubblewrap/);
});

Deno.test("denials name the policy, the access and what to change", async () => {
  const words: [Permission, string | null, string][] = [
    ["read", "/etc/passwd", 'reading "/etc/passwd": add it to sandbox.read of that policy'],
    ["write", "/etc/passwd", 'writing "/etc/passwd": add it to sandbox.write of that policy'],
    ["net", "evil.test:25", 'connecting to "evil.test:25": add it to sandbox.net of that policy'],
    ["sys", "networkInterfaces", 'asking the machine for "networkInterfaces": add it to sandbox.sys of that policy'],
    ["run", null, "starting or ending programs: name them in sandbox.run of that policy"],
    ["ffi", "/lib/x.so", 'loading the native code "/lib/x.so": set sandbox.ffi of that policy'],
  ];
  for (const [permission, value, expected] of words) {
    assert.equal((await rule(permission, value)).words, `The policy "strict" does not allow ${expected}`);
  }
});

Deno.test("links are followed as the process sees them, below its own root", async () => {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "muxi-test-" }));
  try {
    await Deno.mkdir(`${dir}/root/in/deep`, { recursive: true });
    await Deno.symlink("/in/deep", `${dir}/root/absolute`);
    await Deno.symlink("../in", `${dir}/root/in/round`);
    await Deno.symlink("loop", `${dir}/root/loop`);
    await Deno.symlink("nowhere/x", `${dir}/root/dangling`);
    const at = { root: `${dir}/root`, cwd: "/in" };
    const cases: [string, string | undefined][] = [
      ["/absolute/x", "/in/deep/x"],
      ["/absolute/..", "/in"],
      ["round/round/deep", "/in/deep"],
      ["../../..", "/"],
      ["/loop", undefined],
      ["/dangling", "/nowhere/x"],
      ["/missing/../in", undefined],
      ["", "/in"],
    ];
    for (const [path, expected] of cases) assert.equal(realPathOf(path, at), expected, path);
    assert.equal(realPathOf(`${dir}/root/absolute/x`, { root: "", cwd: "/" }), "/in/deep/x");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("what is under a policy of many servers is to be allowed to one, and a name that won't be there again by its folder", async () => {
  const shared = { shared: true, policy: "default" };
  const alone = 'of a policy for "stranger" alone: muxi mcp learn stranger, or muxi mcp add stranger';
  const cases: [Permission, string, string][] = [
    ["read", "/etc/passwd", `add it to sandbox.read ${alone} --read /etc/passwd`],
    ["write", "/my notes/a", `add it to sandbox.write ${alone} --write '/my notes/a'`],
    ["net", "a.test:80", `add it to sandbox.net ${alone} --net a.test:80`],
    [
      "write",
      "/srv/graph/memory.jsonl.d45f8111551c40d8.tmp",
      `add its folder "/srv/graph" to sandbox.write ${alone} --write /srv/graph`,
    ],
  ];
  for (const [permission, value, expected] of cases) {
    const { words } = await rule(permission, value, shared);
    assert.ok(words.startsWith(`The policy "default" does not allow `) && words.endsWith(`: ${expected}`), words);
  }
  const { words } = await rule("write", "/srv/graph/.memory.swp");
  assert.match(words, /: add its folder "\/srv\/graph" to sandbox\.write of that policy$/);
});

Deno.test("no policy and no watching lets a program write in its own package", async () => {
  const path = "/own/npm/registry.test/@scope/memory/1.0.0/dist/memory.jsonl";
  for (const rules of [{}, { write: ["/"] }, { learning: true }]) {
    for (const [value, shown] of [[path, "dist/memory.jsonl"], [`${path}.d45f8111551c40d8.tmp`, "dist"]] as const) {
      const ruling = await rule("write", value, { own_read: ["/own"], packages: ["/own"], ...rules });
      assert.deepEqual([ruling.verdict, ruling.value], ["deny", `@scope/memory/1.0.0/${shown}`]);
      assert.match(ruling.words, /in its own package: no policy can allow that\. Tell it another place: by a variable/);
      assert.equal(/The policy/.test(ruling.words), !("learning" in rules), ruling.words);
    }
  }
});

Deno.test("what a program looks for in its environment is noted while it is watched, where it could say a place", async () => {
  const noted = async (name: string, rules: Partial<Rules>) => (await rule("env", name, rules)).value;
  assert.equal(await noted("MEMORY_FILE_PATH", { learning: true }), "MEMORY_FILE_PATH");
  assert.equal(await noted("MEMORY_FILE_PATH", {}), "");
  for (const name of ["PATH", "NODE_DEBUG", "DENO_DIR"]) assert.equal(await noted(name, { learning: true }), "");
});
