/**
 * The command line: carries out a command and says how it went.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { maskSecrets } from "../../kit/log.ts";
import type { CommandName } from "./commands.ts";
import { EXIT, toExitCode } from "./exit.ts";
import { toCommandHelp, toOverview } from "./help.ts";
import { type Command, type GivenSettings, parseCommand, UsageError } from "./parse_command.ts";
import { createStyle, type Style, wantsColor } from "./style.ts";

/** Told while something long goes on. */
export type OnProgress = (progress: { name: string; done: number; total: number }) => void;

/** How a backup or a restore went. */
export interface CopyReport {
  /** Where it went. */
  path: string;
  files: number;
  bytes: number;
  /** Where what was there before is now. */
  moved_to?: string | undefined;
}

/** The settings in force. */
export interface ConfigReport {
  /** As YAML, with the origin of each. */
  text: string;
  /** Secrets masked. */
  settings: unknown;
  origins: Readonly<Record<string, string>>;
  file: string | null;
}

/** What the commands do. Each throws `AppError`. */
export interface Verbs {
  /** Resolves when the server has stopped. */
  serve(given: GivenSettings): Promise<void>;
  configPrint(given: GivenSettings): Promise<ConfigReport>;
  /** Resolves when nothing is wrong, with what a person should know. */
  configCheck(given: GivenSettings): Promise<{ file: string | null; notes: string[] }>;
  backup(given: GivenSettings, options: { dest: string; onProgress: OnProgress }): Promise<CopyReport>;
  restore(
    given: GivenSettings,
    options: { src: string; force: boolean; onProgress: OnProgress },
  ): Promise<CopyReport>;
}

/** Where the command line runs. */
export interface CliOptions {
  args: readonly string[];
  version: string;
  env: Readonly<Record<string, string>>;
  verbs: Verbs;
  /** Writes to the standard output. */
  out(text: string): void;
  /** Writes to the standard error. */
  err(text: string): void;
  /** Which of the two are terminals. */
  isTerminal: { out: boolean; err: boolean };
}

function toSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let [size, unit] = [bytes / 1024, 0];
  while (size >= 1024 && unit < units.length - 1) [size, unit] = [size / 1024, unit + 1];
  return `${size.toFixed(1)} ${units[unit]}`;
}

/** One command line at work. */
class Session {
  readonly #options: CliOptions;
  readonly #command: Command;
  readonly #style: Style;

  constructor(options: CliOptions, command: Command, style: Style) {
    this.#options = options;
    this.#command = command;
    this.#style = style;
  }

  async run(): Promise<void> {
    const { name, settings, positionals } = this.#command;
    const { verbs, version } = this.#options;
    switch (name) {
      case "serve":
        return await verbs.serve(settings);
      case "config print": {
        const { text, ...rest } = await verbs.configPrint(settings);
        return this.#say(rest, text);
      }
      case "config check": {
        const { file, notes } = await verbs.configCheck(settings);
        const source = file === null ? "no file of settings was found" : `read from ${file}`;
        const lines = [
          `${this.#style.green("The settings are good")} (${source})`,
          ...notes.map((note) => `  ${note}`),
        ];
        return this.#say({ ok: true, file, notes }, `${lines.join("\n")}\n`);
      }
      case "backup":
        return this.#report("Backed up", await verbs.backup(settings, { dest: positionals[0]!, ...this.#progress() }));
      case "restore": {
        const options = { src: positionals[0]!, force: this.#command.force, ...this.#progress() };
        return this.#report("Restored", await verbs.restore(settings, options));
      }
      case "version":
        return this.#say({ version }, `muxi ${version}\n`);
      case "help": {
        const about = positionals[0] as CommandName | undefined;
        this.#options.out(about === undefined ? toOverview(this.#style) : toCommandHelp(about, this.#style));
      }
    }
  }

  #say(value: unknown, text: string): void {
    this.#options.out(this.#command.json ? `${JSON.stringify(value)}\n` : text);
  }

  #report(verb: string, report: CopyReport): void {
    const { path, files, bytes, moved_to } = report;
    const noun = files === 1 ? "file" : "files";
    const moved = moved_to === undefined ? "" : `What was there before is in "${moved_to}"\n`;
    this.#say(report, `${this.#style.green(verb)} ${files} ${noun}, ${toSize(bytes)}, to "${path}"\n${moved}`);
  }

  #progress(): { onProgress: OnProgress } {
    const { err, isTerminal } = this.#options;
    if (!isTerminal.err || this.#command.json) return { onProgress: () => {} };
    return {
      onProgress: ({ name, done, total }) => err(`\r\x1b[K${done === total ? "" : `${done}/${total} ${name}`}`),
    };
  }
}

/** Carries out `args` and answers with the process's exit code. Throws nothing. */
export async function runCli(options: CliOptions): Promise<number> {
  const { args, env, isTerminal, err } = options;
  const plain = args.includes("--no-color");
  const styleFor = (terminal: boolean) => createStyle(wantsColor({ isTerminal: terminal, env, flag: !plain }));
  const alarm = styleFor(isTerminal.err).red("muxi:");
  const inJson = args.includes("--json");
  try {
    await new Session(options, parseCommand(args), styleFor(isTerminal.out)).run();
    return EXIT.ok;
  } catch (error) {
    if (error instanceof UsageError) {
      const body = { error: "UsageError", message: error.message };
      err(inJson ? `${JSON.stringify(body)}\n` : `${alarm} ${error.message}\nTry "muxi help"\n`);
      return EXIT.usage;
    }
    if (error instanceof AppError && error.name !== "InternalError") {
      err(inJson ? `${JSON.stringify(error.toBody())}\n` : `${alarm} ${error.message}\n`);
      return toExitCode(error.name);
    }
    // Nothing that anybody foresaw: the operator gets all there is, but no secret.
    const cause = error instanceof AppError ? error.cause ?? error : error;
    const stack = maskSecrets(cause instanceof Error ? cause.stack ?? cause.message : String(cause));
    const body = { error: "InternalError", message: stack };
    err(inJson ? `${JSON.stringify(body)}\n` : `${alarm} Something went wrong: ${stack}\n`);
    return EXIT.internal;
  }
}
