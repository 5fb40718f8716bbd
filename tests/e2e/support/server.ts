/**
 * The server as its own process in a place, and a client for it.
 *
 * @module
 */
import { untilListening } from "../../support/listening.ts";
import type { Place, StartOptions } from "./place.ts";

/** How a process ended. */
export interface Ending {
  code: number;
  signal: Deno.Signal | null;
}

/** A server at work. */
export interface Server extends AsyncDisposable {
  pid: number;
  url: string;
  /** The key of applications, as the banner shows it. */
  key: string;
  banner: string;
  /** Everything it has said on standard error. */
  log(): string;
  request(path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  /** How it ended, once it has. */
  ended: Promise<Ending>;
  /** Sends a signal and waits for the end. */
  end(signal: Deno.Signal): Promise<Ending>;
}

/** Options of {@linkcode serve}. */
export interface ServeOptions extends StartOptions {
  args?: readonly string[];
}

/** Starts `muxi serve` in `place` and waits until it listens. */
export async function serve(place: Place, { args = [], ...options }: ServeOptions = {}): Promise<Server> {
  const child = place.spawn(["serve", "--port", "0", ...args], {
    ...options,
    env: { MUXI_LOG_FORMAT: "json", MUXI_SERVER_SHUTDOWN_SECONDS: "2", ...options.env },
  });
  const { url, texts, drained } = await untilListening(child);
  if (url === undefined) throw new Error(`The server ended with ${(await child.status).code}:\n${texts.stderr}`);
  const ended = drained.then(() => child.status).then(({ code, signal }) => ({ code, signal }));
  const key = options.env?.MUXI_USER_API_KEY ?? /sk_muxi_user_\w+/.exec(texts.stdout)?.[0] ?? "";
  return {
    pid: child.pid,
    url,
    key,
    banner: texts.stdout,
    log: () => texts.stderr,
    request: (path, body, headers = {}) =>
      fetch(`${url}${path}`, {
        method: body === undefined ? "GET" : "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
        ...body !== undefined && { body: JSON.stringify(body) },
      }),
    ended,
    end(signal) {
      child.kill(signal);
      return ended;
    },
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended.
      }
      await ended;
    },
  };
}
