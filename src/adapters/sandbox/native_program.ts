/**
 * Where a program is, and what of the machine it is made of.
 *
 * @module
 */
import { dirname, isAbsolute, join, resolve } from "node:path";
import type { Bind } from "./bubblewrap_paths.ts";

/** A program that was found. */
export interface FoundProgram {
  path: string;
  /** Its installation, and that of its interpreter. */
  binds: Bind[];
}

/** Options for {@linkcode findProgram}. */
export interface FindOptions {
  /** Where relative commands start. */
  cwd: string;
  /** The search path. */
  path: string;
}

/** As many links and interpreters as are followed. */
const MAX_HOPS = 16;
/** Everything below is in every box. */
const SYSTEM = /^\/(usr|bin|sbin|lib|lib32|lib64|libx32)(\/|$)/;
/** What marks a folder that is made for one installation. */
const OWN_FOLDER = /^(pyvenv\.cfg|conda-meta)$/;
/** What marks a folder of libraries that programs beside it use. */
const LIBRARY = /^(python\d|ruby$|node_modules$)/;
const PARTS = /^(s?bin|lib(32|64|exec)?)$/;

/** What brings programs that many servers are started with. */
const BRINGERS: Readonly<Record<string, string>> = {
  uvx: "install uv, which brings it",
  uv: "install uv",
  pipx: "install pipx",
  python: "install Python, or name python3",
  python3: "install Python",
};

/** Where `command` was looked for in vain, and what to do; `folder` is the server's own. */
export function missingWhere(command: string, folder: string | undefined): string {
  if (command.includes("/")) {
    if (isAbsolute(command)) return "on this machine";
    return folder === undefined
      ? "in the empty folder where it starts: set the server's cwd (--cwd), or write the whole path"
      : `in the server's folder "${folder}"`;
  }
  const bringer = Object.hasOwn(BRINGERS, command) ? BRINGERS[command] : undefined;
  return `in any folder of PATH${bringer === undefined ? "" : `: ${bringer}`}`;
}

/** Finds `command` as a shell would; undefined where there is none. */
export async function findProgram(command: string, options: FindOptions): Promise<FoundProgram | undefined> {
  const path = await locate(command, options);
  if (path === undefined) return;
  const paths = new Set<string>();
  await follow(path, { ...options, paths });
  return { path, binds: [...paths].map((path) => ({ path, write: false })) };
}

async function locate(command: string, { cwd, path }: FindOptions): Promise<string | undefined> {
  const candidates = command.includes("/")
    ? [resolve(cwd, command)]
    : path.split(":").filter(isAbsolute).map((folder) => join(folder, command));
  for (const candidate of candidates) {
    const info = await Deno.stat(candidate).catch(() => undefined);
    if (info?.isFile && (info.mode ?? 0) & 0o111) return candidate;
  }
}

/** Notes what `path` needs: each link on the way with its installation, and who interprets it. */
async function follow(path: string, options: FindOptions & { paths: Set<string> }): Promise<void> {
  const { paths } = options;
  let at = path;
  for (let hop = 0; hop < MAX_HOPS; hop++) {
    const real = join(await Deno.realPath(dirname(at)), at.slice(at.lastIndexOf("/") + 1));
    for (const one of [at, real]) {
      if (SYSTEM.test(one)) continue;
      for (const part of await installationOf(one)) paths.add(part);
    }
    const info = await Deno.lstat(real);
    if (info.isSymlink) {
      at = resolve(dirname(real), await Deno.readLink(real));
      continue;
    }
    const interpreter = await interpreterOf(real);
    const next = interpreter === undefined ? undefined : await locate(interpreter, options);
    if (next === undefined) return;
    at = next;
  }
}

/**
 * What belongs to the program at `path`: all of the folder above `bin` where that
 * is made for it alone, else no more than programs and libraries, since people keep
 * other things beside them (`~/.local`).
 */
async function installationOf(path: string): Promise<string[]> {
  const folder = dirname(dirname(path));
  if (!/\/s?bin$/.test(dirname(path)) || folder === "/") return [path];
  const names = await namesIn(folder);
  if (names.some((name) => OWN_FOLDER.test(name))) return [folder];
  if (!(await namesIn(`${folder}/lib`)).some((name) => LIBRARY.test(name))) return [path];
  return names.filter((name) => PARTS.test(name)).map((name) => `${folder}/${name}`);
}

async function namesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder)).catch(() => [])).map(({ name }) => name);
}

/** What a script's first line names. */
async function interpreterOf(path: string): Promise<string | undefined> {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(512);
  const count = await file.read(bytes) ?? 0;
  const line = new TextDecoder().decode(bytes.subarray(0, count)).split("\n")[0]!;
  const [, command, argument] = /^#!\s*(\S+)(?:\s+(?:-S\s+)?(\S+))?/.exec(line) ?? [];
  return command?.endsWith("/env") ? argument : command;
}
