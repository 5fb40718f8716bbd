/**
 * The command line: carries out a command and says how it went.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { maskSecrets } from "../../kit/log.ts";
import { toSafe, toSafeJson } from "./chat/safe_text.ts";
import { type Command, type CommandContext, nameOf } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { createConnector } from "./connector.ts";
import { EXIT, toExitCode } from "./exit.ts";
import { findCommand, unknownCommand, unknownOption, wordsOf } from "./find_command.ts";
import { UsageError } from "./given.ts";
import { showHelp } from "./help.ts";
import { parseCommand } from "./parse_command.ts";
import { helpCommand, versionCommand } from "./program_commands.ts";
import { serveCommand } from "./server_commands.ts";
import { createStyle, wantsColor } from "./style.ts";
import { OutputClosed, type Terminal } from "./terminal.ts";
import type { Verbs } from "./verbs.ts";

/** Where the command line runs. */
export interface CliOptions {
  args: readonly string[];
  version: string;
  env: Readonly<Record<string, string>>;
  verbs: Verbs;
  terminal: Terminal;
}

/** Every command there is. What is made from operations is made only when somebody asks. */
async function loadCommands(): Promise<readonly Command[]> {
  const { deriveCommands } = await import("./derived/derive.ts");
  return [...COMMANDS, ...await deriveCommands(COMMANDS)];
}

/** What `args` mean: a command, or nothing but a wish for help. */
async function understand(args: readonly string[]): Promise<Command | undefined> {
  const words = wordsOf(args, COMMANDS);
  const wishes = (name: string, short: string) => args.includes(name) || args.includes(short);
  if (words.length === 0) {
    if (wishes("--version", "-V")) return versionCommand;
    return wishes("--help", "-h") ? undefined : serveCommand;
  }
  const byHand = findCommand(words, COMMANDS);
  if (byHand !== undefined) return byHand;
  const all = await loadCommands();
  const found = findCommand(words, all) ?? findCommand(wordsOf(args, all), all);
  if (found === undefined && !wishes("--help", "-h")) throw unknownOption(args, all) ?? unknownCommand(words, all);
  return found;
}

async function carryOut(options: CliOptions): Promise<number> {
  const { args, env, terminal } = options;
  const colored = !args.includes("--no-color");
  const styleFor = (isTerminal: boolean) => createStyle(wantsColor({ isTerminal, env, flag: colored }));
  const style = styleFor(terminal.isTerminal.out);
  const command = await understand(args);
  if (command === undefined) {
    showHelp(wordsOf(args, COMMANDS), await loadCommands(), { terminal, style });
    return EXIT.ok;
  }
  try {
    return await carryOutCommand(command, options, { style, errStyle: styleFor(terminal.isTerminal.err) });
  } catch (error) {
    // What `muxi help` was asked for is another command than itself.
    if (error instanceof UsageError && command !== helpCommand) error.command = nameOf(command);
    throw error;
  }
}

/** Carries out `command`, which `args` name. */
async function carryOutCommand(
  command: Command,
  { args, version, env, verbs, terminal }: CliOptions,
  { style, errStyle }: Pick<CommandContext, "style" | "errStyle">,
): Promise<number> {
  const asked = command === versionCommand ? args.filter((arg) => arg !== "--version" && arg !== "-V") : args;
  const given = parseCommand(asked, command);
  if (given.flag("help")) {
    showHelp(command.words, await loadCommands(), { terminal, style });
    return EXIT.ok;
  }
  const interrupted = new AbortController();
  using stack = new DisposableStack();
  if (command.connects) {
    const heard = stack.use(terminal.onInterrupt(() => {
      // The second time nobody hears it any more, and it ends the process.
      heard[Symbol.dispose]();
      interrupted.abort(new AppError("CancelledError", "Interrupted"));
    }));
  }
  await using connector = createConnector({
    given,
    env: command.connects ? env : {},
    verbs,
    terminal,
    signal: interrupted.signal,
  });
  const context: CommandContext = {
    terminal,
    style,
    errStyle,
    json: given.flag("json") === true,
    version,
    env,
    verbs,
    commands: loadCommands,
    signal: interrupted.signal,
    url: connector.url,
    connect: connector.connect,
  };
  try {
    const code = await command.run(given, context) ?? EXIT.ok;
    return interrupted.signal.aborted ? EXIT.interrupted : code;
  } catch (error) {
    // Whatever broke because of it is not worth a word.
    if (interrupted.signal.aborted && !(error instanceof OutputClosed)) return EXIT.interrupted;
    throw error;
  }
}

/** What helps against `error`, on a line of its own. */
function toHint({ name, details }: AppError): string {
  if (name === "UnauthorizedError") return "\nThe key comes from the variable MUXI_KEY, or with --key-file FILE";
  const { run_id, last } = details ?? {};
  if (run_id === undefined || last === undefined) return "";
  return `\nGo on with "muxi runs events ${run_id} --starting-after ${last}"`;
}

/** Says what went wrong, in words or, for machines, in JSON, and answers with the exit code. */
function complain(error: unknown, { args, env, terminal }: CliOptions): number {
  if (error instanceof OutputClosed) return EXIT.output_closed;
  const color = wantsColor({ isTerminal: terminal.isTerminal.err, env, flag: !args.includes("--no-color") });
  const say = (body: unknown, text: string) => {
    const alarm = createStyle(color).red("muxi:");
    terminal.err(args.includes("--json") ? `${toSafeJson(body)}\n` : `${alarm} ${toSafe(text)}\n`);
  };
  if (error instanceof UsageError) {
    const { message, command } = error;
    const help = command === undefined ? "muxi help" : `muxi help ${command}`;
    say({ error: "UsageError", message }, `${message}\nTry "${help}"`);
    return EXIT.usage;
  }
  if (error instanceof AppError && error.name !== "InternalError") {
    say(error.toBody(), `${error.message}${toHint(error)}`);
    return toExitCode(error.name);
  }
  // Nothing that anybody foresaw: the operator gets all there is, but no secret.
  const cause = error instanceof AppError ? error.cause ?? error : error;
  const stack = maskSecrets(cause instanceof Error ? cause.stack ?? cause.message : String(cause));
  say({ error: "InternalError", message: stack }, `Something went wrong: ${stack}`);
  return EXIT.internal;
}

/** Carries out `args` and answers with the process's exit code. Throws nothing. */
export async function runCli(options: CliOptions): Promise<number> {
  try {
    return await carryOut(options);
  } catch (error) {
    return complain(error, options);
  }
}
