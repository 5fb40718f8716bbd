/**
 * The sandbox, with a folder of its own, and programs in it.
 *
 * @module
 */
import { createSandbox } from "../../src/adapters/sandbox/sandbox.ts";
import { Policy, type SandboxProfile } from "../../src/domain/policy.ts";
import { systemClock } from "../../src/kit/clock.ts";
import { createLog } from "../../src/kit/log.ts";
import type { Process, Sandbox, StartOptions } from "../../src/ports/sandbox.ts";

/** The part of a policy that is for programs, as people write it. */
export type ProfileInput = Partial<SandboxProfile>;

/** How strictly programs are held: with all that the machine has, or as where there is no bubblewrap. */
export type Walls = "full" | "broker";

/** A sandbox for a test. */
export interface SandboxWorld extends AsyncDisposable {
  sandbox: Sandbox;
  /** A folder, removed at the end, with real path. */
  dir: string;
  /** What was denied, in words. */
  denied: string[];
  /** Starts a script of `dir`. */
  run(file: string, options?: RunOptions): Promise<Process>;
}

/** Options for {@linkcode SandboxWorld.run}. */
export interface RunOptions {
  args?: string[];
  profile?: ProfileInput;
  ask?: NonNullable<StartOptions["ask"]>;
  onGranted?: NonNullable<StartOptions["onGranted"]>;
  env?: Record<string, string>;
  signal?: AbortSignal;
}

/** The environment that the tests were started with, and a secret that no program may see. */
export function testEnvironment(): Record<string, string> {
  return { ...Deno.env.toObject(), MUXI_TEST_SECRET: "TOP SECRET" };
}

/** Makes a policy called `strict` of its part for programs. */
export function toPolicy(profile: ProfileInput = {}) {
  return { id: "strict", ...Policy.parse({ sandbox: profile }) };
}

/**
 * Opens a sandbox, with `env` beside our own environment. Its folder is not below `/tmp`, of which a box has its own.
 * `hidden` names files of that folder that are MUXI's own.
 */
export async function openSandbox(
  walls: Walls,
  env: Record<string, string> = {},
  hidden: readonly string[] = [],
): Promise<SandboxWorld> {
  const dir = await Deno.realPath(await Deno.makeTempDir({ dir: "/var/tmp", prefix: "muxi-sandbox-" }));
  const sandbox = createSandbox({
    dir: `${dir}/data/sandbox`,
    deno: Deno.execPath(),
    hidden: () => [`${dir}/data`, ...hidden.map((path) => `${dir}/${path}`)],
    env: { ...testEnvironment(), ...env },
    clock: systemClock,
    log: createLog({ level: "error", format: "text", write: () => {} }),
    ...walls === "broker" && { abilities: { notes: ["No bubblewrap in this test"] } },
  });
  await Deno.mkdir(`${dir}/data`, { recursive: true });
  const running = new Set<Process>();
  const denied: string[] = [];
  return {
    sandbox,
    dir,
    denied,
    async run(file, { args = [], profile = {}, ask, onGranted, env = {}, signal = new AbortController().signal } = {}) {
      const process = await sandbox.start(
        { name: "stranger", command: "deno", args: ["run", "-A", `${dir}/${file}`, ...args], env, cwd: dir },
        {
          policy: toPolicy(profile),
          signal,
          onDenied: (words) => denied.push(words),
          ...ask && { ask },
          ...onGranted && { onGranted },
        },
      );
      running.add(process);
      process.exited.finally(() => running.delete(process));
      return process;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...running].map((process) => process.kill()));
      await Deno.remove(dir, { recursive: true });
    },
  };
}

/** All that a program says until its end. */
export async function textOf(process: Process): Promise<string> {
  const text = await new Response(process.stdout).text();
  await process.exited;
  return text;
}
