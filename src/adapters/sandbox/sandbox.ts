/**
 * Programs of strangers: those in JavaScript under the broker, all others in a
 * box, none without the policy saying so.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import { isTrusted } from "../../domain/policy.ts";
import type { Process, Program, Sandbox, SandboxAbilities, StartOptions } from "../../ports/sandbox.ts";
import { Broker } from "./broker.ts";
import { ceilingKeepers } from "./ceilings_limits.ts";
import { toScript } from "./command_line.ts";
import { Grants } from "./grants.ts";
import { HiddenFiles } from "./hidden_files.ts";
import { type JavascriptDeps, startJavascript } from "./javascript.ts";
import { toLeastProfile, toNotes, toRefused } from "./least_profile.ts";
import { mergeProfile } from "./merge_profile.ts";
import { namedFolders } from "./named_folders.ts";
import { startNative } from "./native.ts";
import { type OsAbilities, osAbilities } from "./os_abilities.ts";
import { sweepOwnFolders } from "./own_folder.ts";
import { Packages } from "./packages.ts";
import { realPathOf } from "./real_path.ts";
import { toWatched } from "./watchable.ts";

/** The most denials that are remembered as told. */
const MAX_TOLD = 1000;

/** Options for {@linkcode createSandbox}. */
export interface SandboxOptions {
  /** Where fetched packages are kept. */
  dir: string;
  /** The Deno that runs programs. */
  deno: string;
  /** Folders and files that no program ever sees, such as that of our data. Asked at each start. */
  hidden(): readonly string[];
  /** The server's own environment: what policies hand on, and how the registry is reached. */
  env: Readonly<Record<string, string>>;
  clock: Clock;
  log: Log;
  /** What the operating system can do; found out when absent. */
  abilities?: OsAbilities;
}

/** Makes the sandbox. It holds nothing while no program runs. */
export function createSandbox(options: SandboxOptions): Sandbox {
  const { dir, deno, env, clock, log } = options;
  const packages = new Packages({ dir: join(dir, "packages"), deno, clock, log });
  const broker = new Broker();
  const grants = new Grants();
  const hiddenFiles = new HiddenFiles();
  let swept: Promise<void> | undefined;
  let found = options.abilities === undefined ? undefined : Promise.resolve(options.abilities);
  const told = new Set<string>();
  /** A program is started anew for each era of the protocol, and whenever it fails. */
  const isNews = (denial: string) => {
    if (told.has(denial)) return false;
    if (told.size >= MAX_TOLD) told.clear();
    told.add(denial);
    return true;
  };
  const depsNow = async (): Promise<JavascriptDeps> => {
    const abilities = await (found ??= osAbilities());
    const hidden = options.hidden();
    const gone = await hiddenFiles.gone(hidden);
    return { deno, hidden, gone, env, abilities, broker, packages, grants, clock };
  };
  const sweep = async () => {
    try {
      await sweepOwnFolders();
      await packages.sweep();
    } catch (error) {
      log.warn("Cannot remove what programs of earlier days have left", { error });
    }
  };

  async function start(program: Program, given: StartOptions): Promise<Process> {
    const { policy, signal } = given;
    signal.throwIfAborted();
    const startOptions: StartOptions = {
      ...given,
      onDenied(words) {
        const level = isNews(`${program.name}: ${words}`) ? "warn" : "debug";
        log[level]("Denied by the sandbox", { server: program.name, policy: policy.id, words });
        given.onDenied?.(words);
      },
    };
    await (swept ??= sweep());
    const deps = await depsNow();
    const trusted = isTrusted(policy, program.name);
    if (policy.sandbox.unsandboxed && !trusted) {
      log.warn("A policy lets only the servers run unsandboxed that it names in full", {
        server: program.name,
        policy: policy.id,
      });
    }
    const script = trusted ? undefined : toScript(program);
    const process = script === undefined
      ? await startNative(program, startOptions, deps)
      : await startJavascript({ program, script }, startOptions, deps);
    log.info("Started a program", {
      server: program.name,
      pid: process.pid,
      tier: process.report.tier,
      policy: policy.id,
    });
    process.exited.then((end) => {
      const counts = process.report.decisions();
      const sum = (key: "allowed" | "denied") => counts.reduce((total, decision) => total + decision[key], 0);
      log.info("A program has ended", {
        server: program.name,
        pid: process.pid,
        end,
        allowed: sum("allowed"),
        denied: sum("denied"),
      });
    });
    return process;
  }

  return {
    start,
    abilities: async () => toAbilities(await depsNow()),
    async learn(program, { policy, signal, drive }) {
      const script = toWatched(program);
      await (swept ??= sweep());
      const process = await startJavascript({ program, script }, { policy, signal, learning: true }, await depsNow());
      try {
        await drive(process);
      } finally {
        await process.kill();
      }
      const decisions = process.report.decisions();
      const named = namedFolders(program);
      const { cwd = "/" } = program;
      const present = policy.sandbox;
      const { least, profile, unused } = mergeProfile({
        present,
        least: toLeastProfile({ decisions, profile: present, named, exists: existsSync }),
        real: (path) => realPathOf(path, { cwd, root: "" }) ?? path,
      });
      return {
        profile: least,
        merged: profile,
        unused,
        refused: toRefused(decisions),
        notes: toNotes(decisions, program),
      };
    },
  };
}

function toAbilities({ abilities }: JavascriptDeps): SandboxAbilities {
  const { bubblewrap, notes } = abilities;
  const ceilings = ceilingKeepers(abilities);
  if (bubblewrap !== undefined) return { javascript: "full", native: "full", ceilings, notes };
  return {
    javascript: "broker",
    native: "none",
    ceilings,
    notes: [
      ...notes,
      "Programs in JavaScript are held by Deno's permissions alone: that stops what is careless, and not every attack",
    ],
  };
}
