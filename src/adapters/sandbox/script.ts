/**
 * A script of this machine: what belongs to it.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { McpFailure } from "../../domain/mcp_server.ts";
import type { Imported } from "./packages.ts";
import { isWithin } from "./real_path.ts";

/** What a script can't run without. */
export interface ScriptFiles {
  /** Real path of the script. */
  path: string;
  /** Files and folders that it is made of. */
  files: string[];
  /** Whether packages lie beside it, in `node_modules`. */
  modules: boolean;
  /** Whether it names packages of a registry. */
  packages: boolean;
}

/** Options for {@linkcode filesOf}. */
export interface ScriptOptions {
  server: string;
  policy: string;
  /** What its policy lets it read, as real paths. */
  readable: readonly string[];
  /** What no program ever sees. */
  hidden: readonly string[];
  /** What it imports. */
  imports: readonly Imported[];
}

const PROJECT = ["package.json", "deno.json", "deno.jsonc"];

/**
 * Follows the literal imports of the script at `path`, which Deno asks nobody
 * about. Code and data of its project belong to it; anything else has to be
 * named by its policy, or it isn't started.
 */
export async function filesOf(path: string, options: ScriptOptions): Promise<ScriptFiles> {
  const { server, policy, readable, hidden, imports } = options;
  const project = await projectOf(dirname(path));
  const home = project ?? dirname(path);
  const files = [path];
  for (const { specifier, local, kind, error } of imports) {
    if (!specifier.startsWith("file:")) continue;
    const real = local === undefined ? undefined : await Deno.realPath(local).catch(() => undefined);
    if (real === undefined) {
      if (error !== undefined) throw refuse(path, server, error.split("\n")[0]!);
      continue;
    }
    if (hidden.some((one) => isWithin(real, one) && !isWithin(path, one))) {
      throw refuse(path, server, `it imports "${real}", and no program may see MUXI's own data`);
    }
    const ours = isWithin(real, home) && (kind === "esm" || project !== undefined);
    if (!ours && !readable.some((folder) => isWithin(real, folder))) {
      const words = `it imports "${real}": add it to sandbox.read of the policy "${policy}"`;
      throw refuse(path, server, words);
    }
    files.push(real);
  }
  for (const name of PROJECT) if (project !== undefined) files.push(join(project, name));
  const modules = await nodeModulesOf(dirname(path));
  const found = await Promise.all(files.map(async (file) => await exists(file) ? [file] : []));
  return {
    path,
    files: [...new Set([...found.flat(), ...modules === undefined ? [] : [modules]])],
    modules: modules !== undefined,
    packages: imports.some(({ specifier }) => specifier.startsWith("npm:")),
  };
}

function refuse(path: string, server: string, why: string): McpFailure {
  return new McpFailure("sandbox", `Cannot run "${path}" for the server "${server}" in the sandbox: ${why}`, {
    sent: false,
  });
}

async function projectOf(folder: string): Promise<string | undefined> {
  for (const name of PROJECT) if (await exists(join(folder, name))) return folder;
  return folder === dirname(folder) ? undefined : await projectOf(dirname(folder));
}

async function nodeModulesOf(folder: string): Promise<string | undefined> {
  const found = join(folder, "node_modules");
  if (await exists(found)) return await Deno.realPath(found);
  return folder === dirname(folder) ? undefined : await nodeModulesOf(dirname(folder));
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
