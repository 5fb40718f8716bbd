/**
 * The files of settings that are shipped say what the schema says.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { parse } from "yaml";
import { loadSettings } from "../../src/settings.ts";
import { toMaskedSettings } from "../../src/settings/checks.ts";
import { parseEnvFile } from "../../src/settings/env_file.ts";
import { toDefaultsFile, toSettingsText } from "../../src/settings/file.ts";
import { Settings } from "../../src/settings/schema.ts";
import { listSections, listSettings } from "../../src/settings/tree.ts";
import { isOurs } from "../../src/settings/variables.ts";

const read = (name: string) => Deno.readTextFile(new URL(`../../${name}`, import.meta.url));

Deno.test("config/muxi.yaml has every setting with its default, and nothing else", async () => {
  const shipped = parse(await read("config/muxi.yaml"));
  assert.deepEqual(shipped, Settings.parse({}));
  // Defaults aren't checked against the limits of their settings; what stands in a file is.
  assert.deepEqual(Settings.parse(shipped), shipped);
});

Deno.test("config/muxi.yaml says of every setting why it exists, as the schema does", async () => {
  // To bring the file up to date: write toDefaultsFile(Settings.parse({})) to it.
  assert.equal(await read("config/muxi.yaml"), toDefaultsFile(Settings.parse({})));
});

Deno.test("every setting and section says in one line why it exists", () => {
  for (const { path, why } of [...listSettings(), ...listSections()]) assert.match(why, /^[^\n]{2,110}[^.\n]$/, path);
});

Deno.test("every variable of .env.example sets something, once it is uncommented", async () => {
  const text = (await read(".env.example")).replaceAll(/^# ([A-Z_]+=)/gm, "$1");
  const { variables, broken } = parseEnvFile(text);
  assert.deepEqual(broken, []);
  assert.ok(variables.length > 20);
  for (const { name } of variables) assert.ok(isOurs(name), name);
  const files: Record<string, string> = { "/.env": text };
  await loadSettings({ env: {}, cwd: "/", readTextFile: (path) => Promise.resolve(files[path]) });
});

Deno.test("settings that were written are read as the same, those of further providers too", async () => {
  const settings = Settings.parse({
    providers: { groq: { base_url: "https://groq.example" } },
    model: { prices: { "openai/gpt-4o": { input: 2.5, output: 10 } } },
    data_dir: "a # b: '\n",
  });
  const text = toSettingsText(settings, { behind: (path) => path === "data_dir" ? "MUXI_DATA_DIR" : undefined });
  assert.match(text, /^data_dir: .* # MUXI_DATA_DIR$/m);
  const files: Record<string, string> = { "/config/muxi.yaml": text };
  const again = await loadSettings({ env: {}, cwd: "/", readTextFile: (path) => Promise.resolve(files[path]) });
  assert.deepEqual(again.settings, settings);
  assert.deepEqual(parse(toSettingsText(toMaskedSettings(settings))), settings);
});
