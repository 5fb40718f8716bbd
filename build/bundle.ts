/**
 * The program as a few files of JavaScript, with its native addons beside them.
 *
 * @module
 */
import { basename } from "node:path";
import type { Graph } from "./graph.ts";
import { deno, ENTRY, ROOT } from "./project.ts";

/** One file of what is built. */
export interface Part {
  /** Where it goes, such as `app/main.js`. */
  path: string;
  bytes: Uint8Array<ArrayBuffer>;
  executable?: boolean;
}

/** The program's own file. */
export const PROGRAM = "app/main.js";

/** Makes the parts below `app/`. */
export async function bundle(graph: Graph): Promise<Part[]> {
  const folder = await Deno.makeTempDir({ prefix: "muxi-bundle-" });
  try {
    const names = new Map(graph.workers.map(({ path, specifier }) => [specifier, toName(path)]));
    if (new Set(names.values()).size < graph.workers.length) {
      throw new Error("Cannot bundle: two Workers have files of the same name");
    }
    const parts = [await bundleOne(ENTRY, { to: PROGRAM, folder, names })];
    for (const { path } of graph.workers) {
      parts.push(await bundleOne(path, { to: `app/${toName(path)}`, folder, names }));
    }
    const addons = graph.addons.map(async ({ name, folder, file }): Promise<Part[]> => [
      { path: `app/node_modules/${name}/package.json`, bytes: await Deno.readFile(`${folder}/package.json`) },
      { path: `app/node_modules/${name}/${file}`, bytes: await Deno.readFile(`${folder}/${file}`) },
    ]);
    return [...parts, ...(await Promise.all(addons)).flat()];
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function toName(path: string): string {
  return basename(path).replace(/\.ts$/, ".js");
}

async function bundleOne(
  entry: string,
  { to, folder, names }: { to: string; folder: string; names: ReadonlyMap<string, string> },
): Promise<Part> {
  const file = `${folder}/${toName(to)}`;
  await deno(["bundle", "--quiet", "--frozen", "--minify", "--platform", "deno", "--output", file, entry]);
  // Workers lie beside the program, whatever folder of the sources they came from.
  const text = (await Deno.readTextFile(file)).replaceAll(
    /new URL\("(\.[^"]+)",\s*import\.meta\.url\)/g,
    (whole, specifier) => names.has(specifier) ? whole.replace(specifier, `./${names.get(specifier)}`) : whole,
  );
  const home = Deno.env.get("HOME") ?? "";
  for (const trace of [ROOT, `${home}/`]) {
    // A path of this machine would make the build differ from one made elsewhere. "/proc/1/root/" is none.
    if (trace.length > 1 && new RegExp(`(?<![\\w}])${RegExp.escape(trace)}`).test(text)) {
      throw new Error(`Cannot bundle "${entry}": the result holds the path "${trace}"`);
    }
  }
  return { path: to, bytes: new TextEncoder().encode(text) };
}
