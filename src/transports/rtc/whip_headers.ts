/**
 * Headers of WHIP (RFC 9725).
 *
 * @module
 */
import type { IceServer } from "../../domain/rtc_signal.ts";
import { refusal } from "./whip_refusal.ts";

/** The strong tag of an ICE session. */
export function toEtag(ufrag: string): string {
  return `"${ufrag}"`;
}

/** The fragment of ours that a request means; null for whichever is in force. Refuses with 428 and 412. */
export function readIfMatch(header: string | null): string | null {
  const value = header?.trim() ?? "";
  if (value === "") throw refusal(428, "Cannot change the session: expected the header If-Match");
  if (value === "*") return null;
  // What was never given as a tag can't match.
  return /^"([A-Za-z0-9+/]{4,256})"$/.exec(value)?.[1] ?? refuseTag();
}

/** A tag that doesn't match. */
export function refuseTag(): never {
  throw refusal(412, "Cannot change the session: its ICE session is another by now");
}

/** Each server that helps the client, as a link. */
export function toLinks(servers: readonly IceServer[]): string[] {
  return servers.flatMap(({ urls, username, credential }) =>
    urls.map((url) => {
      const secret = username === undefined || credential === undefined
        ? ""
        : `; username="${username}"; credential="${credential}"; credential-type="password"`;
      return `<${url}>; rel="ice-server"${secret}`;
    })
  );
}

/** The type of a body, without its parameters. */
export function typeOf(headers: Headers): string {
  return headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
}
