/**
 * Commands that end by themselves, their exit codes, and arguments that a shell would like to touch.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { VERSION } from "../../src/version.ts";
import { BOX, openPlace } from "./support/place.ts";
import { everybody } from "./support/story.ts";

await everybody(
  "an empty machine with neither Deno nor Node learns version, help and the state of its settings",
  async (place) => {
    for (const name of ["deno", "node", "npx", "bun"]) {
      assert.ok(!await Deno.lstat(`${place.root}/bin/${name}`).then(() => true, () => false), `${name} is on the path`);
    }
    const version = await place.run(["version"]);
    assert.deepEqual(version, { code: 0, stdout: `muxi ${VERSION}\n`, stderr: "" });
    const help = await place.run(["help"]);
    assert.equal(help.code, 0);
    assert.match(help.stdout, /Usage: muxi/);
    const good = await place.run(["config", "check"]);
    assert.equal(good.code, 0, good.stderr);
    const bad = await place.run(["config", "check", "--port", "none"]);
    assert.equal(bad.code, 78);
    assert.match(bad.stderr, /server\.port = "none"/);
    const unknown = await place.run(["no-such-command"]);
    assert.equal(unknown.code, 64);
    assert.match(unknown.stderr, /There is no command "no-such-command"/);
    assert.deepEqual([...Deno.readDirSync(place.cwd)], [], "Something was left in the working folder");
  },
);

Deno.test("arguments arrive as they were given", async () => {
  await using place = await openPlace();
  const folder = ` a "b" $HOME * 'c' \\n`;
  const { stdout, code } = await place.run(["config", "print", "--json", "--data-dir", folder]);
  assert.equal(code, 0);
  assert.equal(JSON.parse(stdout).settings.data_dir, folder);
  for (const odd of ["", "*", "a b", "$(id)", "`id`"]) {
    const { stderr, code } = await place.run(["config", odd]);
    assert.equal(code, 64);
    assert.ok(stderr.includes(`"config ${odd}"`), stderr);
  }
});

if (BOX !== undefined) {
  Deno.test("variables meant for another Deno change nothing", async () => {
    await using place = await openPlace();
    const env = {
      DENO_DIR: "/nowhere",
      DENO_CERT: "/nowhere",
      DENO_V8_FLAGS: "--no-such-flag",
      DENO_PERMISSION_BROKER_PATH: "/nowhere",
      DENO_AUDIT_PERMISSIONS: `${place.cwd}/audit`,
      MUXI_RUNTIME_DIR: `${place.root}/tmp/my runtime`,
    };
    const { code, stdout, stderr } = await place.run(["config", "check"], { env });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.match(stdout, /The settings are good/);
    assert.deepEqual([...Deno.readDirSync(place.cwd)], []);
    assert.deepEqual([...Deno.readDirSync(place.home)], []);
    assert.equal([...Deno.readDirSync(env.MUXI_RUNTIME_DIR)].length, 1);
  });
}
