/**
 * Requests to one server: its secrets only to itself, every body bounded, every abort heard.
 *
 * @module
 */
import { boundBody, type OpenBodies } from "./bounded_body.ts";
import type { Resolved } from "./credentials.ts";
import { NotSent } from "./ending.ts";
import { MAX_MESSAGE, MAX_OAUTH_ANSWER } from "./limits.ts";

const LEADS_ON: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const MAX_HOPS = 3;

/** The server couldn't be reached, or the connection broke. The message has no address, and so no secret, in it. */
export class NetworkFailure extends Error {
  override readonly name = "NetworkFailure";
  /** Whether the request may have arrived. */
  readonly sent: boolean;

  constructor(reason: string, { sent, cause }: { sent: boolean; cause?: unknown }) {
    super(reason, { cause });
    this.sent = sent;
  }
}

/** What a server said when it let us not in. */
export interface Challenge {
  status: number;
  /** The challenge's `error_description`, or its `error`. */
  reason: string | undefined;
}

/** A fetch for one server. */
export interface ServerFetch {
  (input: string | URL, init?: RequestInit): Promise<Response>;
  /** For signing in: what that is refused says nothing of the server itself. */
  aside(input: string | URL, init?: RequestInit): Promise<Response>;
  /** The last refusal, 401 or 403. */
  challenge: Challenge | undefined;
  /** Why the last request got no answer; undefined where it got one. */
  failure: NetworkFailure | undefined;
}

/** Builds a {@linkcode ServerFetch}. */
export function createServerFetch(
  url: URL,
  { headers, query }: Pick<Resolved, "headers" | "query">,
  bodies: OpenBodies,
): ServerFetch {
  const request = async (input: string | URL, init: RequestInit, onRefused: (challenge: Challenge) => void) => {
    const target = new URL(input);
    const own = target.origin === url.origin;
    const all = new Headers(init.headers);
    if (own) {
      for (const [name, value] of Object.entries(headers)) if (!all.has(name)) all.set(name, value);
      for (const [name, value] of Object.entries(query)) target.searchParams.set(name, value);
    } else refuseUnsafe(target, url);
    serverFetch.failure = undefined;
    const response = await follow(target, { ...init, headers: all }).catch((error) => {
      if (error instanceof NetworkFailure) serverFetch.failure = error;
      throw error;
    });
    if (own && (response.status === 401 || response.status === 403)) {
      onRefused({ status: response.status, reason: reasonOf(response) });
    }
    return boundBody(response, {
      bodies,
      limit: own ? MAX_MESSAGE : MAX_OAUTH_ANSWER,
      ...init.signal && { signal: init.signal },
    });
  };
  const serverFetch: ServerFetch = Object.assign(
    (input: string | URL, init: RequestInit = {}) => {
      return request(input, init, (challenge) => void (serverFetch.challenge = challenge));
    },
    {
      aside: (input: string | URL, init: RequestInit = {}) => request(input, init, () => {}),
      challenge: undefined,
      failure: undefined,
    },
  );
  return serverFetch;
}

/** What a server names for signing in must not lead us to where only we can go. */
function refuseUnsafe(target: URL, server: URL): void {
  if (target.protocol === "https:" || (isLoopback(target) && isLoopback(server))) return;
  throw new NotSent(`The server names "${target.origin}" for signing in, which isn't https`);
}

/** Whether `url` is of this machine. */
export function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}

/** Where a server leads us on its own address. To another our headers would go along, and to some only we can get. */
async function follow(target: URL, init: RequestInit): Promise<Response> {
  const refuse = (why: string) => new NetworkFailure(why, { sent: true });
  for (let place = target, hops = 0;; hops++) {
    const response = await send(place, init);
    const location = LEADS_ON.has(response.status) ? response.headers.get("location") : null;
    if (location === null) return response;
    await response.body?.cancel();
    const next = URL.parse(location, place);
    if (next?.origin !== target.origin) {
      throw refuse(`it leads to another server, "${next?.origin ?? "?"}": give that address if it is the right one`);
    }
    if (response.status < 307 && (init.method ?? "GET") !== "GET") throw refuse("it leads on without taking a message");
    if (hops >= MAX_HOPS) throw refuse("it leads on too often");
    place = next;
  }
}

async function send(target: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(target, { ...init, redirect: "manual" });
  } catch (cause) {
    if (init.signal?.aborted || !(cause instanceof Error)) throw cause;
    const { message } = cause.cause instanceof Error ? cause.cause : cause;
    // Deno's words are: error sending request for url (…): client error (Connect): tcp connect error: …
    const [, step, words] = /client error \((\w+)\): (.*)$/s.exec(message) ?? [];
    throw new NetworkFailure(words ?? message.replaceAll(/https?:\S+/g, "the server"), {
      sent: step !== "Connect",
      cause,
    });
  }
}

function reasonOf({ headers }: Response): string | undefined {
  const challenge = headers.get("www-authenticate") ?? "";
  const value = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(challenge)?.[1];
  return value("error_description") ?? value("error");
}
