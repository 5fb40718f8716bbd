/**
 * A machine as a stranger's may be: an empty folder, an empty home, and on the
 * path a few tools but neither Deno nor Node. What runs there is the file that
 * `MUXI_BIN` names, or the sources.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { delimiter, resolve } from "node:path";

/** The built file, if it is what is tested. */
export const BOX = Deno.env.get("MUXI_BIN") ? resolve(Deno.env.get("MUXI_BIN")!) : undefined;

/** What the built file says it takes. */
const TOOLS = [
  "sh",
  "tar",
  "gzip",
  "tail",
  "wc",
  "find",
  "env",
  "id",
  "sed",
  "mkdir",
  "mktemp",
  "mv",
  "rm",
  "sha256sum",
];
const SOURCES = new URL("../../../main.ts", import.meta.url).pathname;

/** The id of an ordinary user, who owns nothing on any machine. */
export const NOBODY = 65_534;

/** How a command ended. */
export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** Options of whatever is started. */
export interface StartOptions {
  env?: Record<string, string>;
  /** Written to its standard input. */
  stdin?: string;
  cwd?: string;
  /** The file that is started instead. */
  bin?: string;
  /** A command in front, such as `setpriv`. */
  before?: readonly string[];
}

/** An empty place. */
export interface Place extends AsyncDisposable {
  /** Everything is below it. */
  root: string;
  /** Where commands run. */
  cwd: string;
  home: string;
  tmp: string;
  /** The built file, where the user of this place can read it; undefined when it is the sources that are tested. */
  bin: string | undefined;
  /** Starts the program. */
  spawn(args: readonly string[], options?: StartOptions): Deno.ChildProcess;
  /** Runs the program to its end. */
  run(args: readonly string[], options?: StartOptions): Promise<Ended>;
}

/** The path of a tool of this machine. */
export async function findTool(name: string): Promise<string | undefined> {
  for (const folder of [...Deno.env.get("PATH")?.split(delimiter) ?? [], "/usr/sbin", "/sbin"]) {
    const path = `${folder}/${name}`;
    if (await Deno.stat(path).then(({ isFile }) => isFile, () => false)) return path;
  }
}

/** Opens a place; `uid` is the user that runs there. */
export async function openPlace({ uid }: { uid?: number } = {}): Promise<Place> {
  const root = await Deno.makeTempDir({ prefix: "muxi-e2e-" });
  const path = `${root}/bin`;
  for (const folder of [root, path, `${root}/work`, `${root}/home`, `${root}/tmp`]) {
    await Deno.mkdir(folder, { recursive: true });
    await Deno.chmod(folder, 0o755);
    if (uid !== undefined && folder !== path) await Deno.chown(folder, uid, uid);
  }
  for (const tool of TOOLS) {
    const found = await findTool(tool);
    assert.ok(found, `This machine has no ${tool}`);
    await Deno.symlink(found, `${path}/${tool}`);
  }
  const ownBin = uid === undefined || BOX === undefined ? BOX : await copyBox(`${root}/download`);
  const base = { PATH: path, HOME: `${root}/home`, TMPDIR: `${root}/tmp`, NO_COLOR: "1", MODEL_PROVIDER: "offline" };
  const sources = ["run", "--quiet", "-A", "--unstable-no-legacy-abort", SOURCES];
  const spawn = (args: readonly string[], { env = {}, stdin, cwd, bin = ownBin, before = [] }: StartOptions = {}) => {
    const line = [...before, ...bin === undefined ? [Deno.execPath(), ...sources] : [bin], ...args];
    return new Deno.Command(line[0]!, {
      args: line.slice(1),
      cwd: cwd ?? `${root}/work`,
      clearEnv: true,
      // The sources need the packages that this Deno has fetched.
      env: { ...base, ...BOX === undefined && { DENO_DIR: cacheOfDeno() }, ...env },
      stdin: stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
      ...uid !== undefined && before.length === 0 && { uid, gid: uid },
    }).spawn();
  };
  return {
    root,
    cwd: `${root}/work`,
    home: base.HOME,
    tmp: base.TMPDIR,
    bin: ownBin,
    spawn,
    async run(args, options = {}) {
      const child = spawn(args, options);
      if (options.stdin !== undefined) await new Blob([options.stdin]).stream().pipeTo(child.stdin);
      const { code, stdout, stderr } = await child.output();
      const decoder = new TextDecoder();
      return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
    },
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

/** Puts a copy of the built file in a folder of its own, for everybody to read and to start. */
async function copyBox(folder: string): Promise<string> {
  await Deno.mkdir(folder, { mode: 0o755 });
  await Deno.copyFile(BOX!, `${folder}/muxi`);
  await Deno.chmod(`${folder}/muxi`, 0o755);
  return `${folder}/muxi`;
}

function cacheOfDeno(): string {
  return Deno.env.get("DENO_DIR") ?? `${Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`}/deno`;
}
