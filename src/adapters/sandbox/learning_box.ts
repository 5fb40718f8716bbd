/**
 * The box of a program that is watched: it sees all of the machine but what is
 * MUXI's, and changes nothing beyond what its policy lets it.
 *
 * @module
 */
import { join } from "node:path";
import type { SandboxProfile } from "../../domain/policy.ts";
import type { Program } from "../../ports/sandbox.ts";
import type { Bind } from "./bubblewrap_paths.ts";
import { namedFolders } from "./named_folders.ts";
import { isWithin } from "./real_path.ts";
import { copyThrowaway } from "./throwaway.ts";

/** What {@linkcode toLearningBox} goes by. */
export interface LearningBoxOptions {
  /** The profile so far. */
  profile: SandboxProfile;
  /** The folder for one start. */
  run: string;
  cwd: string;
  /** What it may write to already, as real paths. */
  writable: readonly string[];
  hidden: readonly string[];
}

/** What is around a program that is watched. */
export interface LearningBox {
  profile: SandboxProfile;
  /** Copies of what the operator named to it. */
  copies: Bind[];
}

/** Makes it. What it writes elsewhere fails, and is noted as well. */
export async function toLearningBox(program: Program, options: LearningBoxOptions): Promise<LearningBox> {
  const { profile, run, cwd, writable, hidden } = options;
  const named = [...namedFolders(program), ...program.cwd === undefined ? [] : [cwd]];
  const copies = await copyThrowaway(named.filter((path) => !writable.some((folder) => isWithin(path, folder))), {
    dir: join(run, "copies"),
    hidden: [...hidden, ...writable],
    bytes: profile.disk_mb * 2 ** 20,
  });
  return { profile: { ...profile, read: ["/"], ask: [] }, copies };
}
