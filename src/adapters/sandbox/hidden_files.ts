/**
 * Which of the files that no program sees were there before.
 *
 * @module
 */
import { realPath } from "./real_path.ts";

/** Remembers what was seen, so that what never was is not missed. */
export class HiddenFiles {
  #seen = new Map<string, string>();

  /** Those of `paths` that were there when this was asked before and are not now, also by what they led to then. */
  async gone(paths: readonly string[]): Promise<string[]> {
    const gone = new Set<string>();
    const seen = new Map<string, string>();
    for (const path of paths) {
      const before = this.#seen.get(path);
      // What MUXI itself may not look at is there.
      const real = await realPath(path).catch(() => before ?? path);
      if (real === undefined && before !== undefined) gone.add(path).add(before);
      const known = real ?? before;
      if (known !== undefined) seen.set(path, known);
    }
    this.#seen = seen;
    return [...gone];
  }
}
