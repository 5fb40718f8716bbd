/**
 * What a program asks of a proxy: a tunnel, or a request by plain HTTP.
 *
 * @module
 */
import { readHostPort } from "./addresses.ts";

/** A request, read and made ready. */
export interface ProxyRequest {
  host: string;
  port: number;
  /** What goes to the host first; absent for a tunnel. */
  forward?: Uint8Array<ArrayBuffer>;
}

const LINE = /^([A-Z][A-Z-]{0,19}) (\S+) HTTP\/1\.[01]$/;
const HEADER = /^([\w!#$%&'*+.^`|~-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/;
/** Meant for the proxy, or for one connection. */
const OURS = /^(proxy-.*|connection|keep-alive|host|te)$/i;

/** Reads `head`, which ends before its empty line; undefined where it is malformed. */
export function readProxyRequest(head: string): ProxyRequest | undefined {
  const [first = "", ...lines] = head.split("\r\n");
  const [, method, target] = LINE.exec(first) ?? [];
  if (method === undefined || target === undefined) return;
  const headers = lines.map((line) => HEADER.exec(line));
  if (headers.includes(null)) return;
  if (method === "CONNECT") {
    const at = readHostPort(target);
    return at?.port === undefined ? undefined : { host: at.host, port: at.port };
  }
  const url = URL.parse(target);
  if (url?.protocol !== "http:" || url.username !== "" || url.password !== "") return;
  const kept = headers.filter((header) => !OURS.test(header![1]!));
  const upgrade = kept.some((header) => /^upgrade$/i.test(header![1]!));
  const text = [
    `${method} ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    ...kept.map((header) => header![0]),
    // One request a connection, so that no second one slips past the check.
    `Connection: ${upgrade ? "Upgrade" : "close"}`,
    "\r\n",
  ].join("\r\n");
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? 80 : Number(url.port),
    forward: Uint8Array.from(text, (letter) => letter.charCodeAt(0)),
  };
}
