/**
 * Paths of a command line, as the machine knows them that the tool server runs on.
 *
 * @module
 */
import { isAbsolute, join, resolve } from "node:path";
import { SandboxProfile } from "../../../domain/policy.ts";
import { toSafeLine } from "../chat/safe_text.ts";
import type { CommandContext } from "../command.ts";
import { type Given, UsageError } from "../given.ts";
import type { Grant } from "./grant.ts";
import { isOfThisMachine } from "./this_machine.ts";

/** A path as the server's machine knows it. */
export function toPath(
  path: string,
  { flag, context: { url, env } }: { flag: string; context: CommandContext },
): string {
  const here = isOfThisMachine(url);
  const fromHome = /^~(?:\/|$)/.test(path);
  if (fromHome && here && env.HOME) return join(env.HOME, path.slice(1));
  if (here && !path.startsWith("~")) return resolve(path);
  if (!here && isAbsolute(path)) return path;
  const why = path.startsWith("~") ? "nobody knows which folder ~ is" : "the server is on another machine";
  throw new UsageError(`Cannot use ${flag} ${path}: want the whole path, since ${why}`);
}

function checkHost(host: string): void {
  const { success, error } = SandboxProfile.shape.net.safeParse([host]);
  if (!success) throw new UsageError(`Cannot use --net ${host}: ${error.issues[0]?.message}`);
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, (error) => !(error instanceof Deno.errors.NotFound));
}

function note({ terminal, json, errStyle }: CommandContext, words: string): void {
  if (!json) terminal.err(errStyle.dim(`Note: ${toSafeLine(words)}\n`));
}

/** What the options grant; undefined where they grant nothing. What isn't there is noted: it may be a typo. */
export async function toGrant(given: Given, context: CommandContext): Promise<Grant | undefined> {
  const paths = (option: string) => given.list(option).map((path) => toPath(path, { flag: `--${option}`, context }));
  const grant = { read: paths("read"), write: paths("write"), net: [...given.list("net")] };
  for (const host of grant.net) checkHost(host);
  for (const path of isOfThisMachine(context.url) ? [...grant.read, ...grant.write] : []) {
    if (!await exists(path)) note(context, `there is no "${path}" yet`);
  }
  return Object.values(grant).every((list) => list.length === 0) ? undefined : grant;
}

/** Notes arguments that are here, where a program without a folder of its own doesn't look. */
export async function noteStrayArguments(
  { command, args = [], cwd }: { command?: string | undefined; args?: string[] | undefined; cwd?: string | undefined },
  context: CommandContext,
): Promise<void> {
  if (command === undefined || cwd !== undefined || !isOfThisMachine(context.url)) return;
  for (const word of [command, ...args]) {
    // A program by its name alone is looked for elsewhere.
    const meant = !isAbsolute(word) && !word.startsWith("-") && (word !== command || word.includes("/"));
    if (!meant || word === "" || !await exists(resolve(word))) continue;
    const folder = resolve();
    const why = "a program starts in an empty folder of its own";
    note(context, `"${word}" is in "${folder}", and ${why}: want --cwd . (and --read .), or the whole path`);
  }
}
