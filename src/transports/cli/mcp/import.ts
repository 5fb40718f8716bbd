/**
 * `muxi mcp import`.
 *
 * @module
 */
import { AppError } from "../../../domain/error.ts";
import type { McpServerView } from "../../../domain/mcp_server.ts";
import { toMcpServers } from "../../../domain/mcp_server_list.ts";
import { mcpServerAdd } from "../../../operations/mcp_servers.ts";
import { toSafeJson } from "../chat/safe_text.ts";
import type { CommandContext } from "../command.ts";
import { Sources } from "../derived/sources.ts";
import { EXIT, toExitCode } from "../exit.ts";
import type { Given } from "../given.ts";
import { defaultAgent, untilTried } from "./servers.ts";
import { showServer } from "./show_server.ts";
import { startWaiting } from "./waiting.ts";

/** Carries out the command. Answers with the exit code of the first that could not be added or is not ready. */
export async function mcpImport(given: Given, context: CommandContext): Promise<number> {
  const { terminal, json, signal } = context;
  const [file = ""] = given.positionals;
  const source = file === "-" ? file : `@${file}`;
  const servers = toMcpServers(await new Sources(context).json(source, "FILE"));
  const connection = await context.connect();
  const { gateway, visit } = connection;
  const agent_id = given.text("agent") ?? await defaultAgent(connection);
  const views: (McpServerView | ReturnType<AppError["toBody"]>)[] = [];
  let code: number = EXIT.ok;
  for (const server of servers) {
    try {
      let view: McpServerView;
      {
        using _ = startWaiting(context, `Fetching and starting "${server.name}"`);
        await gateway.call(mcpServerAdd, () => ({ ...server, agent_id }), visit());
        view = await untilTried(connection, { agent_id, server_name: server.name, signal });
      }
      views.push(view);
      if (!json) showServer(view, `Added "${server.name}" to agent "${agent_id}"`, context);
      if (view.state !== "ready") code ||= EXIT.unavailable;
    } catch (error) {
      if (!(error instanceof AppError) || signal.aborted) throw error;
      views.push(error.toBody());
      if (!json) terminal.err(`muxi: ${error.message}\n`);
      code ||= toExitCode(error.name);
    }
  }
  if (json) terminal.out(`${toSafeJson({ data: views })}\n`);
  else if (servers.length === 0) terminal.err("Nothing found\n");
  return code;
}
