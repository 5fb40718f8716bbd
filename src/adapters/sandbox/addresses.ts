/**
 * Hosts that a policy names, and addresses that are nobody's business outside.
 *
 * @module
 */
import { BlockList, isIP } from "node:net";

/** A line of a policy's `net`. */
export interface HostRule {
  /** `below`: `*.host`, every name that ends so. */
  kind: "name" | "below" | "address";
  /** In lower case, without brackets and the last dot. */
  host: string;
  /** Absent: every port. */
  port?: number;
}

/** IPv4 networks that are not the public internet's (IANA's special-purpose registry), as address and bits. */
const INTERNAL_V4: readonly [string, number][] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.31.196.0", 24],
  ["192.52.193.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["192.175.48.0", 24],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];

/** IPv6 networks that are not the public internet's, and tunnels whose inner address can't be told. */
const INTERNAL_V6: readonly [string, number][] = [
  ["::", 96],
  ["64:ff9b:1::", 48],
  ["100::", 64],
  ["2001::", 23],
  ["2001:db8::", 32],
  ["3fff::", 20],
  ["5f00::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
];

function toHex(v4: string): string {
  const [a, b, c, d] = v4.split(".").map(Number) as [number, number, number, number];
  return `${(a << 8 | b).toString(16)}:${(c << 8 | d).toString(16)}`;
}

function internalNetworks(): BlockList {
  const list = new BlockList();
  for (const [address, bits] of INTERNAL_V4) {
    list.addSubnet(address, bits, "ipv4");
    // The same networks behind the IPv6 prefixes that carry IPv4: mapped, NAT64, 6to4.
    list.addSubnet(`::ffff:${toHex(address)}`, 96 + bits, "ipv6");
    list.addSubnet(`64:ff9b::${toHex(address)}`, 96 + bits, "ipv6");
    list.addSubnet(`2002:${toHex(address)}::`, 16 + bits, "ipv6");
  }
  for (const [address, bits] of INTERNAL_V6) list.addSubnet(address, bits, "ipv6");
  return list;
}

const INTERNAL = internalNetworks();

/** Whether `address` is of this machine, its networks or its provider's, or of nobody. What is no address is. */
export function isInternal(address: string): boolean {
  const family = isIP(address);
  return family === 0 || address.includes("%") || INTERNAL.check(address, family === 4 ? "ipv4" : "ipv6");
}

/** One way to write an address: IPv4 in IPv6 as IPv4, IPv6 compressed; undefined for what is none. */
export function toAddress(text: string): string | undefined {
  const family = isIP(text);
  if (family === 4) return text;
  if (family === 0 || text.includes("%")) return;
  const written = new URL(`http://[${text}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(written);
  if (mapped === null) return written;
  const [high, low] = [parseInt(mapped[1]!, 16), parseInt(mapped[2]!, 16)];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

/** `host:port` or `[v6]:port` as its parts; undefined where it is neither. */
export function readHostPort(text: string): { host: string; port?: number } | undefined {
  if (isIP(text) === 6) return { host: text };
  const found = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/@[\]]+))(?::(\d{1,5}))?$/.exec(text);
  if (found === null) return;
  const port = found[3] === undefined ? undefined : Number(found[3]);
  if (port !== undefined && (port < 1 || port > 65535)) return;
  return { host: found[1] ?? found[2]!, ...port !== undefined && { port } };
}

/** A host's name as compared: lower case, no last dot, addresses written in one way. */
export function toHost(text: string): string {
  return toAddress(text) ?? text.toLowerCase().replace(/\.$/, "");
}

/** A line of a policy; undefined where it can't be understood. */
export function readHostRule(text: string): HostRule | undefined {
  const read = readHostPort(text.startsWith("*.") ? text.slice(2) : text);
  if (read === undefined || read.host.includes("*")) return;
  const host = toHost(read.host);
  const port = read.port !== undefined && { port: read.port };
  if (text.startsWith("*.")) return isIP(host) === 0 ? { kind: "below", host, ...port } : undefined;
  return { kind: isIP(host) === 0 ? "name" : "address", host, ...port };
}

/** Whether a policy's `net` names `host` at `port`. An address is named by itself only. */
export function isNamed(net: readonly string[], { host, port }: { host: string; port: number }): boolean {
  const wanted = toHost(host);
  return net.some((text) => {
    const rule = readHostRule(text);
    if (rule === undefined || (rule.port !== undefined && rule.port !== port)) return false;
    return rule.kind === "below" ? isIP(wanted) === 0 && wanted.endsWith(`.${rule.host}`) : rule.host === wanted;
  });
}
