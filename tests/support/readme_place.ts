/**
 * A checkout and a home of its own, in which the README is followed line by line.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { untilListening } from "./listening.ts";

const root = new URL("../../", import.meta.url).pathname;
/** The address that the README shows. */
const SHOWN = "http://127.0.0.1:8000";
/** What only somebody with a server can say. */
const NAMES_SERVER = /127\.0\.0\.1:8000|\$KEY\b|sk_muxi_\w+…/;
/** Variables without which some machines reach no registry. */
const PASSED = /^(npm_config_.*|https?_proxy|no_proxy|node_extra_ca_certs|deno_(cert|tls_ca_store))$/i;
/** What a fresh checkout has not. */
const PRIVATE = new Set([".git", ".env", "data", "dist"]);

/** A server that a line of the README started. */
interface Server extends AsyncDisposable {
  url: string;
  user_key: string;
  admin_key: string;
}

/** Where the README is followed. */
export interface ReadmePlace extends AsyncDisposable {
  /** The checkout. */
  folder: string;
  /** Stands in for the machine's root. */
  machine: string;
  /** Runs `command` to its end, and gives its standard output. Throws when it fails. */
  run(command: string): Promise<string>;
  /** Starts a server by `command`, in the place of the one before it. */
  start(command: string, env?: Record<string, string>): Promise<void>;
  /** Runs what changes the machine, below {@linkcode machine}. */
  install(command: string): Promise<void>;
}

/** Opens a place in which `exports` hold from the beginning. */
export async function openReadmePlace(exports: readonly string[] = []): Promise<ReadmePlace> {
  await using stack = new AsyncDisposableStack();
  const top = await Deno.makeTempDir({ prefix: "muxi-readme-" });
  stack.defer(() => Deno.remove(top, { recursive: true }));
  const [folder, home, bin, machine] = ["muxi", "home", "bin", "machine"].map((name) => `${top}/${name}`) as [
    string,
    string,
    string,
    string,
  ];
  await checkOut(folder);
  for (const one of [home, bin, `${machine}/usr/local/bin`, `${machine}/etc/systemd/system`, `${folder}/dist`]) {
    await Deno.mkdir(one, { recursive: true });
  }
  await Deno.symlink(Deno.execPath(), `${bin}/deno`);
  for (const path of [`${bin}/muxi`, `${folder}/dist/muxi`]) {
    const flags = "--quiet -A --unstable-no-legacy-abort";
    await Deno.writeTextFile(path, `#!/bin/sh\nexec "${Deno.execPath()}" run ${flags} "${root}main.ts" "$@"\n`, {
      mode: 0o755,
    });
  }
  // Otherwise curl is content with an error as an answer.
  await Deno.writeTextFile(`${home}/.curlrc`, "fail-with-body\nsilent\nshow-error\n");

  const outer = Deno.env.toObject();
  const env = {
    ...Object.fromEntries(Object.entries(outer).filter(([name]) => PASSED.test(name))),
    PATH: `${home}/.local/bin:${bin}:${outer.PATH}`,
    HOME: home,
    // What was fetched before is not fetched for every home.
    DENO_DIR: outer.DENO_DIR ?? `${outer.XDG_CACHE_HOME ?? `${outer.HOME}/.cache`}/deno`,
    npm_config_cache: outer.npm_config_cache ?? `${outer.HOME}/.npm`,
    npm_config_userconfig: outer.npm_config_userconfig ?? `${outer.HOME}/.npmrc`,
    NO_COLOR: "1",
    MODEL_PROVIDER: "offline",
  };
  const prelude = [...exports];
  let server: Server | undefined;
  let last_run = "";
  stack.defer(() => server?.[Symbol.asyncDispose]());

  /** Puts what is there in the place of what the README shows. */
  const filled = (command: string) => {
    const text = command
      .replaceAll(SHOWN, server?.url ?? SHOWN)
      .replaceAll("sk_muxi_user_…", server?.user_key ?? "")
      .replaceAll("sk_muxi_admin_…", server?.admin_key ?? "")
      .replaceAll("run_01…", last_run);
    assert.ok(!text.includes("…"), `Nothing says what "…" stands for in: ${command}`);
    return text;
  };
  const bash = (script: string, more: Record<string, string> = {}) => ({
    args: ["-euo", "pipefail", "-c", script],
    cwd: folder,
    clearEnv: true,
    env: { ...env, ...more },
    stdin: "null" as const,
  });
  const run = async (command: string) => {
    // Who reads on from the start of the README has a server.
    if (server === undefined && NAMES_SERVER.test(command)) await start("deno task start");
    const script = [...prelude, command].map(filled).join("\n");
    const { success, stdout, stderr } = await new Deno.Command("bash", bash(script)).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)) as [string, string];
    assert.ok(success, `The README says: ${command}\n${out}${err}`);
    if (command.startsWith("export ")) prelude.push(command);
    last_run = /\brun_\w{26}\b/.exec(out)?.[0] ?? last_run;
    return out;
  };
  const start = async (command: string, more: Record<string, string> = {}) => {
    await server?.[Symbol.asyncDispose]();
    server = undefined;
    const line = command.replace(/--port \d+/, "--port 0").replace(/\bsk-…/, "sk-scripted");
    server = await startServer(line, bash(line, { MUXI_PORT: "0", MUXI_LOG_FORMAT: "json", ...more }));
  };
  const owned = stack.move();
  return {
    folder,
    machine,
    run,
    start,
    async install(command) {
      await run(command.replace(/^sudo /, "").replaceAll(/ \/(usr|etc)\//g, ` ${machine}/$1/`));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A checkout as git would make it, by links. */
async function checkOut(folder: string): Promise<void> {
  await Deno.mkdir(folder);
  for await (const { name } of Deno.readDir(root)) {
    if (!PRIVATE.has(name)) await Deno.symlink(`${root}${name}`, `${folder}/${name}`);
  }
}

/** Starts a server in a group of processes of its own, since a launcher such as npx passes no signal on. */
async function startServer(command: string, options: Deno.CommandOptions): Promise<Server> {
  const child = new Deno.Command("bash", { ...options, detached: true, stdout: "piped", stderr: "piped" }).spawn();
  const { url, texts, drained } = await untilListening(child);
  if (url === undefined) {
    await child.status;
    assert.fail(`The README says: ${command}\n${texts.stdout}${texts.stderr}`);
  }
  return {
    url,
    user_key: /sk_muxi_user_\w+/.exec(texts.stdout)?.[0] ?? "",
    admin_key: /sk_muxi_admin_\w+/.exec(texts.stdout)?.[0] ?? "",
    async [Symbol.asyncDispose]() {
      try {
        Deno.kill(-child.pid, "SIGTERM");
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
      await drained;
      await child.status;
    },
  };
}
