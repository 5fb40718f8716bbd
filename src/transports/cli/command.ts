/**
 * The shape of a command: what is parsed, what help and completion say, and
 * what is done. One for those written by hand and those made from operations.
 *
 * @module
 */
import type { Access } from "../../domain/access.ts";
import type { Connection } from "./connection.ts";
import type { Given } from "./given.ts";
import type { Style } from "./style.ts";
import type { Terminal } from "./terminal.ts";
import type { Verbs } from "./verbs.ts";

/** Under which heading the overview shows a command. */
export const SECTIONS = ["Talk", "Server", "Work", "Administration", "This program"] as const;
/** One of {@linkcode SECTIONS}. */
export type Section = typeof SECTIONS[number];

/** What a shell offers where a value is wanted. */
export type Wanted = "file" | "folder" | readonly string[];

/** Something that stands behind a command's words. */
export interface PositionalSpec {
  /** In capitals, such as `RUN_ID`. */
  name: string;
  summary?: string;
  optional?: boolean;
  /** Takes all that is left. Only the last one may. */
  rest?: boolean;
  wanted?: Wanted;
}

/** An option of a command. */
export interface OptionSpec {
  /** Without its dashes. */
  name: string;
  summary: string;
  short?: string;
  /** What stands for its value in help; absent for one that takes none. */
  value?: string;
  /** What it is when it is not given, as help shows it. */
  fallback?: string;
  required?: boolean;
  /** May be given more than once. */
  repeated?: boolean;
  /** A flag that also exists as `--no-…`. */
  negatable?: boolean;
  /** The setting it is another name of. */
  setting?: string;
  /** What its value may be; a list is all there is, and anything else is refused. */
  wanted?: Wanted;
}

/** What a command is carried out with. */
export interface CommandContext {
  terminal: Terminal;
  /** Colours for the standard output, where it is a terminal that wants them. */
  style: Style;
  /** The same for the standard error. */
  errStyle: Style;
  /** Whether the answer is for a machine: JSON, nothing else on the standard output. */
  json: boolean;
  version: string;
  /** The variables of whoever gave the command. */
  env: Readonly<Record<string, string>>;
  verbs: Verbs;
  /** Every command there is. */
  commands(): Promise<readonly Command[]>;
  /** The server that the options or the environment name; undefined where the work is done in this process. */
  url: string | undefined;
  /** Aborts when the command was interrupted. */
  signal: AbortSignal;
  /**
   * Opens the way to the operations that the options name, the same at every call; the frame closes it.
   * With `runs`, what is done in this process also carries out runs, those of an earlier process included;
   * `retries` is how often a stream that broke off is taken up again by itself.
   */
  connect(options?: { runs?: boolean; retries?: number }): Promise<Connection>;
}

/** A command. */
export interface Command {
  /** What calls it, such as `["agents", "list"]`. */
  words: readonly string[];
  section: Section;
  summary: string;
  /** Further lines of help. */
  about?: string;
  positionals: readonly PositionalSpec[];
  /** Its own options, without those that every command has. */
  options: readonly OptionSpec[];
  examples?: readonly string[];
  /** Which key it needs on a server. */
  access?: Access;
  /** The request it stands for, such as `GET /api/v1/agents`. */
  http?: string;
  /** Settings it takes as flags: all, those of what is stored, or none. */
  settings?: "server" | "storage";
  /** Uses the operations: here or on a server, and Ctrl-C aborts the context's signal first. */
  connects?: boolean;
  /** Has nothing to say in JSON. */
  plain?: boolean;
  /** Does it. A number is the exit code where it isn't 0; errors are `AppError`, `UsageError`, or a defect. */
  run(given: Given, context: CommandContext): Promise<number | void>;
}

/** The words of a command as one text. */
export function nameOf({ words }: Pick<Command, "words">): string {
  return words.join(" ");
}
