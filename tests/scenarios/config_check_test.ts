/**
 * `muxi config check`: what a start would refuse is found before it.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { muxi } from "../support/muxi.ts";

const FILES: readonly [string, string, RegExp][] = [
  ["tools.policies_file", "policies: { x: { sandbox: { net: [a b] } } }", /x\.sandbox\.net\.0: want host, host:port/],
  ["tools.policies_file", "policies: { x: { sandbox: { read: [~/x] } } }", /want the whole path, without ~/],
  [
    "tools.policies_file",
    'policies: { x: { tools: { y: { arguments: { $ref: "#/$defs/no" } } } } }',
    /rule "y": the schema refers to "#\/\$defs\/no"/,
  ],
  ["agents.file", 'agents: { "Bad Id": { name: x } }', /agent "Bad Id": its id can't be used: want small letters/],
  ["agents.file", "agents: { x: { nonsense: 1 } }", /nonsense/],
];

Deno.test("files of policies and agents are read as a start reads them", async () => {
  const dir = await Deno.makeTempDir({ prefix: "muxi-config-" });
  try {
    const file = `${dir}/file.yaml`;
    for (const [setting, text, wanted] of FILES) {
      await Deno.writeTextFile(file, text);
      const { code, out, err } = await muxi(["config", "check", "--set", `${setting}=${file}`], { cwd: dir });
      assert.deepEqual([code, out], [78, ""], text);
      assert.match(err, wanted);
    }
    const missing = await muxi(["config", "check", "--set", `tools.policies_file=${dir}/none.yaml`], { cwd: dir });
    assert.equal(missing.code, 78);
    assert.match(missing.err, /none\.yaml": it can't be opened/);
    await Deno.writeTextFile(file, "policies: { x: { servers: [x], sandbox: { net: ['*.a.test:443', '[::1]:80'] } } }");
    const good = await muxi(["config", "check", "--set", `tools.policies_file=${file}`], { cwd: dir });
    assert.equal(good.code, 0, good.err);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
