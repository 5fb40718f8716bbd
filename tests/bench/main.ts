/**
 * Every walk, measured beside its bare baseline in the same run.
 *
 * @module
 */
import { callsConnect } from "./calls_connect.ts";
import { callsLatency } from "./calls_latency.ts";
import { callsLoad } from "./calls_load.ts";
import { fanout } from "./fanout.ts";
import { mcpClient } from "./mcp_client.ts";
import { mcpHop } from "./mcp_hop.ts";
import { mcpSessions } from "./mcp_sessions.ts";
import { reply } from "./reply.ts";
import { sandbox } from "./sandbox.ts";
import { stall } from "./stall.ts";
import { start } from "./start.ts";
import { store } from "./store.ts";
import { runWalks } from "./support/report.ts";
import { toolSearch } from "./tool_search.ts";

await runWalks({
  reply,
  start,
  fanout,
  stall,
  store,
  mcp_hop: mcpHop,
  mcp_sessions: mcpSessions,
  mcp_client: mcpClient,
  sandbox,
  tool_search: toolSearch,
  calls_connect: callsConnect,
  calls_latency: callsLatency,
  calls_load: callsLoad,
});
