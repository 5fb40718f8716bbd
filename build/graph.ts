/**
 * What the program is made of, found by following its imports. Everything that
 * is built is made from this, and checked against it.
 *
 * @module
 */
import { dirname, resolve } from "node:path";
import { deno, ENTRY } from "./project.ts";

/** A module that runs beside the main thread. */
export interface WorkerEntry {
  /** As the source spells it: `./backup_worker.ts`. */
  specifier: string;
  path: string;
}

/** A native addon. */
export interface Addon {
  /** The package it is in: `@libsql/linux-x64-gnu`. */
  name: string;
  /** The package's folder. */
  folder: string;
  /** The addon's name in it. */
  file: string;
}

/** What the program is made of. */
export interface Graph {
  /** Our modules, by path. */
  modules: string[];
  /** Files that are imported as text, by path. */
  texts: string[];
  workers: WorkerEntry[];
  addons: Addon[];
  /** What of others is in it, by name. */
  packages: { name: string; folder: string }[];
}

interface Module {
  specifier: string;
  kind?: string;
  local?: string;
  npmPackage?: string;
  error?: string;
  dependencies?: { code?: { specifier?: string } }[];
}

interface Info {
  roots: string[];
  modules: Module[];
  redirects: Record<string, string>;
  /** The whole lock file. */
  npmPackages: Record<string, { name: string; localPath: string; dependencies: string[] }>;
}

/** `new Worker(new URL("./x.ts", import.meta.url)`, the one way of naming a file that what is built understands. */
const WORKER = /new Worker\(\s*new URL\(\s*"(\.[^"]+)",\s*import\.meta\.url\s*\)/g;
const OTHER_WAYS = /import\.meta\.(url|dirname|filename|resolve)\b/g;

/** Follows the imports of the program and of its Workers. Throws when it uses a file in a way nothing can follow. */
export async function readGraph(): Promise<Graph> {
  const modules = new Set<string>();
  const texts = new Set<string>();
  const packages = new Map<string, Info["npmPackages"][string]>();
  const workers = new Map<string, WorkerEntry>();
  const entries = [ENTRY];
  for (const entry of entries) {
    const info = JSON.parse(await deno(["info", "--json", entry])) as Info;
    const needed = atRunTime(info);
    for (const { kind, local, error } of needed) {
      if (error !== undefined) throw new Error(`Cannot follow the imports of "${entry}": ${error}`);
      if (local === undefined || modules.has(local)) continue;
      if (kind === "external") texts.add(local);
      if (kind !== "esm") continue;
      modules.add(local);
      for (const worker of await workersOf(local)) {
        if (!workers.has(worker.path)) entries.push(worker.path);
        workers.set(worker.path, worker);
      }
    }
    collectPackages(needed, info.npmPackages, packages);
  }
  const addons = (await Promise.all([...packages.values()].map(addonsOf))).flat();
  const named = Array.from(packages.values(), ({ name, localPath }) => ({ name, folder: localPath }));
  return {
    modules: [...modules].sort(),
    texts: [...texts].sort(),
    workers: [...workers.values()],
    addons,
    packages: named.sort((a, b) => a.name < b.name ? -1 : 1),
  };
}

async function workersOf(path: string): Promise<WorkerEntry[]> {
  const text = (await Deno.readTextFile(path)).replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");
  const found = [...text.matchAll(WORKER)].map(([, specifier]) => specifier!);
  if ([...text.matchAll(OTHER_WAYS)].length > found.length) {
    throw new Error(
      `Cannot build "${path}": it uses import.meta for a file that is no Worker: import it as text instead`,
    );
  }
  return found.map((specifier) => ({ specifier, path: resolve(dirname(path), specifier) }));
}

/** What is left when the types are gone. */
function atRunTime({ roots, modules, redirects }: Info): Module[] {
  const known = new Map(modules.map((module) => [module.specifier, module]));
  const found = new Set<Module>();
  const waiting = [...roots];
  for (const specifier of waiting) {
    const module = known.get(redirects[specifier] ?? specifier);
    if (module === undefined || found.has(module)) continue;
    found.add(module);
    waiting.push(...module.dependencies?.flatMap(({ code }) => code?.specifier ?? []) ?? []);
  }
  return [...found];
}

/** Adds the packages that the modules import, and what those depend on. */
function collectPackages(
  modules: readonly Module[],
  npmPackages: Info["npmPackages"],
  packages: Map<string, Info["npmPackages"][string]>,
): void {
  const waiting = modules.flatMap(({ npmPackage }) => npmPackage ?? []);
  for (const id of waiting) {
    const found = npmPackages[id];
    if (found === undefined || packages.has(id)) continue;
    packages.set(id, found);
    waiting.push(...found.dependencies);
  }
}

/** Packages for musl are left out: the Deno that is shipped needs glibc. */
async function addonsOf({ name, localPath }: Info["npmPackages"][string]): Promise<Addon[]> {
  if (name.endsWith("-musl")) return [];
  const found: Addon[] = [];
  // A package for another platform is in the lock file, but not on this machine.
  const entries = await Array.fromAsync(Deno.readDir(localPath)).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  });
  for (const { name: file } of entries) if (file.endsWith(".node")) found.push({ name, folder: localPath, file });
  return found;
}
