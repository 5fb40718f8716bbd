/**
 * The commands for whoever runs a server.
 *
 * @module
 */
import type { Command, CommandContext } from "./command.ts";
import type { CopyReport, OnProgress } from "./verbs.ts";

function toSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let [size, unit] = [bytes / 1024, 0];
  while (size >= 1024 && unit < units.length - 1) [size, unit] = [size / 1024, unit + 1];
  return `${size.toFixed(1)} ${units[unit]}`;
}

function say({ terminal, json }: CommandContext, value: unknown, text: string): void {
  terminal.out(json ? `${JSON.stringify(value)}\n` : text);
}

function progressOn({ terminal, json }: CommandContext): OnProgress {
  if (!terminal.isTerminal.err || json) return () => {};
  return ({ name, done, total }) => terminal.err(`\r\x1b[K${done === total ? "" : `${done}/${total} ${name}`}`);
}

function report(context: CommandContext, verb: string, copied: CopyReport): void {
  const { path, files, bytes, moved_to } = copied;
  const noun = files === 1 ? "file" : "files";
  const moved = moved_to === undefined ? "" : `What was there before is in "${moved_to}"\n`;
  say(context, copied, `${context.style.green(verb)} ${files} ${noun}, ${toSize(bytes)}, to "${path}"\n${moved}`);
}

/** Starts the server. */
export const serveCommand: Command = {
  words: ["serve"],
  section: "Server",
  summary: "Start the server; what happens without a command",
  about: "Ends at SIGINT or SIGTERM, once runs and streams had their time to end.",
  positionals: [],
  options: [],
  settings: "server",
  plain: true,
  examples: ["muxi serve --port 9000", "muxi serve --config production.yaml --set limits.block_after=3"],
  run: (given, { verbs }) => verbs.serve(given.settings),
};

const configPrintCommand: Command = {
  words: ["config", "print"],
  section: "Server",
  summary: "Show the settings in force and where each comes from",
  about: "Secrets are masked; that one is set can be seen, what it is can't.",
  positionals: [],
  options: [],
  settings: "server",
  examples: ["muxi config print", "muxi config print --json"],
  async run(given, context) {
    const { text, ...rest } = await context.verbs.configPrint(given.settings);
    say(context, rest, text);
  },
};

const configCheckCommand: Command = {
  words: ["config", "check"],
  section: "Server",
  summary: "Say what is wrong with the settings, all at once",
  about: "Exits with 78 when something is. Starts nothing.",
  positionals: [],
  options: [],
  settings: "server",
  examples: ["MUXI_ENV=production muxi config check"],
  async run(given, context) {
    const { file, notes } = await context.verbs.configCheck(given.settings);
    const source = file === null ? "no file of settings was found" : `read from ${file}`;
    const lines = [`${context.style.green("The settings are good")} (${source})`, ...notes.map((note) => `  ${note}`)];
    say(context, { ok: true, file, notes }, `${lines.join("\n")}\n`);
  },
};

const backupCommand: Command = {
  words: ["backup"],
  section: "Server",
  summary: "Copy the database and the files to a new folder",
  about:
    "DEST must not exist. It appears at the end, whole; what is encrypted stays encrypted, and needs its key again.",
  positionals: [{ name: "DEST", wanted: "folder" }],
  options: [],
  settings: "storage",
  examples: ["muxi backup /backups/2026-11-20"],
  async run(given, context) {
    const options = { dest: given.positionals[0]!, onProgress: progressOn(context) };
    report(context, "Backed up", await context.verbs.backup(given.settings, options));
  },
};

const restoreCommand: Command = {
  words: ["restore"],
  section: "Server",
  summary: "Bring a backup back into the data folder",
  about:
    "Every hash is checked before anything is changed. Refused while the data folder has a database, unless forced.",
  positionals: [{ name: "SRC", wanted: "folder" }],
  options: [{ name: "force", summary: "Move what is in the data folder aside first" }],
  settings: "storage",
  examples: ["muxi restore /backups/2026-11-20", "muxi restore --force --data-dir ./data /backups/2026-11-20"],
  async run(given, context) {
    const force = given.flag("force") === true;
    const options = { src: given.positionals[0]!, force, onProgress: progressOn(context) };
    report(context, "Restored", await context.verbs.restore(given.settings, options));
  },
};

/** Every command of this file. */
export const serverCommands: readonly Command[] = [
  serveCommand,
  configPrintCommand,
  configCheckCommand,
  backupCommand,
  restoreCommand,
];
