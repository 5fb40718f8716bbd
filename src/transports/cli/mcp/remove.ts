/**
 * `muxi mcp remove`.
 *
 * @module
 */
import { mcpServerRemove } from "../../../operations/mcp_servers.ts";
import type { CommandContext } from "../command.ts";
import type { Given } from "../given.ts";
import { takePolicies } from "./grant.ts";
import { onlyOf, usersOf } from "./servers.ts";

/** Carries out the command. */
export async function mcpRemove(given: Given, context: CommandContext): Promise<void> {
  const { terminal, style, json } = context;
  const [server_name = ""] = given.positionals;
  const connection = await context.connect();
  const { gateway, visit } = connection;
  const users = await usersOf(connection, server_name);
  const agent_id = given.text("agent") ?? onlyOf(users, server_name);
  await gateway.call(mcpServerRemove, () => ({ agent_id, server_name }), visit());
  const last = users.every((user) => user === agent_id);
  const policies = last && given.flag("keep-policy") !== true ? await takePolicies(connection, server_name) : [];
  const also = policies.length === 0 ? "" : `, and its policy ${policies.map((id) => `"${id}"`).join(", ")}`;
  terminal.out(json ? "null\n" : `${style.green("Took")} "${server_name}" from agent "${agent_id}"${also}\n`);
}
