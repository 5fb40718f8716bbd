/**
 * A server that takes calls, as a process of its own that tells what it holds.
 *
 * @module
 */
import type { PortCounts } from "../../src/adapters/webrtc/udp_port.ts";
import { endChild } from "./end_child.ts";
import { USER_KEY } from "./server.ts";
import { within } from "./waiting.ts";

const PROGRAM = new URL("./call_server_program.ts", import.meta.url).pathname;

/** Options for {@linkcode startCallServer}. */
export interface CallServerOptions {
  settings?: Record<string, unknown>;
  /** The base URL of a scripted provider. */
  provider?: string;
}

/** What the server holds, after garbage was collected. */
export interface Held {
  heap: number;
  external: number;
  /** Of the process, without the pages of V8's heap, which it gives back when it likes. */
  native: number;
  descriptors: number;
  timers: number;
  /** Of connections. */
  peers: number;
  names: number;
  remotes: number;
  expected: number;
  counts: PortCounts;
}

/** See the module. It has one tool, `wait`, which never answers. */
export interface CallServer extends AsyncDisposable {
  url: string;
  pid: number;
  /** The port of media. */
  media_port: number;
  /** What it has logged: warnings and errors, and what its runtime complains of. */
  log(): string;
  request(
    method: string,
    path: string,
    options?: { key?: string; body?: unknown; headers?: Record<string, string>; signal?: AbortSignal },
  ): Promise<Response>;
  held(): Promise<Held>;
  /** Stops it; resolves with the exit code, which is 0 if nothing kept it from ending. */
  stop(): Promise<number>;
}

/** How long a server that has stopped may take to end. */
const END_MS = 20_000;

/** Starts it. */
export async function startCallServer(options: CallServerOptions = {}): Promise<CallServer> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--v8-flags=--expose-gc", PROGRAM, JSON.stringify(options)],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let log = "";
  const reading = (async () => {
    for await (const piece of child.stderr.pipeThrough(new TextDecoderStream())) log += piece;
  })();
  let output = "";
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const untilServed = async () => {
    while (!output.includes("\n")) {
      const { done, value } = await reader.read();
      if (done) {
        await reading;
        throw new Error(`The server ended before it served: ${log}`);
      }
      output += value;
    }
  };
  await within("the server to serve", untilServed(), { seen: () => log }).catch(async (error) => {
    await endChild(child, "SIGKILL");
    throw error;
  });
  const { url, control, media_port } = JSON.parse(output) as { url: string; control: string; media_port: number };
  let stopping: Promise<number> | undefined;
  const stop = async () => {
    await child.stdin.close();
    const timer = setTimeout(() => child.kill("SIGKILL"), END_MS);
    const { code } = await child.status;
    clearTimeout(timer);
    await reader.cancel();
    await reading;
    return code;
  };
  return {
    url,
    pid: child.pid,
    media_port,
    log: () => log,
    request(method, path, { key = USER_KEY, body, headers = {}, signal } = {}) {
      return fetch(`${url}/api/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${key}`,
          ...body !== undefined && { "content-type": "application/json" },
          ...headers,
        },
        ...body !== undefined && { body: JSON.stringify(body) },
        ...signal && { signal },
      });
    },
    held: async () => await (await fetch(control)).json(),
    stop: () => stopping ??= stop(),
    [Symbol.asyncDispose]: async () => void await (stopping ??= stop()),
  };
}
