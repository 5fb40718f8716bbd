/**
 * The commands `muxi mcp …`, as help knows them: what people type every day, where the commands made of operations say
 * everything.
 *
 * @module
 */
import { MCP_SERVER_TYPE } from "../../../domain/mcp_server.ts";
import type { Command, OptionSpec } from "../command.ts";

const shared = { section: "Work", access: "admin", connects: true } as const;
const NAME = { name: "NAME", summary: "The server's name" };

function agentOption(fallback: string): OptionSpec {
  return { name: "agent", short: "a", value: "ID", summary: "Whose server", fallback };
}

const listCommand: Command = {
  ...shared,
  words: ["mcp", "list"],
  summary: "List tool servers, and how they do",
  positionals: [],
  options: [agentOption("all agents'")],
  examples: ["muxi mcp list", "muxi mcp list --agent assistant --json"],
  run: async (given, context) => await (await import("./list.ts")).mcpList(given, context),
};

const addCommand: Command = {
  ...shared,
  words: ["mcp", "add"],
  summary: "Let an agent use a tool server: a program, an address, or one that is known by its name",
  about:
    "What stands behind -- is the program. It sees no file, no network and no variable but what a policy allows: " +
    "with --read, --write and --net it gets a policy of its own that allows these and nothing else. Waits until the " +
    "server was tried; what is fetched for it is fetched once.",
  positionals: [
    { ...NAME, summary: "What to call it; its tools are called NAME__tool" },
    { name: "URL | -- COMMAND", summary: "Where it is, or what starts it", optional: true, rest: true },
  ],
  options: [
    agentOption("agents.default"),
    { name: "allow", value: "TOOL", summary: "Which of its tools the agent may call; * for any part", repeated: true },
    { name: "read", value: "PATH", summary: "A folder or file it may read", repeated: true, wanted: "folder" },
    { name: "write", value: "PATH", summary: "The same, to read and write", repeated: true, wanted: "folder" },
    { name: "net", value: "HOST", summary: "A host it may reach: host, host:port or *.host", repeated: true },
    { name: "cwd", value: "FOLDER", summary: "Its own folder, where its relative paths begin", wanted: "folder" },
    {
      name: "env",
      short: "e",
      value: "NAME=VALUE",
      summary: "A variable of its environment; @FILE or - instead of a secret",
      repeated: true,
    },
    {
      name: "header",
      value: "NAME=VALUE",
      summary: 'A header for its address, also as "NAME: VALUE"; the same',
      repeated: true,
    },
    { name: "type", value: "TYPE", summary: "How it is spoken to", fallback: "found out", wanted: MCP_SERVER_TYPE },
    { name: "replace", summary: "Put it in the place of another of this name, whose policy it gets" },
  ],
  examples: [
    "muxi mcp add time --agent assistant -- uvx mcp-server-time",
    "muxi mcp add files --cwd notes --read notes -- node server.js .",
    "muxi mcp add docs https://docs.example/mcp --header Authorization=@header.txt",
    "muxi mcp add files --agent scout",
  ],
  run: async (given, context) => await (await import("./add.ts")).mcpAdd(given, context),
};

const removeCommand: Command = {
  ...shared,
  words: ["mcp", "remove"],
  summary: "Take a tool server from an agent; it ends when no other uses it, and the policy that was made for it goes",
  positionals: [NAME],
  options: [
    agentOption("the only one that uses it"),
    { name: "keep-policy", summary: "Leave its policy for the next server of this name" },
  ],
  examples: ["muxi mcp remove time"],
  run: async (given, context) => await (await import("./remove.ts")).mcpRemove(given, context),
};

const learnCommand: Command = {
  ...shared,
  words: ["mcp", "learn"],
  summary: "Run a tool server once, watched and with wide rights, and propose the least policy",
  about:
    "Only for programs in JavaScript. What isn't used isn't learned: name calls to make meanwhile; they are really " +
    "made. What its policy allows already stays, unless it is pruned. A call that fails makes the exit code 69, and " +
    "keeps the proposal from being put in force. In its box the " +
    "program may read all files but MUXI's data, write to copies of what it was named, and reach the internet; without " +
    "bubblewrap it writes to the files themselves. What agents had under way with it ends.",
  positionals: [NAME],
  options: [
    agentOption("any that uses it"),
    {
      name: "call",
      value: "CALL",
      summary: 'A call to make, quoted as in a shell: "read_file path=\'/my notes/a\'", or \'search {"q": "x"}\'',
      repeated: true,
    },
    { name: "apply", summary: "Make the proposal the server's policy" },
    { name: "prune", summary: "Take away what its policy allows and it did not use" },
    { name: "force", summary: "With --apply, also where calls failed" },
  ],
  examples: ["muxi mcp learn files", 'muxi mcp learn files --call "list_directory path=/srv" --apply'],
  run: async (given, context) => await (await import("./learn.ts")).mcpLearn(given, context),
};

const callCommand: Command = {
  ...shared,
  words: ["mcp", "call"],
  summary: "Call a tool, and show its answer",
  about:
    "Arguments are read by the tool's schema: name=value, a name again for each part of a list, or all of them as " +
    "JSON. A value, or the JSON, may be @FILE or -. At a terminal you are asked what a policy or the tool's server " +
    "wants a person to say.",
  access: "user",
  positionals: [
    { name: "TOOL", summary: "The tool's name, SERVER__TOOL" },
    { name: "NAME=VALUE | JSON", summary: "Its arguments", optional: true, rest: true },
  ],
  options: [
    { name: "user", value: "ID", summary: "For which user to call" },
    { name: "yes", short: "y", summary: "Call it although a policy wants a person to be asked, as an admin" },
  ],
  examples: [
    "muxi mcp call time__get_current_time timezone=Europe/Rome",
    `muxi mcp call files__search '{"path": "/srv", "pattern": "*.md"}' --json`,
  ],
  run: async (given, context) => await (await import("./call.ts")).mcpCall(given, context),
};

const importCommand: Command = {
  ...shared,
  words: ["mcp", "import"],
  summary: "Add the tool servers of a desktop host's file",
  about: "FILE is JSON, with or without comments, with mcpServers (or servers) by name. Those that are turned off " +
    "there, and tools that are, are left out; ${NAME} and ${env:NAME} are your variables. Each is read by itself: one " +
    "that can't be used is skipped. The exit code is 80 where others were added; where none was, 65 if any can't be used, " +
    "else that of the first refusal, such as 73 for a name that is taken. They may touch nothing until a policy says " +
    "so; muxi mcp learn proposes one.",
  positionals: [{ name: "FILE", summary: "The file; - for the standard input", wanted: "file" }],
  options: [
    agentOption("agents.default"),
    {
      name: "input",
      value: "ID=VALUE",
      summary: "What ${input:ID} stands for, which hosts ask a person for; @FILE or - instead of a secret",
      repeated: true,
    },
    { name: "replace", summary: "Put them in the place of others of their names, which are skipped otherwise" },
  ],
  examples: [
    "muxi mcp import ~/.config/Claude/claude_desktop_config.json",
    "muxi mcp import .vscode/mcp.json --input token=@token.txt",
  ],
  run: async (given, context) => await (await import("./import.ts")).mcpImport(given, context),
};

const serveCommand: Command = {
  ...shared,
  words: ["mcp", "serve"],
  summary: "Speak MCP on standard input and output, for desktop hosts that start servers",
  about:
    "The host gets agents, conversations and the tools of every server, in this process or, with --url, those of " +
    "a running one. Ends with its input.",
  access: "user",
  plain: true,
  positionals: [],
  options: [{ name: "admin", summary: "Give the host also what needs an admin, such as changing agents" }],
  examples: ["muxi mcp serve --data-dir ~/.local/share/muxi", "muxi mcp serve --url http://127.0.0.1:8000"],
  run: async (given, { verbs, connect, signal }) =>
    await verbs.mcpServe(await connect({ runs: true }), { admin: given.flag("admin") === true, signal }),
};

/** Every command of this folder. */
export const mcpCommands: readonly Command[] = [
  listCommand,
  addCommand,
  removeCommand,
  learnCommand,
  callCommand,
  importCommand,
  serveCommand,
];
