/**
 * Writes the code of `@echogarden/fvad-wasm` as text beside the adapter, since what is built has no files beside it.
 * To be run when the package changes.
 *
 * @module
 */

const ROOT = new URL("../", import.meta.url);
const PACKAGE = "@echogarden/fvad-wasm";

/** The file that is written. */
export const WRITTEN = new URL("src/adapters/fvad/fvad.wasm.base64", ROOT);

/** The package's code as base64. */
export async function readCode(): Promise<string> {
  const { imports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json", imports[PACKAGE]] }).output();
  const { npmPackages } = JSON.parse(new TextDecoder().decode(stdout)) as {
    npmPackages: Record<string, { name: string; localPath: string }>;
  };
  const found = Object.values(npmPackages).find(({ name }) => name === PACKAGE);
  if (found === undefined) throw new Error(`Cannot find the package "${PACKAGE}": the project doesn't import it`);
  return (await Deno.readFile(`${found.localPath}/fvad.wasm`)).toBase64();
}

if (import.meta.main) await Deno.writeTextFile(WRITTEN, await readCode());
