/**
 * A profile that still allows what it did, and what was seen beside it.
 *
 * @module
 */
import type { SandboxProfile } from "../../domain/policy.ts";
import { isNamed, readHostPort } from "./addresses.ts";
import { isWithin } from "./real_path.ts";

/** What {@linkcode mergeProfile} goes by. */
export interface Merging {
  present: SandboxProfile;
  /** The least that what was seen needs. */
  least: SandboxProfile;
  /** Where a path of a profile leads. */
  real(path: string): string;
}

/** What comes of it. */
export interface Merged {
  /** The least, with the paths of `present` spelled as there. */
  least: SandboxProfile;
  /** All of both. */
  profile: SandboxProfile;
  /** What of `present` was not used: `read: /srv`. */
  unused: string[];
}

/** See the module. */
export function mergeProfile({ present, least: seen, real }: Merging): Merged {
  const places = [...present.read, ...present.write].map((path) => ({ path, real: real(path) }));
  const spelled = (path: string) => places.find((place) => place.real === path)?.path ?? path;
  const least = { ...seen, read: seen.read.map(spelled), write: seen.write.map(spelled) };
  const isIn = (path: string, folders: readonly string[]) => folders.some((one) => isWithin(real(path), real(one)));
  const isTo = (host: string, net: readonly string[]) => {
    const place = readHostPort(host);
    return net.includes(host) || (place?.port !== undefined && isNamed(net, { host: place.host, port: place.port }));
  };
  const write = [...present.write, ...least.write.filter((path) => !isIn(path, present.write))];
  // Whoever may write may also read.
  const read = present.read.filter((path) => !write.includes(path) || present.write.includes(path));
  return {
    least,
    profile: {
      ...present,
      read: [...read, ...least.read.filter((path) => !isIn(path, [...read, ...write]))],
      write,
      net: [...present.net, ...least.net.filter((host) => !isTo(host, present.net))],
      sys: [...new Set([...present.sys, ...least.sys])],
      ffi: present.ffi || least.ffi,
      unsandboxed: false,
    },
    unused: [
      ...present.read.filter((path) => ![...least.read, ...least.write].some((one) => isIn(one, [path])))
        .map((path) => `read: ${path}`),
      ...present.write.filter((path) => !least.write.some((one) => isIn(one, [path]))).map((path) => {
        return `write: ${path}${least.read.some((one) => isIn(one, [path])) ? " (it only read there)" : ""}`;
      }),
      ...present.net.filter((rule) => !least.net.some((host) => isTo(host, [rule]))).map((rule) => `net: ${rule}`),
      ...folded("sys", present.sys.filter((fact) => !least.sys.includes(fact))),
      ...folded("run", least.run.length === 0 ? present.run : []),
      ...present.ffi && !least.ffi ? ["ffi"] : [],
    ],
  };
}

function folded(field: string, values: readonly string[]): string[] {
  return values.length === 0 ? [] : [`${field}: ${values.join(", ")}`];
}
