/**
 * A command line in a box: bubblewrap around it, limits on it, and its way to the network.
 *
 * @module
 */
import { McpFailure } from "../../domain/mcp_server.ts";
import type { Clock } from "../../kit/clock.ts";
import { bubblewrapArgs, OWN_FOLDERS, VARIABLES, variablesFile } from "./bubblewrap.ts";
import { makeOwnFolder } from "./own_folder.ts";
import { type Bind, bindProfile, parentsFirst } from "./bubblewrap_paths.ts";
import { measureAll, type Measured } from "./disk_watch.ts";
import { seccompFilter } from "./bubblewrap_seccomp.ts";
import { writeStubs } from "./bubblewrap_stubs.ts";
import { limitArgs } from "./ceilings_limits.ts";
import { setApart } from "./launcher_env.ts";
import { LAUNCHER, pinHosts, PROXY_ENV } from "./launcher.ts";
import type { OsAbilities } from "./os_abilities.ts";
import { startProxy } from "./proxy.ts";
import { NetJudge, type NetJudgeOptions } from "./proxy_judge.ts";

/** A command line that is to be confined. */
export interface Inner extends Omit<NetJudgeOptions, "net"> {
  command: string;
  args: readonly string[];
  /** All of its environment. */
  env: Readonly<Record<string, string>>;
  /** Where it starts, and where relative paths of the profile do. */
  cwd: string;
  /** What it sees in the place of folders of this machine. */
  copies?: readonly Bind[];
  /** What it needs beside what its profile lets it read and write. */
  binds: readonly Bind[];
  /** Folders that are empty, writable and gone with the box. */
  scratch?: readonly string[];
  /** The hosts it may reach, through our proxy alone. Empty: no network. */
  net: readonly string[];
}

/** What {@linkcode confine} needs of the world. */
export interface ConfineDeps {
  /** The Deno that relays connections inside. */
  deno: string;
  /** Folders and files that no program ever sees, such as that of our data. */
  hidden: readonly string[];
  /** Those of them that were there before and are not now. */
  gone: readonly string[];
  /** What {@linkcode osAbilities} found. */
  abilities: OsAbilities;
  clock: Clock;
}

/** A command line that may be started. */
export interface Confined {
  command: string;
  args: string[];
  env: Record<string, string>;
  cwd: string;
  /** What of this machine it can write to, as it was. */
  disk: readonly Measured[];
  /** Folders of its own that have sizes of their own. */
  scratch: readonly string[];
  /** What of the processes and megabytes is ours and not the program's. */
  overhead: { processes: number; memory_mb: number };
  /** Takes down what was made for it. To be called when the process is gone. */
  dispose(): Promise<void>;
}

/**
 * Opens the filter and the variables where bubblewrap expects them, and becomes bubblewrap: nothing but a shell hands
 * on an open file here. On its command line everybody on the machine could read the variables.
 */
const WITH_FILES = `exec 9<"$1" ${VARIABLES}<"$2" && shift 2 && exec "$@"`;
/** Where our own files are inside. */
const OURS = "/run/muxi";
const OUR_DENO = "/run/muxi-deno";
/** More than the launcher was ever seen to take. */
const LAUNCHER_MB = 96;

/** Puts a box around a command line. Rejects with `McpFailure` of kind `sandbox` where that can't be done. */
export async function confine(inner: Inner, deps: ConfineDeps): Promise<Confined> {
  const { profile, net, cwd, name, policy, copies = [], scratch = [] } = inner;
  const { deno, hidden, abilities, clock } = deps;
  const { bubblewrap, notes } = abilities;
  if (bubblewrap === undefined) {
    const words = `or, if you trust it like MUXI itself, set sandbox.unsandboxed in a policy whose servers name it ` +
      `in full (now it is held by "${policy}")`;
    throw new McpFailure("sandbox", `Cannot start "${name}" in a sandbox: ${[...notes, words].join("; ")}`, {
      sent: false,
    });
  }
  const bound = await bindProfile(inner, deps);
  await using made = new AsyncDisposableStack();
  const dir = await makeOwnFolder("box");
  made.defer(() => Deno.remove(dir, { recursive: true }));
  const seen = parentsFirst([...bound.profile, ...copies]);
  const writable = seen.filter(({ write }) => write).map(({ path }) => path);
  const disk = await measureAll([...new Set(writable)]);
  const connected = net.length > 0 || profile.ask.includes("net") || inner.open === true;
  const pins = connected ? pinHosts(net) : [];
  await writeStubs(dir, pins);
  await Deno.writeFile(`${dir}/filter`, seccompFilter(Deno.build.arch));
  const { open, apart } = setApart(inner.env);
  const ours: Bind[] = [{ path: dir, at: OURS, write: false }];
  let line = [...limitArgs(abilities, { profile, disk }), inner.command, ...inner.args];
  if (connected) {
    made.use(startProxy({ path: `${dir}/proxy.sock`, judge: new NetJudge(inner), clock }));
    const plan = { socket: `${OURS}/proxy.sock`, pins, env: apart, line };
    await Deno.writeTextFile(`${dir}/launcher.js`, LAUNCHER);
    await Deno.writeTextFile(`${dir}/plan.json`, JSON.stringify(plan), { mode: 0o600 });
    ours.push({ path: await Deno.realPath(deno), at: OUR_DENO, write: false });
    line = [OUR_DENO, "run", "--quiet", "--no-config", "--no-lock", "--no-prompt", "--cached-only", "--allow-all"];
    line.push(`${OURS}/launcher.js`, `${OURS}/plan.json`);
  }
  const setenv = connected ? { DENO_NO_UPDATE_CHECK: "1" } : apart;
  await Deno.writeTextFile(`${dir}/variables`, variablesFile(setenv), { mode: 0o600 });
  const args = await bubblewrapArgs(bubblewrap, {
    ...bound,
    profile: seen,
    scratch,
    binds: [...inner.binds, ...ours],
    hidden,
    stubs: dir,
    disk_mb: profile.disk_mb,
    cwd,
  });
  const stack = made.move();
  return {
    command: "/bin/sh",
    args: [
      ...["-c", WITH_FILES, "sh", `${dir}/filter`, `${dir}/variables`],
      ...[bubblewrap.path, "--seccomp", "9", ...args, "--", ...line],
    ],
    env: { HOME: "/tmp", TMPDIR: "/tmp", ...connected && PROXY_ENV, ...open },
    cwd: "/",
    disk,
    scratch: [...OWN_FOLDERS, ...scratch],
    overhead: connected ? { processes: 3, memory_mb: LAUNCHER_MB } : { processes: 2, memory_mb: 0 },
    dispose: () => stack.disposeAsync(),
  };
}
