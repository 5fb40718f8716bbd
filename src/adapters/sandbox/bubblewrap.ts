/**
 * The command line of bubblewrap.
 *
 * @module
 */
import { type Mask, masksOf } from "./bubblewrap_masks.ts";
import type { Bind, ProfileBinds } from "./bubblewrap_paths.ts";
import { STUBS } from "./bubblewrap_stubs.ts";

/** A bubblewrap that works here. */
export interface Bubblewrap {
  path: string;
  /** Whether programs inside can be kept from making user namespaces of their own. */
  disablesUserns: boolean;
}

/** What {@linkcode bubblewrapArgs} makes a box of. */
export interface Box extends ProfileBinds {
  /** Folders of its own that are empty, writable and gone with it, beside `/tmp`. */
  scratch: readonly string[];
  /** Beside those of the profile, and after them. */
  binds: readonly Bind[];
  /** What stays out of sight, wherever it would be seen. */
  hidden: readonly string[];
  /** The folder that holds the stubs. */
  stubs: string;
  disk_mb: number;
  cwd: string;
}

/** Folders of the system at the root: a link into `/usr`, or a folder where they aren't merged. */
const SYSTEM = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];
/** What programs need of `/etc`: certificates, the loader's cache, links to alternatives, time zone, fonts. */
const ETC = [
  "ssl",
  "pki",
  "ca-certificates",
  "ca-certificates.conf",
  "ld.so.cache",
  "ld.so.conf",
  "ld.so.conf.d",
  "alternatives",
  "localtime",
  "timezone",
  "mime.types",
  "fonts",
];

async function systemArgs(): Promise<string[]> {
  const args = ["--ro-bind", "/usr", "/usr"];
  for (const name of SYSTEM) {
    const info = await Deno.lstat(`/${name}`).catch(() => undefined);
    if (info?.isSymlink) args.push("--symlink", await Deno.readLink(`/${name}`), `/${name}`);
    else if (info?.isDirectory) args.push("--ro-bind", `/${name}`, `/${name}`);
  }
  return args;
}

function bindArgs({ path, at = path, write }: Bind): string[] {
  return [write ? "--bind" : "--ro-bind", path, at];
}

/** Over the machine's own where its `/etc` is bound; there no file can be added. */
async function stubArgs({ root, profile, stubs }: Box): Promise<string[]> {
  const bound = root || profile.some(({ path, at = path }) => at === "/etc");
  const places = await Promise.all(STUBS.map(async (name) => {
    const at = `/etc/${name}`;
    // Bubblewrap binds over no link. One that leads to /run, of which a box has its own, leads nowhere by itself.
    const real = bound ? await Deno.realPath(at).catch(() => undefined) : at;
    return real === undefined || real.startsWith("/run/") ? [] : [{ path: `${stubs}/${name}`, at: real, write: false }];
  }));
  return places.flat().flatMap(bindArgs);
}

/** Namespaces, rights and kernel folders, without any file. */
export function namespaceArgs({ disablesUserns }: Pick<Bubblewrap, "disablesUserns">): string[] {
  const args = ["--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--hostname", "sandbox"];
  args.push("--uid", "65534", "--gid", "65534", "--cap-drop", "ALL");
  return disablesUserns ? [...args, "--disable-userns"] : args;
}

/** Folders that every box has of its own. */
export const OWN_FOLDERS: readonly string[] = ["/tmp", "/dev/shm"];

/** The system's programs and libraries, or all of the machine's files, and kernel folders of its own. */
export async function baseArgs({ disk_mb, root }: Pick<Box, "disk_mb" | "root">): Promise<string[]> {
  const files = root
    ? ["--ro-bind", "/", "/", "--tmpfs", "/run"]
    : [...await systemArgs(), ...ETC.flatMap((name) => ["--ro-bind-try", `/etc/${name}`, `/etc/${name}`])];
  return [
    ...files,
    "--proc",
    "/proc",
    "--dev",
    "/dev",
    ...OWN_FOLDERS.flatMap((at) => scratchArgs(at, disk_mb)),
  ];
}

/** What of the machine {@linkcode baseArgs} shows. */
async function baseFolders({ root }: Pick<Box, "root">): Promise<{ path: string }[]> {
  if (root) return [{ path: "/" }];
  const found = await Promise.all(SYSTEM.map(async (name) => {
    const info = await Deno.lstat(`/${name}`).catch(() => undefined);
    return info?.isDirectory ? [`/${name}`] : [];
  }));
  return ["/usr", ...found.flat(), ...ETC.map((name) => `/etc/${name}`)].map((path) => ({ path }));
}

/** Nobody can open what lies over a file: no device can be opened in what is bound. */
function maskArgs({ at, folder }: Mask): string[] {
  return folder ? ["--tmpfs", at] : ["--ro-bind", "/dev/null", at];
}

function scratchArgs(at: string, disk_mb: number): string[] {
  return ["--size", String(disk_mb * 2 ** 20), "--tmpfs", at];
}

/** What is writable only because mounting made it so. Root's own user may write kernel settings, so `/proc`, too. */
export const SEALED: readonly string[] = ["--remount-ro", "/proc", "--remount-ro", "/dev", "--remount-ro", "/"];

/** The file descriptor of what {@linkcode variablesFile} makes. */
export const VARIABLES = 8;

/** Variables that are set inside only, as bubblewrap reads them from a file. */
export function variablesFile(variables: Readonly<Record<string, string>>): string {
  const words = Object.entries(variables).flatMap(([name, value]) => ["--setenv", name, value]);
  // A word ends at the first of these, and the next would be one of bubblewrap's own.
  if (words.some((word) => word.includes("\0"))) throw new TypeError("A variable holds a character that none can hold");
  return words.map((word) => `${word}\0`).join("");
}

/** All of it up to `--`, which takes its variables from {@linkcode VARIABLES}. */
export async function bubblewrapArgs(bubblewrap: Bubblewrap, box: Box): Promise<string[]> {
  const { profile, hidden, scratch, binds, cwd, disk_mb } = box;
  const masks = await masksOf([...await baseFolders(box), ...profile], hidden);
  // Of what it is made of, it may see what lies in what is hidden.
  const ofBinds = await masksOf(binds, hidden);
  return [
    ...namespaceArgs(bubblewrap),
    ...await baseArgs(box),
    ...profile.flatMap(bindArgs),
    ...masks.flatMap(maskArgs),
    ...scratch.flatMap((at) => scratchArgs(at, disk_mb)),
    ...binds.flatMap(bindArgs),
    ...ofBinds.flatMap(maskArgs),
    ...await stubArgs(box),
    ...[...masks, ...ofBinds].flatMap(({ at, folder }) => folder ? ["--remount-ro", at] : []),
    ...["--dir", cwd],
    ...SEALED,
    ...["--chdir", cwd],
    ...["--args", String(VARIABLES)],
  ];
}
