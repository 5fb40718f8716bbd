/**
 * What `config print` and `config check` tell of the settings.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { nearest } from "../../src/kit/nearest.ts";
import { loadSettings, machineInput } from "../../src/settings.ts";
import { reportSettings, reviewSettings } from "../../src/settings/report.ts";

const load = (env: Record<string, string>) =>
  loadSettings({ env, cwd: "/", readTextFile: () => Promise.resolve(undefined) });

Deno.test("a report has the origin of each setting that was given, and no secret", async () => {
  const { text, settings, origins, file } = reportSettings(await load({ MUXI_PORT: "9", OPENAI_API_KEY: "geheim" }));
  assert.match(text, /^ {2}port: 9 # MUXI_PORT$/m);
  assert.match(text, /^ {4}api_key: "\[masked\]" # OPENAI_API_KEY$/m);
  assert.match(text, /^ {2}host: "127\.0\.0\.1"$/m);
  assert.equal(settings.providers.openai.api_key, "[masked]");
  assert.deepEqual(origins, { "server.port": "MUXI_PORT", "providers.openai.api_key": "OPENAI_API_KEY" });
  assert.equal(file, null);
});

Deno.test("a review refuses what a start would refuse, and mentions what is unusual", async () => {
  const { notes } = reviewSettings(await load({ MUXI_LIMITS_ENABLED: "false", REDIS_URL: "redis://r" }));
  assert.deepEqual(notes, [
    "No user key is set: one is generated at every start",
    "No admin key is set: one is generated at every start",
    "redis.url is set, but this version makes no use of it",
    "Rate limits are off",
  ]);
  const production = await load({ MUXI_ENV: "production" });
  assert.throws(() => reviewSettings(production), /^ConfigurationError: Cannot start in production:/);
});

Deno.test("this machine's files are read, and a missing one is none", async () => {
  const { readTextFile, env, cwd } = machineInput();
  assert.equal(await readTextFile(`${cwd}/none/at/all`), undefined);
  assert.equal(await readTextFile(`${cwd}/deno.json/none`), undefined);
  assert.match((await readTextFile(`${cwd}/deno.json`))!, /nodeModulesDir/);
  assert.equal(typeof env.PATH, "string");
});

Deno.test("the nearest name is one that is near", () => {
  const known = ["serve", "server", "backup"];
  assert.equal(nearest("sevre", known), "serve");
  assert.equal(nearest("SERVER", known), "server");
  assert.equal(nearest("zebra", known), undefined);
  assert.equal(nearest("", known), undefined);
  assert.equal(nearest("x".repeat(1000), known), undefined);
});
