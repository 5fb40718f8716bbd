/**
 * IP addresses: reading, writing, and lists of networks.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";

/** An address as 4 or 8 numbers, of 8 or 16 bits. */
type Parts = readonly number[];

/** The callers of a Unix socket, who are on this machine. */
export const LOCAL_SOCKET = "unix";
const LOOPBACK = ["127.0.0.0/8", "::1/128"];

/** Octal, hexadecimal and short forms are read differently by different programs: none is accepted. */
const V4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

function readV4(text: string): Parts | undefined {
  return V4.test(text) ? text.split(".").map(Number) : undefined;
}

function readGroups(text: string): number[] | undefined {
  if (text === "") return [];
  const groups = text.split(":");
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? groups.map((group) => parseInt(group, 16))
    : undefined;
}

function readV6(text: string): Parts | undefined {
  const last = text.slice(text.lastIndexOf(":") + 1);
  if (last.includes(".")) {
    const v4 = readV4(last);
    if (!v4) return;
    const [a, b, c, d] = v4 as [number, number, number, number];
    text = text.slice(0, -last.length) + (a << 8 | b).toString(16) + ":" + (c << 8 | d).toString(16);
  }
  const halves = text.split("::");
  const left = readGroups(halves[0]!);
  const right = halves.length === 2 ? readGroups(halves[1]!) : [];
  if (halves.length > 2 || !left || !right) return;
  const gap = 8 - left.length - right.length;
  if (halves.length === 2 ? gap < 1 : gap !== 0) return;
  return [...left, ...new Array<number>(gap).fill(0), ...right];
}

function read(text: string): Parts | undefined {
  if (text.length > 64) return;
  if (!text.includes(":")) return readV4(text);
  const v6 = readV6(text.replace(/%[\w.-]+$/, ""));
  const isMapped = v6 && v6.slice(0, 5).every((group) => group === 0) && v6[5] === 0xffff;
  return isMapped ? [v6[6]! >> 8, v6[6]! & 255, v6[7]! >> 8, v6[7]! & 255] : v6;
}

function write(parts: Parts): string {
  if (parts.length === 4) return parts.join(".");
  const text = parts.map((group) => group.toString(16)).join(":");
  // RFC 5952: the longest run of two or more zeros, the first of equals.
  const run = (text.match(/\b0(:0)+\b/g) ?? []).reduce((best, next) => next.length > best.length ? next : best, "");
  if (run === "") return text;
  const at = text.search(new RegExp(`(^|:)${run}(:|$)`));
  const start = text[at] === ":" ? at : at - 1;
  return `${text.slice(0, Math.max(0, start))}::${text.slice(start + 1 + run.length + 1)}`;
}

/** The one way to write `text`, an IP address: IPv4 in IPv6 as IPv4, no zone; undefined for anything else. */
export function toAddress(text: string): string | undefined {
  if (V4.test(text)) return text;
  const parts = read(text);
  return parts && write(parts);
}

interface Network {
  parts: Parts;
  bits: number;
}

function readNetwork(text: string): Network {
  const [address = "", prefix] = text.split("/");
  const parts = read(address);
  // A mapped network counts its bits from the IPv6 end.
  const shift = parts?.length === 4 && address.includes(":") ? 96 : 0;
  const width = parts?.length === 4 ? 32 : 128;
  const bits = prefix === undefined ? width : /^\d{1,3}$/.test(prefix) ? Number(prefix) - shift : -1;
  if (!parts || text.split("/").length > 2 || bits < 0 || bits > width) {
    throw new AppError(
      "ConfigurationError",
      `Cannot read "${text}": expected an IP address, a network such as "10.0.0.0/8", or "loopback"`,
    );
  }
  return { parts, bits };
}

function contains({ parts, bits }: Network, address: Parts): boolean {
  if (parts.length !== address.length) return false;
  const size = parts.length === 4 ? 8 : 16;
  for (let i = 0, rest = bits; rest > 0; i++, rest -= size) {
    const drop = rest >= size ? 0 : size - rest;
    if (parts[i]! >> drop !== address[i]! >> drop) return false;
  }
  return true;
}

/** Compiles addresses, networks and `loopback` to a test. Throws `ConfigurationError` for anything else. */
export function compileNetworks(list: readonly string[]): (address: string) => boolean {
  const withLoopback = list.includes("loopback");
  const networks = list.flatMap((entry) => entry === "loopback" ? LOOPBACK : [entry]).map(readNetwork);
  return (address) => {
    if (address === LOCAL_SOCKET) return withLoopback;
    const parts = networks.length > 0 ? read(address) : undefined;
    return parts !== undefined && networks.some((network) => contains(network, parts));
  };
}

const compiled = new WeakMap<readonly string[], (address: string) => boolean>();

/** Whether `address` is in one of `networks`, a list that is compiled once and must not change. */
export function matchesAny(address: string, networks: readonly string[]): boolean {
  let matches = compiled.get(networks);
  if (!matches) compiled.set(networks, matches = compileNetworks(networks));
  return matches(address);
}
