/**
 * Clients of others that run outside of a browser, as they come from npm.
 *
 * @module
 */
import { endChild } from "./end_child.ts";
import { speechEnv } from "./speech.ts";
import { PATIENCE_MS, within } from "./waiting.ts";

/**
 * Runs a module that imports packages, with `input` as `input`. Resolves with what it gives to `report`. It waits by
 * `until(what, found, seen)`, which says what was seen instead. `ca` is the file of a certificate that it believes.
 */
export async function runForeign<T>(source: string, input: unknown, { ca }: { ca?: string } = {}): Promise<T> {
  const folder = await Deno.makeTempDir({ prefix: "muxi-foreign-" });
  try {
    await Deno.writeTextFile(`${folder}/input.json`, JSON.stringify(input));
    await Deno.writeTextFile(
      `${folder}/program.ts`,
      `const input = JSON.parse(Deno.readTextFileSync("${folder}/input.json"));
const report = (value: unknown) => {
  Deno.writeTextFileSync("${folder}/output.json", JSON.stringify(value));
  Deno.exit(0);
};
const until = async (what: string, found: () => boolean, seen: () => unknown) => {
  for (const end = performance.now() + ${PATIENCE_MS / 2}; !found();) {
    if (performance.now() > end) throw new Error("Waited in vain for " + what + ": " + JSON.stringify(seen()));
    await new Promise((done) => setTimeout(done, 10));
  }
};
${source}`,
    );
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-config", "--no-lock", "--no-check", "--quiet", `${folder}/program.ts`],
      clearEnv: true,
      env: { ...speechEnv(), ...ca !== undefined && { DENO_CERT: ca, NODE_EXTRA_CA_CERTS: ca } },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    const child = command.spawn();
    const { success, stdout, stderr } = await within("the program to end", child.output()).catch(async (error) => {
      await endChild(child);
      throw error;
    });
    const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("\n");
    if (!success) throw new Error(`The program failed: ${said}`);
    return JSON.parse(await Deno.readTextFile(`${folder}/output.json`)) as T;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
