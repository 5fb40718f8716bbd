/**
 * Starting the server as a process, and ending it as a power cut would.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import type { ChildLine, ChildOptions } from "./crash_child.ts";
import { endChild } from "./end_child.ts";
import { ADMIN_KEY, USER_KEY } from "./server.ts";
import { within } from "./waiting.ts";

const CHILD = fileURLToPath(new URL("./crash_child.ts", import.meta.url));
const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const BASE = ["run", "--quiet", "-A"];

/** Options of a request. */
export interface RequestOptions {
  key?: string;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** A server in a process of its own. */
export interface ServerProcess extends AsyncDisposable {
  pid: number;
  url: string;
  /** What it wrote to its standard error so far. */
  readonly errors: string;
  /** Resolves when it has ended. */
  status: Promise<Deno.CommandStatus>;
  /** Resolves when `story` has stopped. */
  stopped(story: string): Promise<void>;
  /** Ends it at once and waits for that. */
  kill(): Promise<void>;
  signal(name: Deno.Signal): void;
  /** Fetches a path below `/api/v1`. */
  request(method: string, path: string, options?: RequestOptions): Promise<Response>;
}

/** A process that ended before it served. */
export class NotServing extends Error {
  override readonly name = "NotServing";
  readonly code: number;

  constructor(code: number, errors: string) {
    super(`The process ended with ${code} before it served: ${errors}`);
    this.code = code;
  }
}

/** Starts `crash_child.ts`. */
export function startChild(options: ChildOptions): Promise<ServerProcess> {
  return start([...BASE, CHILD, JSON.stringify(options)], {}, (line) => JSON.parse(line) as ChildLine);
}

/** Starts `main.ts serve` on a free port with the scripted provider. */
export function startMain(
  { data_dir, provider, settings = {} }: { data_dir: string; provider: string; settings?: Record<string, string> },
): Promise<ServerProcess> {
  const env = {
    MUXI_DATA_DIR: data_dir,
    MUXI_PORT: "0",
    MUXI_RTC_PORT: "0",
    MUXI_USER_API_KEY: USER_KEY,
    MUXI_ADMIN_API_KEY: ADMIN_KEY,
    MODEL_PROVIDER: "openai",
    OPENAI_BASE_URL: provider,
    OPENAI_API_KEY: "sk-scripted",
    MUXI_MODEL_RETRIES: "0",
    MUXI_LIMITS_ENABLED: "false",
    MUXI_LOG_LEVEL: "warn",
    ...settings,
  };
  return start([...BASE, MAIN, "serve"], env, (line) => {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
    return url === undefined ? undefined : { url };
  });
}

async function start(
  args: string[],
  env: Record<string, string>,
  toLine: (line: string) => ChildLine | undefined,
): Promise<ServerProcess> {
  const child = new Deno.Command(Deno.execPath(), { args, env, stdin: "piped", stdout: "piped", stderr: "piped" })
    .spawn();
  const stops = new Map<string, PromiseWithResolvers<void>>();
  const stopOf = (story: string) => stops.getOrInsertComputed(story, () => Promise.withResolvers<void>());
  const serving = Promise.withResolvers<string>();
  let errors = "";
  const reading = [
    eachLine(child.stdout, (text) => {
      const line = toLine(text);
      if (line && "url" in line) serving.resolve(line.url);
      else if (line) stopOf(line.stopped).resolve();
    }),
    eachLine(child.stderr, (text) => errors += `${text}\n`),
  ];
  const ended = Promise.all([child.status, ...reading]).then(async ([status]) => {
    await child.stdin.close().catch(() => {});
    return status;
  });
  void ended.then(({ code }) => serving.reject(new NotServing(code, errors)));
  const kill = async () => {
    await endChild(child, "SIGKILL");
    await ended;
  };
  const url = await within("the server to serve", serving.promise, { seen: () => errors }).catch(async (error) => {
    await kill();
    throw error;
  });
  return {
    pid: child.pid,
    url,
    get errors() {
      return errors;
    },
    status: ended,
    stopped: (story) => stopOf(story).promise,
    kill,
    signal: (name) => child.kill(name),
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
    [Symbol.asyncDispose]: kill,
  };
}

async function eachLine(stream: ReadableStream<Uint8Array<ArrayBuffer>>, take: (line: string) => void): Promise<void> {
  let text = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (text + chunk).split("\n");
    text = lines.pop()!;
    lines.forEach(take);
  }
}
