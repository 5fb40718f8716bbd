/**
 * The command `muxi chat`, as help knows it.
 *
 * @module
 */
import type { Command } from "../command.ts";

/** Talks with an agent. */
export const chatCommand: Command = {
  words: ["chat"],
  section: "Talk",
  summary: "Talk with an agent",
  about: "With a message, or one from the standard input: says it and shows the answer. Without, on a terminal: a " +
    "conversation, with /help. What comes from the standard input stands behind MESSAGE. The answer goes to the " +
    "standard output, everything else to the standard error. Ctrl-C stops an answer; a connection that breaks is " +
    "taken up again where it broke.",
  positionals: [{ name: "MESSAGE", summary: "What to say", optional: true, rest: true }],
  options: [
    { name: "agent", short: "a", value: "ID", summary: "Who answers", fallback: "agents.default" },
    { name: "conversation", value: "ID", summary: "The conversation to go on with", fallback: "a new one" },
    { name: "user", value: "ID", summary: "For which user to speak" },
    { name: "reasoning", negatable: true, summary: "Whether to show what the model thinks", fallback: "shown" },
    { name: "stream", negatable: true, summary: "Whether to show text before it is complete", fallback: "yes" },
    { name: "approve", summary: "Approve every call of a tool that asks for it" },
    { name: "deny", summary: "Deny every call of a tool that asks for it" },
    { name: "patience", value: "SECONDS", summary: "How long to look for a lost connection", fallback: "60" },
  ],
  examples: [
    "muxi chat",
    'muxi chat "What can you do?"',
    'muxi chat "What is wrong here?" < server.log',
    "git diff | muxi chat --agent assistant --json | tail -1",
  ],
  access: "user",
  connects: true,
  run: async (given, context) => await (await import("./chat.ts")).chat(given, context),
};
