/**
 * The real program on a real terminal: a pseudo-terminal of `script` (util-linux), with somebody at the keys.
 *
 * @module
 */
import { endChild } from "./end_child.ts";
import { Screen } from "./screen.ts";
import { Waiting, within } from "./waiting.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

/** Options of {@linkcode openTerminal}. */
export interface TerminalProgramOptions {
  args: string[];
  env?: Record<string, string>;
  cwd: string;
  columns?: number;
  rows?: number;
}

/** Somebody at a terminal. */
export interface TerminalProgram extends AsyncDisposable {
  /** Everything the program wrote, in pieces, with the seconds since its start. */
  readonly pieces: [number, string][];
  /** What a person sees, and what scrolled away above. Fails when the program wrote anything hostile. */
  lines(): string[];
  type(keys: string): Promise<void>;
  /** Resolves once the screen shows `text` in its lines from number `from` on. Rejects when the program ends before. */
  shows(text: string, from?: number): Promise<void>;
  /** Resolves with the exit code. */
  ended: Promise<number>;
}

/** Whether this machine can give one. */
export async function hasTerminals(): Promise<boolean> {
  try {
    const { success, stdout } = await new Deno.Command("script", { args: ["--version"] }).output();
    return success && new TextDecoder().decode(stdout).includes("util-linux");
  } catch {
    return false;
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Starts the program on a terminal. Disposing it ends it. */
export function openTerminal(
  { args, env = {}, cwd, columns = 72, rows = 24 }: TerminalProgramOptions,
): TerminalProgram {
  const { PATH = "", HOME = "", DENO_DIR } = Deno.env.toObject();
  const program = [
    Deno.execPath(),
    ...["run", "--quiet", "-A", "--unstable-no-legacy-abort", "--config", CONFIG, MAIN],
    ...args,
  ];
  const command = `stty cols ${columns} rows ${rows}; exec ${program.map(quote).join(" ")}`;
  const child = new Deno.Command("script", {
    args: ["--quiet", "--flush", "--return", "--echo", "never", "--command", command, "/dev/null"],
    cwd,
    clearEnv: true,
    env: { PATH, HOME, TERM: "xterm-256color", LANG: "C.UTF-8", ...DENO_DIR !== undefined && { DENO_DIR }, ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const keys = child.stdin.getWriter();
  const screen = new Screen({ columns, rows });
  const pieces: [number, string][] = [];
  const started = performance.now();
  let failure: unknown;
  let over = false;
  const waiting = new Waiting();
  const read = async () => {
    const decoder = new TextDecoder();
    let held = "";
    for await (const chunk of child.stdout) {
      const text = decoder.decode(chunk, { stream: true });
      pieces.push([(performance.now() - started) / 1000, text]);
      // An order may come in two parts.
      const whole = held + text;
      // deno-lint-ignore no-control-regex -- an order that is not complete
      held = /\x1b(?:\[[?\d;]*)?$/.exec(whole)?.[0] ?? "";
      try {
        screen.write(whole.slice(0, whole.length - held.length));
      } catch (error) {
        failure ??= error;
      }
      waiting.told();
    }
  };
  const done = read().finally(() => {
    over = true;
    waiting.told();
  });
  const lines = () => {
    if (failure !== undefined) throw failure;
    return screen.lines();
  };
  const shown = () => `\n${lines().join("\n")}`;
  const until = async (what: string, check: (shown: string[]) => boolean) => {
    await waiting.until(`the moment it ${what}`, () => {
      if (check(lines())) return true;
      if (over) throw new Error(`The program ended before it ${what}:${shown()}`);
    }, { seen: shown });
  };
  const ended = Promise.all([child.status, done]).then(([{ code }]) => code);
  return {
    pieces,
    lines,
    type: (text) => keys.write(new TextEncoder().encode(text)),
    shows: (text, from = 0) =>
      until(`showed ${JSON.stringify(text)}`, (shown) => shown.slice(from).join("\n").includes(text)),
    get ended() {
      return within("the end of the program", ended, { seen: shown });
    },
    async [Symbol.asyncDispose]() {
      await keys.close().catch(() => {});
      await Promise.all([endChild(child), done]);
    },
  };
}
