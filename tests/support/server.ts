/**
 * A whole server in this process, on a random port, with a folder of its own.
 *
 * @module
 */
import { type App, type AppOptions, createApp } from "../../src/app.ts";
import { createLog } from "../../src/kit/log.ts";
import { Settings } from "../../src/settings/schema.ts";
import { listen } from "../../src/transports/http/listen.ts";
import { within } from "./waiting.ts";

/** The keys of every test server. */
export const USER_KEY = "sk_muxi_user_for_tests_0123456789";
/** See {@linkcode USER_KEY}. */
export const ADMIN_KEY = "sk_muxi_admin_for_tests_0123456789";

/** Settings as a person would write them, in parts. */
export type SettingsInput = Parameters<typeof Settings.parse>[0] & Record<string, unknown>;

/** Options of {@linkcode startServer}. */
export interface ServerOptions extends AppOptions {
  settings?: Record<string, unknown>;
  /** The scripted provider's base URL; without it the offline model answers. */
  provider?: string;
  /** Where it listens, if not on 127.0.0.1: an address that only tests can reach. */
  host?: string;
  /** A folder that outlives the server; otherwise one is made and removed. */
  data_dir?: string;
  /** Gets every line of the log; none is shown otherwise. */
  onLog?: (line: string) => void;
}

/** A running server. */
export interface TestServer extends AsyncDisposable {
  app: App;
  /** Such as `http://127.0.0.1:40123`. */
  url: string;
  data_dir: string;
  /** Fetches a path below `/api/v1` with a key (the user's unless told), a JSON body and headers. */
  request(
    method: string,
    path: string,
    options?: {
      key?: string | null;
      body?: unknown;
      headers?: Record<string, string>;
      signal?: AbortSignal;
      redirect?: RequestRedirect;
    },
  ): Promise<Response>;
}

type Tree = Record<string, unknown>;

function merge(base: Tree, over: Tree): Tree {
  const out: Tree = { ...base };
  for (const [name, value] of Object.entries(over)) {
    const old = out[name];
    const both = [old, value].every((one) => typeof one === "object" && one !== null && !Array.isArray(one));
    out[name] = both ? merge(old as Tree, value as Tree) : value;
  }
  return out;
}

/** The settings of a test server. */
export function testSettings(data_dir: string, { settings = {}, provider }: ServerOptions = {}): Settings {
  const base: Tree = {
    data_dir,
    server: { port: 0, shutdown_seconds: 1 },
    auth: { user_api_key: USER_KEY, admin_api_key: ADMIN_KEY },
    limits: { enabled: false },
    log: { level: "warn", format: "json" },
    // A machine that is busy with tests is late, and what it was late for is heard nevertheless.
    rtc: { port: 0, max_lag_ms: 60_000, stale_audio_ms: 60_000 },
    model: { provider: provider === undefined ? "offline" : "openai", retries: 0 },
    providers: { openai: { base_url: provider ?? "", api_key: provider === undefined ? "" : "sk-scripted" } },
  };
  return Settings.parse(merge(base, settings));
}

/** Starts a server. Disposing it stops it and removes its folder. */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  await using stack = new AsyncDisposableStack();
  const data_dir = options.data_dir ?? await Deno.makeTempDir({ prefix: "muxi-test-" });
  if (options.data_dir === undefined) stack.defer(() => Deno.remove(data_dir, { recursive: true }));
  const log = createLog({
    level: options.onLog ? "debug" : "error",
    format: "json",
    write: options.onLog ?? (() => {}),
  });
  const app = stack.use(
    await createApp(testSettings(data_dir, options), { ...options, ports: { log, ...options.ports } }),
  );
  const listener = stack.use(
    listen(app.fetch, {
      host: options.host ?? "127.0.0.1",
      port: 0,
      onError: () => new Response(null, { status: 500 }),
    }),
  );
  stack.defer(() => app.drain(0));
  const url = listener.address;
  const owned = stack.move();
  return {
    app,
    url,
    data_dir,
    request(method, path, { key = USER_KEY, body, headers = {}, signal, redirect } = {}) {
      const answer = fetch(
        path.startsWith("http") ? path : `${url}${path.startsWith("^") ? path.slice(1) : `/api/v1${path}`}`,
        {
          method,
          headers: {
            ...key !== null && { authorization: `Bearer ${key}` },
            ...body !== undefined && { "content-type": "application/json" },
            ...headers,
          },
          ...body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) },
          ...signal && { signal },
          ...redirect && { redirect },
        },
      );
      return within(`an answer to ${method} ${path}`, answer);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
