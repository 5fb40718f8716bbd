/**
 * Which programs can be watched.
 *
 * @module
 */
import { McpFailure } from "../../domain/mcp_server.ts";
import type { Program } from "../../ports/sandbox.ts";
import { type Script, toScript } from "./command_line.ts";

/** What `program` runs; throws `McpFailure` where nobody would be asked for what it does. */
export function toWatched(program: Program): Script {
  const script = toScript(program);
  if (script !== undefined) return script;
  const { name, command } = program;
  const why = `only programs in JavaScript can be watched, and "${command}" is none`;
  const how = `Write its policy by hand: muxi policies update ${name.toLowerCase()}, or muxi mcp add ${name} --read …`;
  throw new McpFailure("sandbox", `Cannot learn what "${name}" needs: ${why}. ${how}`, { sent: false });
}
