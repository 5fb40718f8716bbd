/**
 * The commands about the program itself.
 *
 * @module
 */
import type { Command } from "./command.ts";
import { showHelp } from "./help.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

/** Shows the version. */
export const versionCommand: Command = {
  words: ["version"],
  section: "This program",
  summary: "Show the version",
  positionals: [],
  options: [],
  run(_, { terminal, version, json }) {
    terminal.out(json ? `${JSON.stringify({ version })}\n` : `muxi ${version}\n`);
    return Promise.resolve();
  },
};

/** Explains commands. */
export const helpCommand: Command = {
  words: ["help"],
  section: "This program",
  summary: "Explain a command or a group of commands",
  positionals: [{ name: "COMMAND", optional: true, rest: true }],
  options: [],
  plain: true,
  examples: ["muxi help backup", "muxi help runs", "muxi help runs events"],
  run: async ({ positionals }, context) => showHelp(positionals, await context.commands(), context),
};

const completionCommand: Command = {
  words: ["completion"],
  section: "This program",
  summary: "Print the script that completes commands in a shell",
  about: "The script's first lines say where to put it.",
  positionals: [{ name: "SHELL", summary: "Whose script", wanted: SHELLS }],
  options: [],
  plain: true,
  examples: ["muxi completion bash > ~/.local/share/bash-completion/completions/muxi", 'eval "$(muxi completion zsh)"'],
  async run({ positionals: [shell = ""] }, { terminal, commands }) {
    const { toCompletion } = await import("./completion/completion.ts");
    terminal.out(toCompletion(shell, await commands()));
  },
};

const openapiCommand: Command = {
  words: ["openapi"],
  section: "This program",
  summary: "Print the OpenAPI 3.1 document of the API",
  positionals: [],
  options: [],
  settings: "server",
  examples: ["muxi openapi > openapi.json"],
  async run({ settings }, { terminal, verbs, json }) {
    const document = await verbs.openapi(settings);
    terminal.out(`${JSON.stringify(document, null, json ? 0 : 2)}\n`);
  },
};

/** Every command of this file. */
export const programCommands: readonly Command[] = [openapiCommand, completionCommand, versionCommand, helpCommand];
