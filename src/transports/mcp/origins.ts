/**
 * Protection from pages that pretend to be on this machine (DNS rebinding).
 *
 * @module
 */
import { hostOf } from "../request.ts";

/** Options for {@linkcode createOriginCheck}. */
export interface OriginOptions {
  /** The address the server listens on. */
  host: string;
  /** Whether a proxy stands before it, which decides what names it is reached by. */
  proxied: boolean;
  /** Whether pages of an origin may use the server (`server.cors`). */
  allows(origin: string): boolean;
}

const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

function nameOf(address: string): string {
  return URL.parse(address)?.hostname.toLowerCase() ?? "";
}

/**
 * Makes the check: what is wrong with where a request says it comes from or goes
 * to, if anything. A server that only this machine reaches is reached by the
 * names of this machine. A page may come from the server itself, from this
 * machine when the server is only there, or from where `allows` says.
 */
export function createOriginCheck({ host, proxied, allows }: OriginOptions): (request: Request) => string | undefined {
  const listening = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  const isLocal = LOOPBACK.test(listening) && !proxied;
  return (request) => {
    const { headers } = request;
    const asked = hostOf(request);
    const isOurs = asked === "" || LOOPBACK_HOST.test(asked) || LOOPBACK.test(nameOf(`http://${asked}`));
    if (isLocal && !isOurs && !allows(`http://${asked}`) && !allows(`https://${asked}`)) {
      return `Cannot serve the host "${asked.slice(0, 100)}": expected a name of this machine`;
    }
    const origin = headers.get("origin");
    if (origin === null || allows(origin)) return undefined;
    const from = nameOf(origin);
    const isOwn = from !== "" && URL.parse(origin)?.host === asked.toLowerCase();
    if (isOwn || (isLocal && LOOPBACK.test(from))) return undefined;
    return `Cannot serve the origin "${origin.slice(0, 100)}": the setting server.cors doesn't name it`;
  };
}
