/**
 * The tool servers of agents.
 *
 * @module
 */
import { z } from "zod";
import type { Learning } from "../core/mcp_servers/learning.ts";
import type { McpServers } from "../core/mcp_servers/mcp_servers.ts";
import type { SignIns } from "../core/mcp_servers/sign_ins.ts";
import { AgentId } from "../domain/agent.ts";
import { AppError } from "../domain/error.ts";
import { McpServerChange } from "../domain/mcp_change.ts";
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

/** Changes a server. */
export const mcpServerUpdate = call({
  ...shared,
  id: "mcp_server_update",
  summary: "Change a tool server for every agent that uses it, such as to give it another secret, and connect anew",
  input: McpServerChange.extend(one),
  output: McpServerView,
  errors: [...NOT_FOUND, "ConflictError", "UpstreamError"],
  http: "PATCH /agents/{agent_id}/mcp_servers/{server_name}",
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
  summary: "Run a tool server once, watched and with wide rights, and propose the least policy",
  input: z.strictObject({
    ...one,
    calls: z.array(z.strictObject({
      tool: z.string().min(1).max(200).describe("The server's own name of it"),
      arguments: z.record(z.string(), z.unknown()).default({}),
    })).max(50).default([]).describe("Calls to make meanwhile: what isn't used isn't learned"),
    apply: z.boolean().default(false).describe(
      "Whether the proposal becomes the server's policy, unless a call failed",
    ),
    prune: z.boolean().default(false).describe("Whether what the policy allows so far and wasn't used goes"),
    force: z.boolean().default(false).describe("Whether the proposal is put in force although calls failed"),
  }),
  output: z.object({
    policy: z.string().describe("The id of the policy it is, or would be"),
    needed: SandboxProfile.describe("The least with which it can do the same again"),
    proposed: SandboxProfile.describe("That, and unless it is pruned what the policy allows so far"),
    present: SandboxProfile,
    difference: z.array(z.string()).describe("A line for each access that would come or go"),
    unused: z.array(z.string()).describe("What the policy allows so far and wasn't used"),
    refused: z.array(z.string()).describe("What it was refused even then, and so isn't proposed"),
    notes: z.array(z.string()).describe("What it lacks that no policy can give, and what to do about that"),
    failed: z.array(z.object({ tool: z.string(), message: z.string() })).describe("Calls that failed"),
    applied: z.boolean(),
  }),
  errors: [...NOT_FOUND, "ConflictError", "UpstreamError", "TimeoutError", "UnavailableError"],
  http: "POST /agents/{agent_id}/mcp_servers/{server_name}/learn",
});

/** Begins a sign-in. */
export const mcpServerSignInBegin = call({
  id: "mcp_server_sign_in_begin",
  summary: "Get for whom a sign-in at a tool server is, and where it goes on; a browser gets a page that leads there",
  access: "public",
  input: z.strictObject({ state: z.string().min(1).max(500) }),
  output: z.object({
    server: z.string(),
    user_id: z.string().nullable().describe("For whom alone; null: for all users of the server"),
    url: z.string(),
    browser: z.string().describe("What the page leaves in the browser that goes on, as a cookie; no other may end it"),
  }),
  errors: ["NotFoundError"],
  http: "GET /mcp/sign_in/begin",
  limit: "public",
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
    browser: z.string().max(100).optional().describe("From the cookie of the browser; over HTTP from nowhere else"),
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
  mcpServerUpdate,
  mcpServerRemove,
  mcpServerRestart,
  mcpServerLearn,
  mcpServerSignInBegin,
  mcpServerSignIn,
  mcpClientGet,
] as const;

/** Binds this file's operations. */
export function bindMcpServers(
  { servers, signIns, learning, clientDocument }: {
    servers: McpServers;
    signIns: SignIns;
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
    onCall(mcpServerUpdate, ({ agent_id, server_name, ...change }, { principal }) => {
      return servers.update(principal, agent_id, server_name, change);
    }),
    onCall(mcpServerRemove, async ({ agent_id, server_name }, { principal }) => {
      await servers.remove(principal, agent_id, server_name);
      return null;
    }),
    onCall(mcpServerRestart, ({ agent_id, server_name }, { principal }) => {
      return servers.restart(principal, agent_id, server_name);
    }),
    onCall(mcpServerLearn, (input, { principal, signal }) => learning.learn(principal, { ...input, signal })),
    onCall(mcpServerSignInBegin, ({ state }) => signIns.begin(state)),
    onCall(mcpServerSignIn, ({ state, code, iss, error, browser }) => {
      return signIns.finish({ state, ...code && { code }, ...iss && { iss }, ...error && { error } }, { browser });
    }),
    onCall(mcpClientGet, async () => {
      const document = await clientDocument();
      if (document) return document as z.input<typeof mcpClientGet.output>;
      const why = "server.public_url is no https:// address, so MUXI registers itself instead";
      throw new AppError("NotFoundError", `Cannot show MUXI to authorization servers: ${why}`);
    }),
  ];
}
