import { strict as assert } from "node:assert";
import { mergeProfile } from "../../src/adapters/sandbox/merge_profile.ts";
import { differenceOf } from "../../src/core/mcp_servers/learning.ts";
import { SandboxProfile } from "../../src/domain/policy.ts";

type Input = Partial<SandboxProfile>;

/** Relative paths start at `/srv/home`, and `/link` leads to `/srv/data`. */
function merge(present: Input, least: Input) {
  const real = (path: string) => path.replace(/^\.$/, "/srv/home").replace(/^\/link/, "/srv/data");
  const [before, seen] = [present, least].map((one) => SandboxProfile.parse({ sys: [], ...one }));
  const merged = mergeProfile({ present: before!, least: seen!, real });
  const { read, write, net } = merged.profile;
  return { ...merged, lists: { read, write, net }, difference: differenceOf(before!, merged.profile) };
}

Deno.test("what was allowed stays, and what was seen comes", () => {
  const { lists, difference, unused } = merge(
    { read: ["/a"], write: ["/b"], net: ["x.test"] },
    { read: ["/c"], write: ["/d"], net: ["y.test:443"] },
  );
  assert.deepEqual(lists, { read: ["/a", "/c"], write: ["/b", "/d"], net: ["x.test", "y.test:443"] });
  assert.deepEqual(difference, ["+ read: /c", "+ write: /d", "+ net: y.test:443"]);
  assert.deepEqual(unused, ["read: /a", "write: /b", "net: x.test"]);
});

Deno.test("what is allowed in other words doesn't come a second time", () => {
  const { lists, difference, unused, least } = merge(
    { read: [".", "/link"], write: ["/w"], net: ["*.x.test", "y.test"] },
    { read: ["/srv/home", "/srv/data/deep", "/w/a"], net: ["a.x.test:443", "y.test:80"] },
  );
  assert.deepEqual(lists, { read: [".", "/link"], write: ["/w"], net: ["*.x.test", "y.test"] });
  assert.deepEqual([difference, unused], [[], ["write: /w (it only read there)"]]);
  assert.deepEqual(least.read, [".", "/srv/data/deep", "/w/a"]);
});

Deno.test("what may be read and is written is one line, and so are facts of the machine", () => {
  const { lists, difference } = merge({ read: ["."] }, { write: ["/srv/home"], sys: ["cpus", "uid"] });
  assert.deepEqual(lists, { read: [], write: ["."], net: [] });
  assert.deepEqual(difference, ["read → write: .", "+ sys: cpus, uid"]);
  const [few, many] = [SandboxProfile.parse({ sys: [] }), SandboxProfile.parse({})];
  assert.deepEqual(differenceOf(many, few), ["- sys: cpus, osRelease, osUptime, homedir, hostname, uid"]);
});

Deno.test("rights that nobody watched stay, but for that of running outside of the sandbox", () => {
  const { profile, unused } = merge(
    { env: ["LANG"], run: ["git"], ask: ["net"], ffi: true, memory_mb: 777, unsandboxed: true },
    {},
  );
  assert.deepEqual(
    [profile.env, profile.run, profile.ask, profile.ffi, profile.memory_mb, profile.unsandboxed],
    [["LANG"], ["git"], ["net"], true, 777, false],
  );
  assert.deepEqual(unused, ["run: git", "ffi"]);
});
