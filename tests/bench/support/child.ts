/**
 * Programs as processes of their own, and what they cost by the kernel's account.
 *
 * @module
 */
import { resolve } from "node:path";
import { endChild } from "../../support/end_child.ts";
import { within } from "../../support/waiting.ts";

/** The built file, if it is what is measured. */
export const BOX = Deno.env.get("MUXI_BIN") ? resolve(Deno.env.get("MUXI_BIN")!) : undefined;

/** The key of the measured server. */
export const BENCH_KEY = "sk_muxi_user_for_benches_0123456789";
/** See {@linkcode BENCH_KEY}. */
export const BENCH_ADMIN_KEY = "sk_muxi_admin_for_benches_0123456789";

const ROOT = new URL("../../../", import.meta.url).pathname;
/** Milliseconds in a tick of `/proc/PID/stat` on every Linux that Deno runs on. */
const TICK_MS = 10;

/** A process that serves. */
export interface Child extends AsyncDisposable {
  pid: number;
  /** Such as `http://127.0.0.1:40123`. */
  url: string;
  /** CPU of all its threads so far, in milliseconds. */
  cpuMs(): number;
  /** Memory in use, in kilobytes (`VmRSS`). */
  rssKb(): number;
  /** Open file descriptors. */
  descriptors(): number;
}

/** Options for {@linkcode startMuxi}. */
export interface MuxiOptions {
  /** The scripted provider's base URL; without it the offline model answers. */
  provider?: string;
  /** Where its data goes. */
  data_dir: string;
  /** Further variables. */
  env?: Record<string, string>;
  /** Where its log goes; nowhere unless told. */
  stderr?: "inherit" | "null";
  /** Further flags of the runtime, such as `--cpu-prof`; the built file has its own. */
  flags?: string[];
}

interface ChildOptions {
  env?: Record<string, string>;
  stderr?: "inherit" | "null";
  /** What is started instead of `deno run`. */
  bin?: string | undefined;
  /** Where it serves, for one whose output doesn't tell. */
  port?: number | undefined;
}

/** CPU of all threads of a process so far, in milliseconds. */
export function cpuMs(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The name in parentheses may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

function rssKb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1] ?? 0);
}

function descriptors(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

/** Waits until something serves at `port`; undefined when `ended` resolves before. */
async function toUrl(port: number, ended: Promise<unknown>): Promise<string | undefined> {
  let over = false;
  ended.then(() => over = true);
  while (!over) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return `http://127.0.0.1:${port}`;
    } catch {
      await pause(20);
    }
  }
}

/** Starts `deno run`, or `bin`, with `args` and waits until a line of its output holds an address, or `port` answers. */
export async function startChild(
  args: readonly string[],
  { env = {}, stderr = "inherit", bin, port }: ChildOptions = {},
): Promise<Child> {
  const [program, ...before] = bin === undefined ? [Deno.execPath(), "run", "-A"] : [bin];
  const kept = ["PATH", "HOME", "DENO_DIR"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const process = new Deno.Command(program!, {
    args: [...before, ...args],
    cwd: ROOT,
    clearEnv: true,
    env: { ...Object.fromEntries(kept), NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr,
  }).spawn();
  const reader = process.stdout.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .getReader();
  let text = "";
  const command = `"${[program, ...before, ...args].join(" ")}"`;
  const untilServed = async () => {
    let url = port === undefined ? undefined : await toUrl(port, process.status);
    while (url === undefined) {
      const { done, value } = await reader.read();
      if (done) throw new Error(`${command} ended before it served:\n${text}`);
      text += value;
      url = /https?:\/\/[\w.:]+(?=[^\n]*\n)/.exec(text)?.[0];
    }
    return url;
  };
  const url = await within(`${command} to serve`, untilServed(), { seen: () => text }).catch(async (error) => {
    await endChild(process, "SIGKILL");
    throw error;
  });
  const rest = (async () => {
    while (!(await reader.read()).done);
  })();
  const { pid } = process;
  return {
    pid,
    url,
    cpuMs: () => cpuMs(pid),
    rssKb: () => rssKb(pid),
    descriptors: () => descriptors(pid),
    async [Symbol.asyncDispose]() {
      await endChild(process);
      await rest;
    },
  };
}

/** Starts the file that `MUXI_BIN` names, or the sources, with limits off and only warnings logged. */
export function startMuxi({ provider, data_dir, env, stderr = "inherit", flags = [] }: MuxiOptions): Promise<Child> {
  return startChild(BOX === undefined ? [...flags, "main.ts", "serve"] : ["serve"], {
    stderr,
    bin: BOX,
    env: {
      ...BOX !== undefined && { MUXI_RUNTIME_DIR: `${data_dir}/runtime` },
      MUXI_HOST: "127.0.0.1",
      MUXI_PORT: "0",
      MUXI_RTC_PORT: "0",
      MUXI_DATA_DIR: data_dir,
      MUXI_USER_API_KEY: BENCH_KEY,
      MUXI_ADMIN_API_KEY: BENCH_ADMIN_KEY,
      MUXI_LIMITS_ENABLED: "false",
      MUXI_LOG_LEVEL: "warn",
      MUXI_SERVER_MAX_STREAMS_PER_KEY: "10000",
      MUXI_SERVER_SHUTDOWN_SECONDS: "1",
      ...provider === undefined
        ? { MODEL_PROVIDER: "offline" }
        : { MODEL_PROVIDER: "openai", OPENAI_BASE_URL: provider, OPENAI_API_KEY: "sk-scripted" },
      ...env,
    },
  });
}

/** Starts the scripted provider; its base URL ends with `/v1`. */
export async function startProvider(flags: readonly string[]): Promise<Child> {
  const child = await startChild(["tests/support/provider.ts", ...flags]);
  return Object.assign(child, { url: `${child.url}/v1` });
}

/** A folder that is removed at the end. */
export async function openFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir({ prefix: "muxi-bench-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
