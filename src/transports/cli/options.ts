/**
 * Options that many commands share.
 *
 * @module
 */
import type { Command, OptionSpec } from "./command.ts";

const HOST: OptionSpec = { name: "host", value: "HOST", summary: "The address to listen on", setting: "server.host" };
const PORT: OptionSpec = {
  name: "port",
  short: "p",
  value: "PORT",
  summary: "The port to listen on; 0 takes any",
  setting: "server.port",
};
const STORAGE: readonly OptionSpec[] = [
  {
    name: "data-dir",
    value: "FOLDER",
    summary: "The folder of everything that is kept",
    setting: "data_dir",
    wanted: "folder",
  },
  {
    name: "log-level",
    value: "LEVEL",
    summary: "How much is logged to the standard error",
    setting: "log.level",
    wanted: ["error", "warn", "info", "debug"],
  },
  {
    name: "config",
    short: "c",
    value: "FILE",
    summary: "The file of settings: YAML, JSON or an environment file",
    wanted: "file",
  },
  {
    name: "set",
    value: "PATH=VALUE",
    summary: "Any setting, such as --set runs.max_active=64",
    repeated: true,
  },
];
const REMOTE: readonly OptionSpec[] = [
  { name: "url", value: "URL", summary: "The server to use, or the variable MUXI_URL; without it: this process" },
  {
    name: "key-file",
    value: "FILE",
    summary: "The file that holds the server's key, - for standard input; otherwise the variable MUXI_KEY",
    wanted: "file",
  },
];
const JSON_OUT: OptionSpec = { name: "json", summary: "Answer in JSON" };
const ALWAYS: readonly OptionSpec[] = [
  { name: "no-color", summary: "No colours; the variable NO_COLOR does the same" },
  { name: "help", short: "h", summary: "Show this help" },
];

/** Asks for the version, without a command. */
export const VERSION_OPTION: OptionSpec = { name: "version", short: "V", summary: "Show the version" };

/** The options that say which settings count. */
export function settingOptions({ settings, connects }: Pick<Command, "settings" | "connects">): readonly OptionSpec[] {
  if (settings === "server") return [HOST, PORT, ...STORAGE];
  return settings === "storage" || connects ? STORAGE : [];
}

/** The options that say where the operations are. */
export function remoteOptions({ connects }: Pick<Command, "connects">): readonly OptionSpec[] {
  return connects ? REMOTE : [];
}

/** What every command takes. */
export function generalOptions({ plain }: Pick<Command, "plain">): readonly OptionSpec[] {
  return plain ? ALWAYS : [JSON_OUT, ...ALWAYS];
}

/** Every option of a command, its own first. */
export function optionsOf(command: Command): readonly OptionSpec[] {
  return [...command.options, ...remoteOptions(command), ...settingOptions(command), ...generalOptions(command)];
}
