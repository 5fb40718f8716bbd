/**
 * The commands and options, as data: what is parsed and what help says.
 *
 * @module
 */

/** An option of one or more commands. */
export interface OptionSpec {
  /** What stands for its value in help; absent for one that takes none. */
  value?: string;
  short?: string;
  summary: string;
  /** The setting it is another name of. */
  setting?: string;
}

/** Every option. */
export const OPTIONS = {
  host: { value: "HOST", summary: "The address to listen on", setting: "server.host" },
  port: { value: "PORT", short: "p", summary: "The port to listen on; 0 takes any", setting: "server.port" },
  "data-dir": { value: "FOLDER", summary: "The folder of everything that is kept", setting: "data_dir" },
  "log-level": { value: "LEVEL", summary: "error, warn, info or debug", setting: "log.level" },
  config: { value: "FILE", short: "c", summary: "The file of settings: YAML, JSON or an environment file" },
  set: { value: "PATH=VALUE", summary: "Any setting, such as --set runs.max_active=64; may be repeated" },
  force: { summary: "Move what is in the data folder aside first" },
  json: { summary: "Answer in JSON" },
  "no-color": { summary: "No colours; the variable NO_COLOR does the same" },
  help: { short: "h", summary: "Show this help" },
  version: { short: "V", summary: "Show the version" },
} as const satisfies Record<string, OptionSpec>;

/** The name of an option. */
export type OptionName = keyof typeof OPTIONS;

/** A command. */
export interface CommandSpec {
  /** What stands behind it, in order. */
  positionals: readonly string[];
  summary: string;
  /** Further lines of help. */
  about?: string;
  options: readonly OptionName[];
  examples?: readonly string[];
}

const STORAGE = ["data-dir", "log-level", "config", "set"] as const;
const SETTINGS = ["host", "port", "data-dir", "log-level", "config", "set"] as const;

/** Every command by its words. */
export const COMMANDS = {
  serve: {
    positionals: [],
    summary: "Start the server; what happens without a command",
    about: "Ends at SIGINT or SIGTERM, once runs and streams had their time to end.",
    options: SETTINGS,
    examples: ["muxi serve --port 9000", "muxi serve --config production.yaml --set limits.block_after=3"],
  },
  "config print": {
    positionals: [],
    summary: "Show the settings in force and where each comes from",
    about: "Secrets are masked; that one is set can be seen, what it is can't.",
    options: [...SETTINGS, "json"],
    examples: ["muxi config print", "muxi config print --json"],
  },
  "config check": {
    positionals: [],
    summary: "Say what is wrong with the settings, all at once",
    about: "Exits with 78 when something is. Starts nothing.",
    options: [...SETTINGS, "json"],
    examples: ["MUXI_ENV=production muxi config check"],
  },
  backup: {
    positionals: ["DEST"],
    summary: "Copy the database and the files to a new folder",
    about:
      "DEST must not exist. It appears at the end, whole; what is encrypted stays encrypted, and needs its key again.",
    options: [...STORAGE, "json"],
    examples: ["muxi backup /backups/2026-11-20"],
  },
  restore: {
    positionals: ["SRC"],
    summary: "Bring a backup back into the data folder",
    about:
      "Every hash is checked before anything is changed. Refused while the data folder has a database, unless forced.",
    options: [...STORAGE, "force", "json"],
    examples: ["muxi restore /backups/2026-11-20", "muxi restore --force --data-dir ./data /backups/2026-11-20"],
  },
  version: { positionals: [], summary: "Show the version", options: ["json"] },
  help: {
    positionals: ["COMMAND"],
    summary: "Explain a command",
    options: [],
    examples: ["muxi help backup"],
  },
} as const satisfies Record<string, CommandSpec>;

/** The words of a command. */
export type CommandName = keyof typeof COMMANDS;

/** What is known of a command. */
export function commandSpec(name: CommandName): CommandSpec {
  return COMMANDS[name];
}

/** What is known of an option. */
export function optionSpec(name: OptionName): OptionSpec {
  return OPTIONS[name];
}
