/**
 * The project, as its build programs see it.
 *
 * @module
 */

/** The folder of the checkout, with a slash at its end. */
export const ROOT = new URL("../", import.meta.url).pathname;

/** Where what is built goes. */
export const DIST = `${ROOT}dist`;

/** What the program is started from. */
export const ENTRY = `${ROOT}main.ts`;

/** What is built here runs where this Deno runs: `linux-x86_64`. */
export const PLATFORM = `${Deno.build.os}-${Deno.build.arch}`;

/** What `deno.json` says. */
export interface Project {
  name: string;
  version: string;
  /** Flags the program runs with, beside its permissions. */
  flags: string[];
}

/** Reads `deno.json`. */
export async function readProject(): Promise<Project> {
  const { name, version, unstable } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`)) as {
    name: string;
    version: string;
    unstable: string[];
  };
  return { name, version, flags: unstable.map((feature) => `--unstable-${feature}`) };
}

/** Runs this Deno in the checkout and returns what it writes. Throws with its complaint when it fails. */
export async function deno(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), { args: [...args], cwd: ROOT, env: { NO_COLOR: "1", ...env } });
  const { success, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`Cannot run "deno ${args.join(" ")}":\n${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

/** The SHA-256 of `bytes`, in hexadecimal. */
export async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** Says how far it is. */
export function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

/** A number of bytes as people read it. */
export function toMegabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
