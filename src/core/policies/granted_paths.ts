/**
 * Which paths the API may let programs read and write: a key is not the machine.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { NamedPolicy, Policy, SandboxProfile } from "../../domain/policy.ts";

/** What {@linkcode GrantedPaths} goes by. */
export interface GrantedPathsOptions {
  /** The folders that it may grant, with all below. */
  folders: readonly string[];
  /** Where a path leads, from a folder unless it is whole; undefined where nobody can say. */
  realPath(path: string, from?: string): string | undefined;
}

/** The setting that {@linkcode GrantedPathsOptions.folders} come from. */
const SETTING = "tools.api_paths";
const LISTS = ["read", "write"] as const;

/** See the module. */
export class GrantedPaths {
  readonly #options: GrantedPathsOptions;

  constructor(options: GrantedPathsOptions) {
    this.#options = options;
  }

  /** Whether `path` is one of them, from the folder `from` unless it is whole. */
  has(path: string, from?: string): boolean {
    const { folders, realPath } = this.#options;
    if (folders.includes("/")) return true;
    const real = path.startsWith("/") || from !== undefined ? realPath(path, from) : undefined;
    return real !== undefined && folders.some((folder) => isWithin(real, realPath(folder) ?? folder));
  }

  /** What they are, and how that is changed. */
  get words(): string {
    const { folders } = this.#options;
    const now = folders.length === 0 ? "none" : folders.map((folder) => `"${folder}"`).join(", ");
    return `${SETTING} says what the API may grant (now ${now})`;
  }

  /** Throws `ForbiddenError` where a change grants another path, or grants it to further servers. */
  refuse(id: string, { before, policy }: { before: Policy | undefined; policy: Policy }): void {
    const further = policy.servers.some((server) => !before?.servers.includes(server));
    const had = new Set(before && !further ? listed(before.sandbox).map(({ words }) => words) : []);
    // Whoever may write may also read.
    const written = new Set(before && !further ? before.sandbox.write : []);
    const granted = listed(policy.sandbox)
      .filter(({ words, list, path }) => !had.has(words) && !(list === "read" && written.has(path)))
      .filter(({ path }) => !this.has(path))
      .map(({ words }) => words);
    if (granted.length === 0) return;
    const relative = listed(policy.sandbox).some(({ path, words }) => granted.includes(words) && !path.startsWith("/"));
    const whole = relative ? " A path that is relative depends on who names its folder: write the whole one." : "";
    const message = `Cannot change policy "${id}": ${this.words}, and that is not "${granted.join('", "')}".${whole} ` +
      `Write it into tools.policies_file, or have ${SETTING} name its folder`;
    throw new AppError("ForbiddenError", message, { details: { policy: id, granted, setting: SETTING } });
  }

  /**
   * `policy` without relative paths that lead elsewhere for a server which the API gave its folder `cwd`, and what that
   * left out.
   */
  withhold(policy: NamedPolicy, cwd: string | undefined): { policy: NamedPolicy; withheld: string[] } {
    const isKept = (path: string) => path.startsWith("/") || cwd === undefined || this.has(path, cwd);
    const withheld = listed(policy.sandbox).filter(({ path }) => !isKept(path)).map(({ words }) => words);
    if (withheld.length === 0) return { policy, withheld };
    const { read, write } = policy.sandbox;
    const sandbox = { ...policy.sandbox, read: read.filter(isKept), write: write.filter(isKept) };
    return { policy: { ...policy, sandbox }, withheld };
  }
}

function listed(sandbox: SandboxProfile) {
  return LISTS.flatMap((list) => sandbox[list].map((path) => ({ list, path, words: `sandbox.${list}: ${path}` })));
}

/** Both are real. */
function isWithin(path: string, folder: string): boolean {
  return path === folder || folder === "/" || path.startsWith(`${folder}/`);
}
