/**
 * What lies ready before a program in JavaScript starts.
 *
 * @module
 */
import { isAbsolute, join, resolve } from "node:path";
import { McpFailure } from "../../domain/mcp_server.ts";
import type { Program } from "../../ports/sandbox.ts";
import type { Bind } from "./bubblewrap_paths.ts";
import type { Script } from "./command_line.ts";
import lockdown from "./lockdown.js" with { type: "text" };
import type { Packages } from "./packages.ts";
import type { Registry } from "./registry.ts";
import { filesOf } from "./script.ts";

/** What is run, and what it is made of. */
export interface Prepared {
  /** What Deno is to run. */
  entry: string;
  /** The folder of this machine that its packages are in. */
  packages: string;
  /** Files of this machine that belong to it. */
  files: string[];
  /** Deno's own flags for it. */
  flags: string[];
}

/** Where our own things are, as the program sees them. */
export interface Places {
  deno: string;
  /** For `DENO_DIR`. */
  packages: string;
  lockdown: string;
  socket: string;
  /** Its home, and for temporary files. */
  temp: string;
}

/** Options for {@linkcode prepare}. */
export interface PrepareOptions {
  policy: string;
  /** What its policy lets it read, as real paths. */
  readable: readonly string[];
  /** What no program ever sees, the same. */
  hidden: readonly string[];
  cwd: string;
  packages: Packages;
  registry: Registry;
  signal: AbortSignal;
}

const LOCKDOWN = "lockdown.mjs";
const NPMRC = ".npmrc";
const SOCKET = "broker.sock";
const INSIDE = "/run/muxi-js";

/** Fetches the packages of `script`, and finds its files. Rejects with `McpFailure`. */
export async function prepare(
  { program, script }: { program: Program; script: Script },
  { policy, readable, hidden, cwd, packages, registry, signal }: PrepareOptions,
): Promise<Prepared> {
  const server = program.name;
  const options = { server, registry, signal };
  if (script.kind === "package") {
    const { dir, specifier } = await packages.fetch(script.packages, options);
    const entry = script.bin === undefined ? specifier : `${specifier}/${script.bin}`;
    return { entry, packages: dir, files: [], flags: script.flags };
  }
  const path = await Deno.realPath(resolve(cwd, script.path)).catch((cause) => {
    const where = program.cwd === undefined
      ? "in the empty folder where it starts: set the server's cwd (--cwd), or write the whole path"
      : `in the server's folder "${program.cwd}"`;
    const why = isAbsolute(script.path) ? "there is no such file" : `there is no such file ${where}`;
    const words = `Cannot run "${script.path}" for the server "${server}": ${why}`;
    throw new McpFailure("sandbox", words, { sent: false, cause });
  });
  const imports = await packages.importsOf(path, options);
  const found = await filesOf(path, { server, policy, readable, hidden, imports });
  if (found.packages) await packages.fetchFor(path, options);
  const flags = found.modules ? [...script.flags, "--node-modules-dir=manual"] : script.flags;
  return { entry: path, packages: await packages.folderFor(path, options), files: found.files, flags };
}

/** Where things are, with the folder `run` for one start: in a box always at the same places. */
export function placesOf(run: string, { deno, boxed }: { deno: string; boxed: boolean }): Places {
  const [home, temp] = boxed ? [`${INSIDE}/run`, "/tmp"] : [run, join(run, "temp")];
  return {
    deno: boxed ? `${INSIDE}/deno` : deno,
    packages: boxed ? `${INSIDE}/packages` : join(run, "deno"),
    lockdown: join(home, LOCKDOWN),
    socket: join(home, SOCKET),
    temp,
  };
}

/** Fills the folder for one start. */
export async function fillRunFolder(
  run: string,
  { places, prepared, registry, boxed }: {
    places: Places;
    prepared: Prepared;
    registry: Registry;
    boxed: boolean;
  },
): Promise<void> {
  await Deno.writeTextFile(join(run, LOCKDOWN), lockdown);
  if (!boxed) await Deno.mkdir(places.temp);
  if (registry.npmrc !== undefined) {
    await Deno.writeTextFile(join(boxed ? run : places.temp, NPMRC), registry.npmrc);
  }
  if (boxed) return;
  // Deno writes beside the packages, without asking: not to the folder that the next start uses, too.
  await Deno.mkdir(places.packages);
  await Deno.symlink(join(prepared.packages, "npm"), join(places.packages, "npm"));
}

/** What a box has to show of this machine for it. */
export async function bindsOf(
  run: string,
  { places, prepared, registry, deno }: { places: Places; prepared: Prepared; registry: Registry; deno: string },
): Promise<Bind[]> {
  const cached = await Array.fromAsync(Deno.readDir(prepared.packages));
  const npmrc = { path: join(run, NPMRC), at: join(places.temp, NPMRC), write: false };
  return [
    { path: await Deno.realPath(deno), at: `${INSIDE}/deno`, write: false },
    // What Deno and the program keep beside the packages is written over them, and gone with the box.
    ...cached.filter(({ isDirectory }) => isDirectory).map(({ name }) => {
      return { path: join(prepared.packages, name), at: join(places.packages, name), write: false };
    }),
    { path: run, at: `${INSIDE}/run`, write: false },
    ...registry.npmrc === undefined ? [] : [npmrc],
    ...prepared.files.map((path) => ({ path, write: false })),
  ];
}

/** The path of the socket of this machine. */
export function socketIn(run: string): string {
  return join(run, SOCKET);
}
