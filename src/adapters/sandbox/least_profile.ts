/**
 * The least profile with which a program can do again what it was seen to do.
 *
 * @module
 */
import { dirname } from "node:path";
import type { SandboxProfile } from "../../domain/policy.ts";
import type { Decision, Program } from "../../ports/sandbox.ts";
import { elsewhere } from "./advice.ts";
import { isWithin } from "./real_path.ts";

/** What {@linkcode toLeastProfile} goes by. */
export interface Seen {
  decisions: readonly Decision[];
  /** The profile so far, whose ceilings stay. */
  profile: SandboxProfile;
  /** Folders that the operator named to the program, in its arguments or its environment: these are meant as a whole. */
  named: readonly string[];
  /** Which of the paths are there now. */
  exists(path: string): boolean;
}

/** A folder that holds more than one program's things: files in it are named one by one. */
const SHARED_DEPTH = 2;

/** The most refusals that are told. */
const MOST_REFUSED = 50;

/** What was refused though nearly all was allowed: no profile is to have it without a person's thought. */
export function toRefused(decisions: readonly Decision[]): string[] {
  const refused = decisions.filter((decision) => decision.allowed === 0 && !isBeside(decision));
  return refused.map(({ permission, value }) => `${permission} ${value}`).sort().slice(0, MOST_REFUSED);
}

/** What no policy can mend, and what does. */
export function toNotes(decisions: readonly Decision[], { env }: Program): string[] {
  const beside = decisions.filter(isBeside);
  const places = decisions.flatMap(({ permission, value }) =>
    permission === "env" && !Object.hasOwn(env, value) ? [value] : []
  );
  return beside.map(({ value }) => `It writes "${value}" in its own package: ${elsewhere(places.sort())}`).slice(0, 3);
}

/** See the module. */
export function toLeastProfile({ decisions, profile, named, exists }: Seen): SandboxProfile {
  // Of a socket its file is asked for, too, and of no use alone.
  const refused = new Set(decisions.flatMap(({ permission, value, allowed }) => {
    return permission === "net" && allowed === 0 ? [value] : [];
  }));
  const valuesOf = (wanted: string) =>
    decisions.flatMap(({ permission, value, allowed }) => {
      return permission === wanted && allowed > 0 && !refused.has(value) ? [value] : [];
    });
  // What is made and moved away again needs the folder that it is made in.
  const standing = (path: string): string => path === "/" || exists(path) ? path : standing(dirname(path));
  const write = toFolders([...new Set(valuesOf("write").filter(isPath).map(standing))], named);
  // Looking for what isn't there fails with or without permission.
  const looked = valuesOf("read").filter((path) => isPath(path) && exists(path));
  const passed = (path: string) => [...looked, ...named].some((other) => other !== path && isWithin(other, path));
  const unwritten = looked.filter((path) => !write.some((folder) => isWithin(path, folder)));
  // A folder on the way to something in it was only passed through.
  const read = toFolders(unwritten.filter((path) => named.includes(path) || !passed(path)), named);
  return {
    ...profile,
    read,
    write,
    net: valuesOf("net").filter((value) => !value.startsWith("/") && value !== "*").sort(),
    sys: valuesOf("sys").sort(),
    run: valuesOf("run").length > 0 ? profile.run : [],
    ffi: valuesOf("ffi").length > 0,
    ask: [],
    unsandboxed: false,
  };
}

/** Whether it was refused to write in its own package. All other paths are whole. */
function isBeside({ permission, value, allowed }: Decision): boolean {
  return permission === "write" && allowed === 0 && /^@?[\w.-]+\//.test(value);
}

function isPath(value: string): boolean {
  return value.startsWith("/");
}

/** `paths` as few folders: those that were named, those of several files, and the rest as it is. */
function toFolders(paths: readonly string[], named: readonly string[]): string[] {
  const found = new Set<string>();
  const rest: string[] = [];
  for (const path of paths) {
    const folder = named.find((one) => isWithin(path, one));
    if (folder === undefined) rest.push(path);
    else found.add(folder);
  }
  const siblings = Map.groupBy(rest, dirname);
  for (const [folder, files] of siblings) {
    const together = files.length > 1 && folder.split("/").length - 1 > SHARED_DEPTH;
    for (const path of together ? [folder] : files) found.add(path);
  }
  return [...found].filter((path, _, all) => !all.some((other) => other !== path && isWithin(path, other))).sort();
}
