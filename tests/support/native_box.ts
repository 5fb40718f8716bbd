/**
 * Programs in the sandbox of the operating system, as the tests of it start them.
 *
 * @module
 */
import { DEFAULT_POLICY, SandboxProfile } from "../../src/domain/policy.ts";
import { systemClock } from "../../src/kit/clock.ts";
import type { Process, StartOptions } from "../../src/ports/sandbox.ts";
import { startNative } from "../../src/adapters/sandbox/native.ts";
import { osAbilities } from "../../src/adapters/sandbox/os_abilities.ts";

/** Options of {@linkcode startBoxed}. */
export interface BoxedOptions {
  command: string;
  args?: string[];
  profile?: Partial<SandboxProfile>;
  env?: Record<string, string>;
  /** The server's own environment. */
  outside?: Record<string, string>;
  cwd?: string;
  /** Folders no program may see. */
  hidden?: string[];
  /** Those of them that were there and are gone. */
  gone?: string[];
  ask?: NonNullable<StartOptions["ask"]>;
  signal?: AbortSignal;
}

/** A program in a box, and what became of its questions. */
export interface Boxed extends AsyncDisposable {
  process: Process;
  /** What was denied, in words. */
  denied: string[];
  /** All it writes until its end, at most `bytes` of it. */
  output(bytes?: number): Promise<string>;
}

/** Starts `command` under the policy "strict". Disposing ends it. */
export async function startBoxed(options: BoxedOptions): Promise<Boxed> {
  const { command, args = [], profile = {}, env = {}, outside, cwd, hidden = [], gone = [], ask, signal } = options;
  const denied: string[] = [];
  const process = await startNative({ name: "guest", command, args, env, ...cwd !== undefined && { cwd } }, {
    policy: { ...DEFAULT_POLICY, id: "strict", sandbox: SandboxProfile.parse(profile) },
    signal: signal ?? new AbortController().signal,
    onDenied: (words) => denied.push(words),
    ...ask && { ask },
  }, {
    deno: Deno.execPath(),
    hidden,
    gone,
    abilities: await osAbilities(),
    clock: systemClock,
    env: outside ?? { PATH: "/usr/bin:/bin" },
  });
  return {
    process,
    denied,
    async output(bytes = 1_000_000) {
      const decoder = new TextDecoder();
      let text = "";
      for await (const chunk of process.stdout) {
        text += decoder.decode(chunk, { stream: true });
        if (text.length > bytes) break;
      }
      return text;
    },
    async [Symbol.asyncDispose]() {
      await process.kill();
    },
  };
}

/** Runs a few lines of Python in a box, and gives what it printed, its end and what was denied. */
export async function python(lines: string, options: Omit<BoxedOptions, "command" | "args"> = {}) {
  await using boxed = await startBoxed({ ...options, command: "/usr/bin/python3", args: ["-c", lines] });
  await boxed.process.stdin.close();
  const said = (await boxed.output()).trim();
  const end = await boxed.process.exited;
  return { said, end, errors: boxed.process.errors(), denied: boxed.denied, report: boxed.process.report };
}
