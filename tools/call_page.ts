/**
 * Writes the scripts of the page `/call` as browsers take them, from `console/call`: browsers read no TypeScript, and the
 * program that serves them doesn't translate. The types of the module for other pages are written with them. To be run
 * when the sources change.
 *
 * @module
 */
import { bundleTypes, TYPES } from "./call_types.ts";

const ROOT = new URL("../", import.meta.url);
const SOURCES = "console/call/";

/** Where the scripts go. */
export const WRITTEN = new URL("src/transports/call/assets/", ROOT);

/** The page's own script, and the module for other pages. */
export const SCRIPTS = ["call", "session_client"] as const;

/** One of the scripts, with everything it imports. */
export async function bundleScript(name: typeof SCRIPTS[number]): Promise<string> {
  const source = `${SOURCES}${name}.ts`;
  const args = ["bundle", "--quiet", "--frozen", "--platform", "browser", source];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT }).output();
  if (!success) throw new Error(`Cannot bundle "${source}":\n${new TextDecoder().decode(stderr)}`);
  return `// deno-fmt-ignore-file\n// deno-lint-ignore-file\n// Made from ${source} by tools/call_page.ts.\n${
    new TextDecoder().decode(stdout)
  }`;
}

if (import.meta.main) {
  for (const name of SCRIPTS) await Deno.writeTextFile(new URL(`${name}.js`, WRITTEN), await bundleScript(name));
  await Deno.writeTextFile(TYPES, await bundleTypes());
}
