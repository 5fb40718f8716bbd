/**
 * Deno as a tool: it fetches packages, and tells what a script imports.
 *
 * @module
 */

/** What a command of Deno's said. */
export interface DenoOutput {
  success: boolean;
  output: string;
  /** The last lines of its errors. */
  errors: string;
}

/** Options for {@linkcode runDeno}. */
export interface RunDenoOptions {
  args: readonly string[];
  /** All of its environment. */
  env: Readonly<Record<string, string>>;
  cwd: string;
  signal: AbortSignal;
}

/** Runs `deno`, and whatever it starts ends with it. */
export async function runDeno(deno: string, { args, env, cwd, signal }: RunDenoOptions): Promise<DenoOutput> {
  const child = new Deno.Command(deno, {
    args: [...args],
    clearEnv: true,
    env: { ...env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", DENO_NO_PROMPT: "1" },
    cwd,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const end = () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
  };
  if (signal.aborted) end();
  signal.addEventListener("abort", end, { once: true });
  try {
    const { success, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    const errors = decoder.decode(stderr).split("Stack backtrace:")[0]!.trim().split("\n").slice(-3).join(" ");
    return { success, output: decoder.decode(stdout), errors: errors.slice(-600) };
  } finally {
    signal.removeEventListener("abort", end);
  }
}
