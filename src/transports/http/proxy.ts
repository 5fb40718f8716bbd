/**
 * Who really asks when a proxy stands between.
 *
 * @module
 */
import { LOCAL_SOCKET, matchesAny, toAddress } from "./address.ts";

/** How the caller sees the server, and where the caller is. */
export interface Client {
  /** A canonical IP address, `unix`, or `unknown`. */
  address: string;
  proto: "http" | "https";
  /** As in the address bar, with the port where it isn't the usual one. */
  host: string;
  /** What a proxy cut off the path, without a slash at its end. */
  prefix: string;
}

/** Options for {@linkcode clientAddress}. */
export interface ProxyOptions {
  /** Addresses, networks, or `loopback`: only what comes from there may speak for others. */
  trusted_proxies: readonly string[];
  /** Whether this server itself speaks TLS. */
  tls?: boolean;
  /** The prefix where no proxy names one. */
  base_path?: string;
  /** Whom the request is for, where its headers don't say it. */
  host?: string;
}

/** An address nobody is at, so that no list of addresses lets it in. */
const UNKNOWN = "unknown";
/** More hops than any real chain has; what is further left is not looked at. */
const MAX_HOPS = 32;
const HOST = /^(\[[0-9a-f:.]+\]|[\w.-]+)(:\d{1,5})?$/i;
const PREFIX = /^(\/[\w.~-]+)+$/;

/** One proxy's word on who connected to it. */
interface Hop {
  address: string;
  proto?: string | undefined;
  host?: string | undefined;
}

function readList(header: string | null): string[] {
  return header === null ? [] : header.split(",").slice(-MAX_HOPS).map((entry) => entry.trim());
}

/** Drops a port and brackets, as in `192.0.2.1:4711` and `[2001:db8::1]:4711`. */
function readNode(text: string): string {
  const bare = /^\[([^\]]*)\](:\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
  return toAddress(bare) ?? UNKNOWN;
}

function readForwarded(header: string): Hop[] {
  const hops: Hop[] = [];
  // Commas and semicolons within quotes separate nothing.
  for (const element of header.match(/(?:"(?:[^"\\]|\\.)*"|[^,"])+/g)?.slice(-MAX_HOPS) ?? []) {
    const fields = new Map<string, string>();
    for (const [, name, quoted, plain] of element.matchAll(/([\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^;\s"]*))/g)) {
      fields.set(name!.toLowerCase(), quoted?.replace(/\\(.)/g, "$1") ?? plain ?? "");
    }
    hops.push({ address: readNode(fields.get("for") ?? ""), proto: fields.get("proto"), host: fields.get("host") });
  }
  return hops;
}

function readHops(headers: Headers): Hop[] {
  const addresses = headers.get("x-forwarded-for");
  const forwarded = headers.get("forwarded");
  // Common proxies write the former and pass on whatever the caller put into the latter.
  if (addresses === null && forwarded !== null) return readForwarded(forwarded);
  const protos = readList(headers.get("x-forwarded-proto"));
  const hosts = readList(headers.get("x-forwarded-host"));
  const nodes = readList(addresses);
  // Lists of another length can't be matched to hops: the nearest proxy's word counts.
  const pick = (list: string[], index: number) => list.length === nodes.length ? list[index] : list.at(-1);
  if (nodes.length === 0) return [];
  return nodes.map((node, index) => ({
    address: readNode(node),
    proto: pick(protos, index),
    host: pick(hosts, index),
  }));
}

/** The nearest hop that isn't a trusted proxy; the farthest when all are. */
function findClient(hops: readonly Hop[], trusted: readonly string[]): Hop | undefined {
  for (let i = hops.length - 1; i > 0; i--) if (!matchesAny(hops[i]!.address, trusted)) return hops[i];
  return hops[0];
}

/**
 * Who sent a request with `headers` over a connection from `remote` (an IP
 * address, or `unix`). Forwarded headers count only when they come from a trusted
 * proxy, and of them only what a trusted proxy wrote.
 *
 * @example Behind Caddy on the same machine
 * clientAddress(request.headers, info.remoteAddr.hostname, { trusted_proxies: ["loopback"] }).address;
 */
export function clientAddress(headers: Headers, remote: string, options: ProxyOptions): Client {
  const { trusted_proxies, tls = false, base_path = "" } = options;
  const client: Client = {
    address: remote === LOCAL_SOCKET ? remote : toAddress(remote) ?? UNKNOWN,
    proto: tls ? "https" : "http",
    host: options.host ?? headers.get("host") ?? "",
    prefix: base_path.replace(/\/+$/, ""),
  };
  if (trusted_proxies.length === 0 || !matchesAny(client.address, trusted_proxies)) return client;

  const hop = findClient(readHops(headers), trusted_proxies);
  const proto = (hop ? hop.proto : readList(headers.get("x-forwarded-proto")).at(-1))?.toLowerCase();
  const host = hop ? hop.host : readList(headers.get("x-forwarded-host")).at(-1);
  const prefix = headers.get("x-forwarded-prefix")?.replace(/\/+$/, "");
  if (hop) client.address = hop.address;
  if (proto === "http" || proto === "https") client.proto = proto;
  if (host !== undefined && HOST.test(host)) client.host = host;
  if (prefix !== undefined && PREFIX.test(prefix) && !/\/\.\.?(\/|$)/.test(prefix)) client.prefix = prefix;
  return client;
}
