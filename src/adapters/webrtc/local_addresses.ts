/**
 * The addresses of this machine that others may reach.
 *
 * @module
 */
import { isIP } from "node:net";
import { lookup } from "node:dns/promises";

const WILDCARDS = ["", "0.0.0.0", "::"];

/** Whether `host` stands for every address, which may come and go. */
export function isWildcard(host: string): boolean {
  return WILDCARDS.includes(host);
}

/** Whether an address is valid on its own link only, where a port of ours can't be told apart from another's. */
function isLinkLocal(address: string): boolean {
  return address.startsWith("169.254.") || /^fe[89ab]/i.test(address);
}

/** The addresses behind `host`; every one of the machine, if it is a wildcard. */
export async function localAddresses({ host, ipv6 }: { host: string; ipv6: boolean }): Promise<string[]> {
  const found = isWildcard(host)
    ? Deno.networkInterfaces().map(({ address }) => address)
    : isIP(host) !== 0
    ? [host]
    : (await lookup(host, { all: true })).map(({ address }) => address);
  const usable = found.filter((address) => !isLinkLocal(address) && (ipv6 || isIP(address) === 4));
  return [...new Set(usable)];
}
