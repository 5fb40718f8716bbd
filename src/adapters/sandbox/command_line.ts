/**
 * Which command lines are programs in JavaScript, and what they run.
 *
 * @module
 */
import { basename, extname } from "node:path";
import { shownCommand } from "../../domain/mcp_secrets.ts";
import { McpFailure } from "../../domain/mcp_server.ts";
import type { Program } from "../../ports/sandbox.ts";

/** A package of a registry, as it is asked for. */
export interface PackageSpec {
  name: string;
  /** A version, a range or a tag; the newest where absent. */
  version?: string;
}

/** What a command line runs. */
export type Script =
  /** A program of the first of `packages`, which is called `bin` unless there is only one. */
  | { kind: "package"; packages: PackageSpec[]; bin?: string; flags: string[]; args: string[] }
  /** A file of this machine, as it was named. */
  | { kind: "file"; path: string; flags: string[]; args: string[] };

const SCRIPT_FILE = new Set([".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"]);
const PACKAGE = /^((?:@[a-z0-9-~._]+\/)?[a-z0-9-~._]+)(?:@([^/@\s]+))?(?:\/([\w.-]+))?$/i;

/** Ways of saying "run the program of a package". */
const RUNNERS: Record<string, readonly string[]> = {
  npx: [""],
  bunx: [""],
  npm: ["exec", "x"],
  pnpm: ["dlx"],
  yarn: ["dlx"],
  bun: ["x"],
};
/** Flags of Deno and Node that make no difference to a program under our permissions, whatever they say. */
const FLAGS_LEFT_OUT =
  /^(-A|-[RWNEISP]+(=.*)?|-[qr]|--(allow|deny|ignore)-\w+(-\w+)*(=.*)?|--quiet|--no-\w+(-\w+)*|--cached-only|--frozen|--check(=.*)?|--enable-source-maps|--trace-\w+|--reload|--bun)$/;
/** Flags that a program may need, which are handed on as they are. */
const FLAGS_KEPT = /^(--unstable-[\w-]+)$/;

/** What `program` runs; undefined where it isn't JavaScript. Throws `McpFailure` for what can't be run as it is asked for. */
export function toScript(program: Program): Script | undefined {
  const { command, args } = program;
  const name = basename(command).replace(/\.(cmd|exe)$/i, "");
  if (command.startsWith("npm:")) return ofPackage(program, command, args);
  if (SCRIPT_FILE.has(extname(command))) return { kind: "file", path: command, flags: [], args: [...args] };
  if (name === "deno") return ofDeno(program, args);
  if (name === "node" || name === "nodejs") return ofFile(program, args);
  const verbs = RUNNERS[name];
  if (verbs?.includes("")) return ofRunner(program, args);
  if (verbs?.includes(args[0] ?? "")) return ofRunner(program, args.slice(1));
  if (name === "bun") return ofFile(program, args[0] === "run" ? args.slice(1) : args);
  return undefined;
}

function refuse({ name, command, args }: Program, reason: string): McpFailure {
  const line = shownCommand({ command, args }).slice(0, 200);
  return new McpFailure("sandbox", `Cannot run "${line}" for the server "${name}" in the sandbox: ${reason}`, {
    sent: false,
  });
}

/** `npx -y -p a -p b -- program x`. */
function ofRunner(program: Program, args: readonly string[]): Script {
  const packages: string[] = [];
  let i = 0;
  for (; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "--") {
      i++;
      break;
    }
    if (!arg.startsWith("-")) break;
    const named = /^(?:--package|-p)(?:=(.+))?$/.exec(arg);
    if (named) {
      const wanted = named[1] ?? args[++i];
      if (wanted !== undefined) packages.push(wanted);
    } else if (!/^(-y|--yes|-q|--quiet|--silent|--bun|--no-install|--prefer-(offline|online))(=.*)?$/.test(arg)) {
      throw refuse(program, `the flag "${arg}" isn't known`);
    }
  }
  const what = args[i];
  if (what === undefined) throw refuse(program, "no package is named");
  const rest = args.slice(i + 1).filter(notFirstDashes);
  if (packages.length === 0) return ofPackage(program, what, rest);
  return {
    kind: "package",
    packages: packages.map((text) => toSpec(program, text).spec),
    bin: what,
    flags: [],
    args: rest,
  };
}

function ofPackage(program: Program, text: string, args: readonly string[], flags: string[] = []): Script {
  const { spec, bin } = toSpec(program, text);
  return { kind: "package", packages: [spec], ...bin !== undefined && { bin }, flags, args: [...args] };
}

/** The first `--` is the runner's own. */
function notFirstDashes(arg: string, at: number): boolean {
  return at > 0 || arg !== "--";
}

function toSpec(program: Program, text: string): { spec: PackageSpec; bin?: string } {
  const found = PACKAGE.exec(text.replace(/^npm:\/?/, ""));
  if (!found) throw refuse(program, `"${text}" is no package of a registry`);
  const [, name, version, bin] = found;
  return { spec: { name: name!, ...version !== undefined && { version } }, ...bin !== undefined && { bin } };
}

function ofDeno(program: Program, args: readonly string[]): Script | undefined {
  if (args[0] === "run" || args[0] === "x") return ofFile(program, args.slice(1));
  const first = args.find((arg) => !arg.startsWith("-"));
  if (first !== undefined && (first.startsWith("npm:") || SCRIPT_FILE.has(extname(first)))) {
    return ofFile(program, args);
  }
  throw refuse(program, "of Deno's commands only run is possible");
}

function ofFile(program: Program, args: readonly string[]): Script {
  const at = args.findIndex((arg) => !arg.startsWith("-"));
  const odd = args.slice(0, at < 0 ? args.length : at)
    .find((flag) => !FLAGS_LEFT_OUT.test(flag) && !FLAGS_KEPT.test(flag));
  if (odd !== undefined) throw refuse(program, `the flag "${odd}" isn't known`);
  if (at < 0) throw refuse(program, "no script is named");
  const what = args[at]!;
  const rest = args.slice(at + 1);
  const flags = args.slice(0, at).filter((flag) => FLAGS_KEPT.test(flag));
  if (what.startsWith("npm:")) return ofPackage(program, what, rest, flags);
  if (what.startsWith("file:")) {
    return { kind: "file", path: decodeURIComponent(new URL(what).pathname), flags, args: rest };
  }
  if (/^[a-z][a-z0-9+.-]+:/i.test(what)) {
    throw refuse(
      program,
      `"${what}" is neither a package of npm nor a file: code is fetched beforehand, from a registry`,
    );
  }
  return { kind: "file", path: what, flags, args: rest };
}
