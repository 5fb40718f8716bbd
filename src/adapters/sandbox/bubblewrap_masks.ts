/**
 * What no box shows, wherever a folder that it does show would bring it along.
 *
 * @module
 */
import { join } from "node:path";
import type { Bind } from "./bubblewrap_paths.ts";
import { isWithin } from "./real_path.ts";

/** A place that is covered. */
export interface Mask {
  at: string;
  /** Whether it is a folder; else a file. */
  folder: boolean;
}

/** Finds what of `hidden` is below `binds`, at each of the places that these are seen at. */
export async function masksOf(binds: readonly Pick<Bind, "path" | "at">[], hidden: readonly string[]): Promise<Mask[]> {
  const masks = new Map<string, Mask>();
  const secrets = await outermost(hidden);
  for (const { path, at = path } of secrets.length === 0 ? [] : binds) {
    // A link is followed to what is bound in its place.
    const real = await Deno.realPath(path).catch(() => undefined);
    for (const { path: secret, folder } of secrets) {
      if (real === undefined || !isWithin(secret, real)) continue;
      const place = join(at, secret.slice(real === "/" ? 0 : real.length));
      masks.set(place, { at: place, folder });
    }
  }
  return [...masks.values()];
}

/** Those that are there, by their real paths, and not below another. */
async function outermost(hidden: readonly string[]): Promise<{ path: string; folder: boolean }[]> {
  const found = new Map<string, boolean>();
  for (const path of hidden) {
    const real = await Deno.realPath(path).catch(() => undefined);
    const info = real === undefined ? undefined : await Deno.stat(real).catch(() => undefined);
    if (info) found.set(real!, info.isDirectory);
  }
  return [...found]
    .filter(([path]) => ![...found.keys()].some((other) => other !== path && isWithin(path, other)))
    .map(([path, folder]) => ({ path, folder }));
}
