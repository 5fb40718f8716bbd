/**
 * The real program, run for one command.
 *
 * @module
 */
const MAIN = new URL("../../main.ts", import.meta.url).pathname;

/** Options of {@linkcode muxi}. */
export interface MuxiOptions {
  env?: Record<string, string>;
  cwd?: string;
  /** The standard input; empty unless told. */
  input?: string;
}

/** How a command ended. */
export interface Ended {
  code: number;
  out: string;
  err: string;
}

/** The command that starts the program, ready to be spawned. */
export function muxiCommand(args: readonly string[], { env = {}, cwd }: Omit<MuxiOptions, "input"> = {}) {
  const { PATH = "", HOME = "", DENO_DIR } = Deno.env.toObject();
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", "--unstable-no-legacy-abort", MAIN, ...args],
    clearEnv: true,
    env: { PATH, HOME, ...DENO_DIR !== undefined && { DENO_DIR }, NO_COLOR: "1", MODEL_PROVIDER: "offline", ...env },
    ...cwd !== undefined && { cwd },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  });
}

/** Runs the program with `args` to its end. */
export async function muxi(args: readonly string[], options: MuxiOptions = {}): Promise<Ended> {
  const child = muxiCommand(args, options).spawn();
  const writer = child.stdin.getWriter();
  const written = writer.write(new TextEncoder().encode(options.input ?? "")).then(() => writer.close());
  const { code, stdout, stderr } = await child.output();
  // A program that does not read its input is free to end before it is written.
  await written.catch(() => {});
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}
