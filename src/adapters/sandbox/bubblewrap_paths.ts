/**
 * The files a profile names, as what is bound into the box.
 *
 * @module
 */
import { resolve } from "node:path";
import { McpFailure } from "../../domain/mcp_server.ts";
import type { SandboxProfile } from "../../domain/policy.ts";
import { isFact, isOfKernel } from "./kernel_paths.ts";
import { isWithin, realPath } from "./real_path.ts";

/** A folder or file of the machine that is seen inside. */
export interface Bind {
  path: string;
  /** Where; at its own place when absent. */
  at?: string;
  write: boolean;
}

/** What comes of a profile's paths. */
export interface ProfileBinds {
  /** Whether all of the machine's files may be read. */
  root: boolean;
  /** Parents before children. */
  profile: Bind[];
}

/** Whose profile it is. */
export interface ProfileOwner {
  name: string;
  /** The policy's id. */
  policy: string;
  profile: SandboxProfile;
  cwd: string;
}

/** What is MUXI's own. */
export interface OwnFiles {
  /** Never seen inside. */
  hidden: readonly string[];
  /** Those of them that were there before and are not now. */
  gone: readonly string[];
}

/**
 * Resolves links now, so that what is bound is what was looked at. What lies below a writable path is left to it: a link the
 * program made there must not be followed at its next start.
 */
export async function bindProfile(owner: ProfileOwner, { hidden, gone }: OwnFiles): Promise<ProfileBinds> {
  const { name, policy, profile, cwd } = owner;
  const refuse = (path: string, write: boolean, why: string) =>
    new McpFailure(
      "sandbox",
      `Cannot start "${name}": the policy "${policy}" lets it ${write ? "write" : "read"} "${path}", ${why}`,
      { sent: false },
    );
  const secret = (await Promise.all(hidden.map(realPath))).filter((path) => path !== undefined);
  const writable = profile.write.map((path) => resolve(cwd, path));
  const wanted = [
    ...profile.write.map((given) => ({ given, write: true })),
    ...profile.read.map((given) => ({ given, write: false })),
  ];
  await refuseMoved({ gone, writable }, refuse);
  const found: ProfileBinds = { root: false, profile: [] };
  for (const { given, write } of wanted) {
    const path = resolve(cwd, given);
    if (writable.some((folder) => isWithin(path, folder) && (!write || path !== folder))) continue;
    const real = await realPath(path);
    if (real === undefined) {
      if (!write) continue;
      throw refuse(given, write, "which does not exist: create it, or name the folder it is to be in");
    }
    if (isOfKernel(real)) {
      // A box has its own.
      if (!write && isFact(real)) continue;
      throw refuse(given, write, "which no policy can allow: it is of processes or devices");
    }
    if (secret.some((folder) => isWithin(real, folder))) throw refuse(given, write, "which is MUXI's own data");
    if (real === "/") {
      if (write) throw refuse(given, write, "which is everything: name the folders that it needs");
      found.root = true;
      continue;
    }
    found.profile.push({ path: real, write });
    if (path !== real) found.profile.push({ path: real, at: path, write });
  }
  // A link that is seen as it is leads there by itself, and nothing can be bound over it.
  const isSeen = (at: string) =>
    found.root || found.profile.some((other) => other.at !== at && isWithin(at, other.at ?? other.path));
  found.profile = parentsFirst(found.profile.filter(({ at }) => at === undefined || !isSeen(at)));
  return found;
}

/** What is gone from where a program may write could be anywhere there by now, under a name that nobody knows. */
async function refuseMoved(
  { gone, writable }: { gone: readonly string[]; writable: readonly string[] },
  refuse: (path: string, write: boolean, why: string) => McpFailure,
): Promise<void> {
  for (const path of writable) {
    const real = await realPath(path);
    if (real === undefined) continue;
    const secret = gone.find((one) => isWithin(one, real));
    if (secret === undefined) continue;
    throw refuse(path, true, `where "${secret}" of MUXI is not any more: put it back, or start MUXI anew`);
  }
}

/** Sorts what is bound, so that nothing is covered by what it lies in. */
export function parentsFirst(binds: readonly Bind[]): Bind[] {
  return binds.toSorted((a, b) => (a.at ?? a.path).length - (b.at ?? b.path).length);
}
