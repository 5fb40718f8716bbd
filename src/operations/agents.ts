/**
 * Agents.
 *
 * @module
 */
import { z } from "zod";
import type { AgentImport } from "../core/agents/agent_import.ts";
import type { Agents } from "../core/agents/agents.ts";
import { ownerOf } from "../domain/access.ts";
import { Agent, AgentConfig, AgentId, toAgent } from "../domain/agent.ts";
import { AppError } from "../domain/error.ts";
import { PageInput, pageOf } from "../domain/page.ts";
import { type Bound, call, onCall } from "./operation.ts";

const NOT_FOUND = ["AgentNotFoundError"] as const;

/** Lists agents. */
export const agentList = call({
  id: "agent_list",
  summary: "List agents",
  access: "user",
  input: z.strictObject({ ...PageInput, order: PageInput.order.unwrap().default("asc").describe("By id") }),
  output: pageOf(Agent),
  errors: [],
  http: "GET /agents",
  mcp: { read_only: true },
  limit: "read",
});

/** Shows an agent. */
export const agentGet = call({
  id: "agent_get",
  summary: "Get an agent; its prompt and policies only for an admin, its secrets for nobody",
  access: "user",
  input: z.strictObject({ agent_id: AgentId }),
  output: Agent,
  errors: NOT_FOUND,
  http: "GET /agents/{agent_id}",
  mcp: { read_only: true },
  limit: "read",
});

/** Makes an agent. */
export const agentCreate = call({
  id: "agent_create",
  summary: "Create an agent",
  access: "admin",
  input: AgentConfig.extend({ id: AgentId }),
  output: Agent,
  status: 201,
  errors: ["ConflictError"],
  http: "POST /agents",
  mcp: {},
  limit: "admin",
});

/** Changes an agent. */
export const agentUpdate = call({
  id: "agent_update",
  summary: "Change an agent; the next run uses it",
  access: "admin",
  // A default would reset what the caller didn't mention.
  input: z.strictObject({
    agent_id: AgentId,
    ...Object.fromEntries(
      Object.entries(AgentConfig.shape).map(([name, field]) => [
        name,
        (field instanceof z.ZodDefault ? field.unwrap() as z.ZodType : field).optional(),
      ]),
    ),
  }),
  output: Agent,
  errors: ["AgentNotFoundError", "ConflictError"],
  http: "PATCH /agents/{agent_id}",
  mcp: { idempotent: true },
  limit: "admin",
});

/** Deletes an agent. */
export const agentDelete = call({
  id: "agent_delete",
  summary: "Delete an agent; runs that use it go on",
  access: "admin",
  input: z.strictObject({ agent_id: AgentId }),
  output: z.null(),
  status: 204,
  errors: NOT_FOUND,
  http: "DELETE /agents/{agent_id}",
  mcp: { destructive: true },
  limit: "admin",
});

/** Imports agents. */
export const agentImport = call({
  id: "agent_import",
  summary: "Create or change agents from YAML or JSON, one or many; a dry run shows the differences",
  access: "admin",
  input: z.strictObject({
    content: z.string().min(1).max(500_000).describe("The file's text"),
    format: z.enum(["yaml", "json"]).default("yaml"),
    dry_run: z.boolean().default(false),
  }),
  output: z.object({
    dry_run: z.boolean(),
    agents: z.array(z.object({
      id: z.string(),
      action: z.enum(["create", "update", "unchanged"]),
      changes: z.array(z.object({ field: z.string(), from: z.unknown(), to: z.unknown() })),
    })),
  }),
  errors: ["ConflictError"],
  http: "POST /agents/import",
  limit: "admin",
});

/** Every operation of this file. */
export const agentOperations = [agentList, agentGet, agentCreate, agentUpdate, agentDelete, agentImport] as const;

/** Binds this file's operations. */
export function bindAgents({ agents, imports }: { agents: Agents; imports: AgentImport }): Bound[] {
  return [
    onCall(agentList, async (page, { principal }) => {
      const { data, next_cursor } = await agents.list(principal.tenant_id, page);
      return { data: data.map((row) => toAgent(row, principal.access === "admin")), next_cursor };
    }),
    onCall(agentGet, async ({ agent_id }, { principal }) => {
      return toAgent(await agents.get(principal.tenant_id, agent_id), principal.access === "admin");
    }),
    onCall(agentCreate, async ({ id, ...config }, { principal }) => {
      return toAgent(await agents.create(principal, id, config), true);
    }),
    onCall(agentUpdate, async ({ agent_id, ...change }, { principal }) => {
      const row = await agents.update(principal, agent_id as string, (config) => {
        const changed = AgentConfig.safeParse({ ...config, ...change });
        if (changed.success) return changed.data;
        throw new AppError("ValidationError", `Cannot change agent "${agent_id}": ${z.prettifyError(changed.error)}`);
      });
      return toAgent(row, true);
    }),
    onCall(agentDelete, async ({ agent_id }, { principal }) => {
      await agents.delete(principal.tenant_id, agent_id);
      return null;
    }),
    onCall(agentImport, async ({ content, format, dry_run }, { principal }) => {
      return { dry_run, agents: await imports.import(ownerOf(principal), { text: content, format, dry_run }) };
    }),
  ];
}
