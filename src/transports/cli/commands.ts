/**
 * The commands that are written by hand. Those made from operations are in `derived/`.
 *
 * @module
 */
import { chatCommand } from "./chat/command.ts";
import type { Command } from "./command.ts";
import { doctorCommand } from "./doctor.ts";
import { mcpCommands } from "./mcp/commands.ts";
import { programCommands } from "./program_commands.ts";
import { serverCommands } from "./server_commands.ts";

/** Every command written by hand, in the order of help. */
export const COMMANDS: readonly Command[] = [
  chatCommand,
  ...mcpCommands,
  ...serverCommands,
  doctorCommand,
  ...programCommands,
];
