/**
 * What the operator named to a program.
 *
 * @module
 */
import { resolve } from "node:path";
import type { Program } from "../../ports/sandbox.ts";
import { realPathOf } from "./real_path.ts";

/** What among the arguments and the environment is a folder, or a file to be. */
export function namedFolders({ args, env, cwd }: Program): string[] {
  const candidates = [...args, ...Object.values(env)].filter((text) => text.startsWith("/") || text.startsWith("."));
  return candidates.flatMap((text) => {
    const path = cwd === undefined ? text : resolve(cwd, text);
    return path.startsWith("/") ? realPathOf(path, { cwd: "/", root: "" }) ?? [] : [];
  });
}
