/**
 * `muxi mcp remove`.
 *
 * @module
 */
import { mcpServerRemove } from "../../../operations/mcp_servers.ts";
import type { CommandContext } from "../command.ts";
import type { Given } from "../given.ts";
import { onlyUserOf } from "./servers.ts";

/** Carries out the command. */
export async function mcpRemove(given: Given, context: CommandContext): Promise<void> {
  const { terminal, style, json } = context;
  const [server_name = ""] = given.positionals;
  const connection = await context.connect();
  const { gateway, visit } = connection;
  const agent_id = given.text("agent") ?? await onlyUserOf(connection, server_name);
  await gateway.call(mcpServerRemove, () => ({ agent_id, server_name }), visit());
  terminal.out(json ? "null\n" : `${style.green("Took")} "${server_name}" from agent "${agent_id}"\n`);
}
