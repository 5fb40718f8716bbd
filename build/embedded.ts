/**
 * Checks that what was built holds everything the program is made of.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { relative } from "node:path";
import type { Graph } from "./graph.ts";
import { ROOT } from "./project.ts";

/** Something that must be in what was built. */
export interface Needed {
  kind: "module" | "text" | "worker" | "addon";
  name: string;
  size: number;
  found: boolean;
}

/** Looks in `built` for the content of every file of `graph`. */
export async function findEmbedded(graph: Graph, built: Uint8Array<ArrayBuffer>): Promise<Needed[]> {
  // Searching a string is quicker by far than searching bytes.
  const toText = (bytes: Uint8Array<ArrayBuffer>) => Buffer.from(bytes.buffer).toString("latin1");
  const haystack = toText(built);
  const look = async (kind: Needed["kind"], path: string, name = relative(ROOT, path)): Promise<Needed> => {
    const bytes = await Deno.readFile(path);
    return { kind, name, size: bytes.length, found: haystack.includes(toText(bytes)) };
  };
  const workers = new Set(graph.workers.map(({ path }) => path));
  return [
    ...await Promise.all(graph.modules.map((path) => look(workers.has(path) ? "worker" : "module", path))),
    ...await Promise.all(graph.texts.map((path) => look("text", path))),
    ...await Promise.all(
      graph.addons.map(({ name, folder, file }) => look("addon", `${folder}/${file}`, `${name}/${file}`)),
    ),
  ];
}
