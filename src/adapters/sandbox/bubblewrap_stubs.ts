/**
 * The few files of `/etc` that are made up, so that programs learn nothing of the machine's people and networks.
 *
 * @module
 */
import { isIP } from "node:net";
import type { Pin } from "./launcher.ts";

/** Their names. */
export const STUBS: readonly string[] = ["passwd", "group", "hosts", "nsswitch.conf", "resolv.conf", "gitconfig"];

/** Writes them to `dir`. */
export async function writeStubs(dir: string, pins: readonly Pin[]): Promise<void> {
  const named = pins.filter(({ name }) => name !== "localhost" && isIP(name) === 0);
  const names = new Map(named.map(({ name, address }) => [name, address]));
  const hosts = [["localhost", "127.0.0.1"], ["localhost", "::1"], ["sandbox", "127.0.0.1"], ...names];
  const files: Record<string, string> = {
    passwd: "nobody:x:65534:65534:nobody:/tmp:/bin/sh\n",
    group: "nogroup:x:65534:\n",
    hosts: hosts.map(([name, address]) => `${address} ${name}\n`).join(""),
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "resolv.conf": "",
    // Repositories belong to whoever runs MUXI, who has another name inside.
    gitconfig: "[safe]\n\tdirectory = *\n",
  };
  for (const name of STUBS) await Deno.writeTextFile(`${dir}/${name}`, files[name]!);
}
