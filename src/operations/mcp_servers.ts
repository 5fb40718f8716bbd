/**
 * The tool servers of agents.
 *
 * @module
 */
import { z } from "zod";
import type { Learning } from "../core/mcp_servers/learning.ts";
import type { McpServers } from "../core/mcp_servers/mcp_servers.ts";
import { AgentId } from "../domain/agent.ts";
import { AppError } from "../domain/error.ts";
import { McpServer, McpServerName, McpServerView } from "../domain/mcp_server.ts";
import { SandboxProfile } from "../domain/policy.ts";
import { type Bound, call, onCall } from "./operation.ts";

const one = { agent_id: AgentId, server_name: McpServerName };
const shared = { access: "admin", limit: "admin" } as const;
const NOT_FOUND = ["AgentNotFoundError", "NotFoundError"] as const;

/** Lists an agent's servers. */
export const mcpServerList = call({
  ...shared,
  id: "mcp_server_list",
  summary: "List the tool servers of an agent, and how they do",
  input: z.strictObject({ agent_id: AgentId }),
  output: z.object({ data: z.array(McpServerView) }),
  errors: ["AgentNotFoundError"],
  http: "GET /agents/{agent_id}/mcp_servers",
});

/** Adds a server. */
export const mcpServerAdd = call({
  ...shared,
  id: "mcp_server_add",
  summary: "Let an agent use a tool server: a new one, or by its name alone one that is known",
  input: McpServer.extend({
    agent_id: AgentId,
    allow: z.array(z.string().min(1).max(80)).max(100).default(["*"])
      .describe("Which of its tools, by its own names; `*` matches any part"),
  }),
  output: McpServerView,
  status: 201,
  errors: ["AgentNotFoundError", "ConflictError"],
  http: "POST /agents/{agent_id}/mcp_servers",
});

/** Shows a server. */
export const mcpServerGet = call({
  ...shared,
  id: "mcp_server_get",
  summary: "Get a tool server of an agent: state, tools, last error, what its sandbox decided",
  input: z.strictObject(one),
  output: McpServerView,
  errors: NOT_FOUND,
  http: "GET /agents/{agent_id}/mcp_servers/{server_name}",
});

/** Removes a server. */
export const mcpServerRemove = call({
  ...shared,
  id: "mcp_server_remove",
  summary: "Take a tool server from an agent; it ends when no other agent uses it",
  input: z.strictObject(one),
  output: z.null(),
  status: 204,
  errors: [...NOT_FOUND, "ConflictError"],
  http: "DELETE /agents/{agent_id}/mcp_servers/{server_name}",
});

/** Restarts a server. */
export const mcpServerRestart = call({
  ...shared,
  id: "mcp_server_restart",
  summary: "Restart a tool server, whatever happened before",
  input: z.strictObject(one),
  output: McpServerView,
  errors: NOT_FOUND,
  http: "POST /agents/{agent_id}/mcp_servers/{server_name}/restart",
});

/** Learns what a server needs. */
export const mcpServerLearn = call({
  ...shared,
  id: "mcp_server_learn",
  summary: "Run a tool server once with everything allowed but noted, and propose the least policy",
  input: z.strictObject({
    ...one,
    calls: z.array(z.strictObject({
      tool: z.string().min(1).max(200).describe("The server's own name of it"),
      arguments: z.record(z.string(), z.unknown()).default({}),
    })).max(50).default([]).describe("Calls to make meanwhile: what isn't used isn't learned"),
    apply: z.boolean().default(false).describe("Whether the proposal becomes the server's policy"),
  }),
  output: z.object({
    policy: z.string().describe("The id of the policy it is, or would be"),
    proposed: SandboxProfile,
    present: SandboxProfile,
    difference: z.array(z.string()).describe("A line for each access that would come or go"),
    failed: z.array(z.object({ tool: z.string(), message: z.string() })).describe("Calls that failed"),
    applied: z.boolean(),
  }),
  errors: [...NOT_FOUND, "ConflictError", "UpstreamError", "TimeoutError", "UnavailableError"],
  http: "POST /agents/{agent_id}/mcp_servers/{server_name}/learn",
});

/** Ends a sign-in. */
export const mcpServerSignIn = call({
  id: "mcp_server_sign_in",
  summary: "Take what an authorization server sends back with a person who signed in at a tool server",
  access: "public",
  input: z.strictObject({
    state: z.string().min(1).max(500),
    code: z.string().max(4000).optional(),
    iss: z.string().max(2000).optional(),
    error: z.string().max(200).optional(),
    error_description: z.string().max(2000).optional(),
    error_uri: z.string().max(2000).optional(),
    session_state: z.string().max(2000).optional(),
    scope: z.string().max(4000).optional(),
  }),
  output: z.object({ signed_in: z.boolean(), message: z.string() }),
  errors: [],
  http: "GET /mcp/sign_in",
  limit: "public",
});

/** Shows MUXI as a client of authorization servers. */
export const mcpClientGet = call({
  id: "mcp_client_get",
  summary: "Get what authorization servers may know of MUXI; its address is the client's id",
  access: "public",
  input: z.strictObject({}),
  output: z.object({
    client_id: z.string(),
    client_name: z.string(),
    redirect_uris: z.array(z.string()),
    grant_types: z.array(z.string()),
    response_types: z.array(z.string()),
    token_endpoint_auth_method: z.string(),
  }),
  errors: ["NotFoundError"],
  http: "GET /mcp/client",
  limit: "public",
});

/** Every operation of this file. */
export const mcpServerOperations = [
  mcpServerList,
  mcpServerAdd,
  mcpServerGet,
  mcpServerRemove,
  mcpServerRestart,
  mcpServerLearn,
  mcpServerSignIn,
  mcpClientGet,
] as const;

/** Binds this file's operations. */
export function bindMcpServers(
  { servers, learning, clientDocument }: {
    servers: McpServers;
    learning: Learning;
    clientDocument(): Promise<Record<string, unknown> | undefined>;
  },
): Bound[] {
  return [
    onCall(mcpServerList, async ({ agent_id }, { principal }) => ({ data: await servers.list(principal, agent_id) })),
    onCall(mcpServerAdd, ({ agent_id, allow, ...server }, { principal }) => {
      return servers.add(principal, agent_id, { server, allow });
    }),
    onCall(mcpServerGet, ({ agent_id, server_name }, { principal }) => servers.get(principal, agent_id, server_name)),
    onCall(mcpServerRemove, async ({ agent_id, server_name }, { principal }) => {
      await servers.remove(principal, agent_id, server_name);
      return null;
    }),
    onCall(mcpServerRestart, ({ agent_id, server_name }, { principal }) => {
      return servers.restart(principal, agent_id, server_name);
    }),
    onCall(mcpServerLearn, ({ agent_id, server_name, calls, apply }, { principal, signal }) => {
      return learning.learn(principal, { agent_id, server_name, calls, apply, signal });
    }),
    onCall(mcpServerSignIn, ({ state, code, iss, error }) => {
      return servers.finishSignIn({ state, ...code && { code }, ...iss && { iss }, ...error && { error } });
    }),
    onCall(mcpClientGet, async () => {
      const document = await clientDocument();
      if (document) return document as z.input<typeof mcpClientGet.output>;
      const why = "server.public_url is no https:// address, so MUXI registers itself instead";
      throw new AppError("NotFoundError", `Cannot show MUXI to authorization servers: ${why}`);
    }),
  ];
}
