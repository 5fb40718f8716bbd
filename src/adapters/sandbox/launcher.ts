/**
 * How a program in the box reaches the network: a launcher beside it that relays to our proxy.
 *
 * @module
 */
import launcher from "./launcher.js" with { type: "text" };
import { readHostRule } from "./addresses.ts";

/** The program that runs before the program. */
export const LAUNCHER: string = launcher;

/** Where programs in the box find the proxy. */
export const RELAY = "127.0.0.1:3128";

const PROXY = `http://${RELAY}`;

/** What tells programs of the proxy, in every spelling that is looked for. */
export const PROXY_ENV: Readonly<Record<string, string>> = {
  HTTP_PROXY: PROXY,
  HTTPS_PROXY: PROXY,
  ALL_PROXY: PROXY,
  NO_PROXY: "",
  http_proxy: PROXY,
  https_proxy: PROXY,
  all_proxy: PROXY,
  no_proxy: "",
  NODE_USE_ENV_PROXY: "1",
};

/** An address inside that leads to a host outside, for programs that know nothing of proxies. */
export interface Pin {
  name: string;
  address: string;
  port: number;
  /** Such as `example.com:443`. */
  host: string;
}

/** Below it only root may listen, and in the box nobody is root. What is there speaks HTTP, and knows of proxies. */
const FIRST_FREE_PORT = 1024;

/**
 * Gives every host that is named in full, with its port, an address of its own.
 * This machine's own addresses stay what they are: they lead out of the box, too.
 */
export function pinHosts(net: readonly string[]): Pin[] {
  const addresses = new Map<string, string>();
  const pins = new Map<string, Pin>();
  for (const text of net) {
    const rule = readHostRule(text);
    if (rule === undefined || rule.kind === "below" || rule.port === undefined) continue;
    const { host: name, port } = rule;
    const next = addresses.size + 1;
    const own = name === "localhost" ? "127.0.0.1" : name.startsWith("127.") ? name : undefined;
    if ((rule.kind === "address" && own === undefined) || port < FIRST_FREE_PORT) continue;
    const address = own ?? addresses.get(name) ?? `127.0.${1 + (next >> 8)}.${next & 255}`;
    if (own === undefined) addresses.set(name, address);
    const host = `${name}:${port}`;
    if (`${address}:${port}` !== RELAY) pins.set(host, { name, address, port, host });
  }
  return [...pins.values()];
}
