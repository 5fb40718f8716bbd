/**
 * The real program as a process of its own, on a random port, with a folder of its own.
 *
 * @module
 */
import { endChild } from "./end_child.ts";
import { ADMIN_KEY, USER_KEY } from "./server.ts";
import { Waiting } from "./waiting.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;

/** Options of {@linkcode startProgram}. */
export interface ProgramOptions {
  /** The file of settings, as its content in JSON. */
  settings?: Record<string, unknown>;
  env?: Record<string, string>;
}

/** The program at work. */
export interface Program extends AsyncDisposable {
  pid: number;
  /** Such as `http://127.0.0.1:40123`. */
  url: string;
  port: number;
  /** Its folder: `settings.json` and `data`. */
  dir: string;
  /** Everything it has written so far, both channels. */
  output(): string;
  /** Resolves once the output holds `text` after `from`. Rejects when the program ends before. */
  said(text: string, from?: number): Promise<void>;
  /** Writes other settings to the file it reads. */
  write(settings: Record<string, unknown>): Promise<void>;
  signal(signal: Deno.Signal): void;
}

/** What every program of the tests is started with; `settings` beat it. */
export function programSettings(dir: string, settings: Record<string, unknown> = {}): Record<string, unknown> {
  const { server = {}, auth = {}, ...rest } = settings as Record<string, Record<string, unknown>>;
  return {
    data_dir: `${dir}/data`,
    log: { level: "debug", format: "json" },
    limits: { enabled: false },
    model: { provider: "offline" },
    rtc: { port: 0 },
    ...rest,
    server: { port: 0, shutdown_seconds: 1, ...server },
    auth: { user_api_key: USER_KEY, admin_api_key: ADMIN_KEY, ...auth },
  };
}

/** Starts the program and waits until it listens. Disposing it ends it and removes its folder. */
export async function startProgram({ settings = {}, env = {} }: ProgramOptions = {}): Promise<Program> {
  const dir = await Deno.makeTempDir({ prefix: "muxi-program-" });
  const file = `${dir}/settings.json`;
  const write = (next: Record<string, unknown>) => Deno.writeTextFile(file, JSON.stringify(programSettings(dir, next)));
  await write(settings);
  const { PATH = "", HOME = "", DENO_DIR } = Deno.env.toObject();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", "--unstable-no-legacy-abort", MAIN, "serve", "--config", file],
    cwd: dir,
    clearEnv: true,
    env: { PATH, HOME, ...DENO_DIR !== undefined && { DENO_DIR }, NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let text = "";
  let over = false;
  const waiting = new Waiting();
  const drain = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      text += decoder.decode(chunk, { stream: true });
      waiting.told();
    }
  };
  const drained = Promise.all([drain(child.stdout), drain(child.stderr)]).then(() => {
    over = true;
    waiting.told();
  });
  const said = async (wanted: string, from = 0) => {
    const what = `the program to say ${JSON.stringify(wanted)}`;
    await waiting.until(what, () => {
      if (text.includes(wanted, from)) return true;
      if (over) throw new Error(`The program ended before it said ${JSON.stringify(wanted)}:\n${text}`);
    }, { seen: () => text });
  };
  const end = async () => {
    await Promise.all([endChild(child), drained]);
    await Deno.remove(dir, { recursive: true });
  };
  try {
    await said('"message":"Listening"');
    const url = /"message":"Listening","address":"([^"]+)"/.exec(text)![1]!;
    return {
      pid: child.pid,
      url,
      port: Number(new URL(url).port),
      dir,
      output: () => text,
      said,
      write,
      signal: (signal) => child.kill(signal),
      [Symbol.asyncDispose]: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}
