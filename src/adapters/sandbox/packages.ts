/**
 * Packages of a registry, fetched before a program starts, so that it can run
 * without a network and without writing to them.
 *
 * @module
 */
import { join } from "node:path";
import { type Clock, toTime } from "../../kit/clock.ts";
import { Lines } from "../../kit/lines.ts";
import type { Log } from "../../kit/log.ts";
import { McpFailure } from "../../domain/mcp_server.ts";
import type { PackageSpec } from "./command_line.ts";
import type { Registry } from "./registry.ts";
import { runDeno } from "./run_deno.ts";

/** What {@linkcode Packages} takes. */
export interface PackagesOptions {
  /** Where fetched packages are kept. */
  dir: string;
  /** The Deno that fetches. */
  deno: string;
  clock: Clock;
  log: Log;
}

/** For whom packages are fetched. */
export interface FetchOptions {
  /** The server's name. */
  server: string;
  registry: Registry;
  signal: AbortSignal;
}

/** Packages that can be run. */
export interface Fetched {
  /** The folder for `DENO_DIR`; nothing is ever written to it again. */
  dir: string;
  /** The first of them with the version it has: `npm:cowsay@1.6.0`. */
  specifier: string;
}

/** A module that is imported, as Deno tells it. */
export interface Imported {
  specifier: string;
  /** `esm`, `npm`, `asset` … */
  kind?: string;
  /** Where it is on this machine. */
  local?: string;
  error?: string;
}

/** What is remembered beside the packages. */
interface Note {
  specifier: string;
  fetched_at: string;
}

const NOTE = "fetched.json";
const FETCHING = ".fetching-";
const FETCH_MS = 180_000;
/** What nobody has used for so long is removed; it can be fetched again. */
const UNUSED_MS = 30 * 24 * 3_600_000;

/** Fetches each set of packages once; its versions stay as long as they are used now and then. */
export class Packages {
  readonly #options: PackagesOptions;
  readonly #lines = new Lines();

  constructor(options: PackagesOptions) {
    this.#options = options;
  }

  /** Fetches `specs`, unless that was done before. Without scripts; rejects with `McpFailure`. */
  async fetch(specs: readonly PackageSpec[], options: FetchOptions): Promise<Fetched> {
    const names = specs.map(({ name, version }) => version === undefined ? `npm:${name}` : `npm:${name}@${version}`);
    return await this.#lines.run(names.join(" "), async () => {
      const dir = join(this.#options.dir, await toFolderName([...names, ...options.registry.key]));
      const note = await readNote(dir) ?? await this.#download(dir, names, options);
      await this.touch(dir);
      return { dir, specifier: note.specifier };
    });
  }

  /** The folder for what the script at `path` imports. It only ever grows, as a start before may still use it. */
  async folderFor(path: string, { registry }: Pick<FetchOptions, "registry">): Promise<string> {
    const dir = join(this.#options.dir, await toFolderName([path, ...registry.key]));
    await Deno.mkdir(dir, { recursive: true, mode: 0o700 });
    await this.touch(dir);
    return dir;
  }

  /** Notes that the packages in `dir` are used. */
  async touch(dir: string): Promise<void> {
    const now = new Date(this.#options.clock.now());
    await Deno.utime(dir, now, now);
  }

  /** Removes what nobody has used for long, and what a process that was killed has left. Before anything is fetched. */
  async sweep(): Promise<void> {
    const { dir, clock } = this.#options;
    for (const { name } of await Array.fromAsync(Deno.readDir(dir)).catch(whereThere)) {
      const path = join(dir, name);
      const { mtime } = await Deno.stat(path);
      const used = name.startsWith(FETCHING) ? -Infinity : mtime?.getTime() ?? Infinity;
      if (clock.now() - used > UNUSED_MS) await Deno.remove(path, { recursive: true });
    }
  }

  /** All that the script at `path` imports literally, packages as far as they are known. */
  async importsOf(path: string, options: FetchOptions): Promise<Imported[]> {
    const dir = await this.folderFor(path, options);
    const text = await this.#deno(["info", "--json", ...FLAGS, path], { ...options, dir, names: [path] });
    return (JSON.parse(text) as { modules: Imported[] }).modules;
  }

  /** Fetches what the script at `path` imports and isn't there yet. */
  async fetchFor(path: string, options: FetchOptions): Promise<void> {
    const dir = await this.folderFor(path, options);
    const args = ["cache", "--quiet", ...FLAGS, path];
    await this.#lines.run(path, async () => {
      await this.#deno(args, { ...options, dir, names: [path] });
      await removeCaches(dir);
    });
  }

  async #download(dir: string, names: readonly string[], options: FetchOptions): Promise<Note> {
    const { log, clock } = this.#options;
    const { server } = options;
    const at = clock.now();
    log.info("Fetching packages", { server, packages: names });
    await Deno.mkdir(this.#options.dir, { recursive: true, mode: 0o700 });
    const unready = await Deno.makeTempDir({ dir: this.#options.dir, prefix: FETCHING });
    try {
      const context = { ...options, dir: unready, names };
      await this.#deno(["cache", "--quiet", ...FLAGS, ...names], context);
      const specifier = await this.#versionOf(names[0]!, context);
      await removeCaches(unready);
      const note: Note = { specifier, fetched_at: toTime(clock.now()) };
      await Deno.writeTextFile(join(unready, NOTE), JSON.stringify(note));
      await Deno.rename(unready, dir);
      log.info("Fetched packages", { server, first: specifier, ms: clock.now() - at });
      return note;
    } catch (error) {
      await Deno.remove(unready, { recursive: true }).catch(() => {});
      throw error;
    }
  }

  async #versionOf(name: string, context: Context): Promise<string> {
    const text = await this.#deno(["info", "--json", ...FLAGS, name], context);
    const { redirects } = JSON.parse(text) as { redirects: Record<string, string> };
    return (redirects[name] ?? name).replace(/^npm:\//, "npm:");
  }

  async #deno(args: readonly string[], { dir, names, server, registry, signal }: Context): Promise<string> {
    const { deno } = this.#options;
    const stop = AbortSignal.any([signal, AbortSignal.timeout(FETCH_MS)]);
    const { success, output, errors } = await runDeno(deno, {
      args,
      env: { HOME: dir, ...registry.fetch, DENO_DIR: dir },
      cwd: this.#options.dir,
      signal: stop,
    });
    signal.throwIfAborted();
    if (success) return output;
    const reason = stop.aborted ? `it took longer than ${FETCH_MS / 1000} s` : errors || "Deno gave no reason";
    throw new McpFailure(
      "unreachable",
      `Cannot fetch "${names.join(" ")}" for the server "${server}": ${reason}`,
      { sent: false },
    );
  }
}

interface Context extends FetchOptions {
  dir: string;
  names: readonly string[];
}

/** Nothing but packages of the registry: no project's settings, no code from elsewhere. */
const FLAGS = ["--no-config", "--no-lock", "--no-remote"];

/** Removes Deno's databases of what it found out: where they can't be written, each start waits 20 s for their lock. */
async function removeCaches(dir: string): Promise<void> {
  for await (const { isFile, name } of Deno.readDir(dir)) {
    if (isFile && name !== NOTE) await Deno.remove(join(dir, name));
  }
}

async function readNote(dir: string): Promise<Note | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(join(dir, NOTE)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function whereThere(error: unknown): Deno.DirEntry[] {
  if (error instanceof Deno.errors.NotFound) return [];
  throw error;
}

async function toFolderName(parts: readonly string[]): Promise<string> {
  const bytes = new Uint8Array(
    await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(parts))),
  );
  const readable = parts[0]!.replace(/^npm:/, "").replaceAll(/[^a-zA-Z0-9.@-]+/g, "_").slice(-60);
  return `${readable}-${bytes.toHex().slice(0, 16)}`;
}
