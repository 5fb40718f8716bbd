/**
 * An agent: who answers, with which model, and what it may use.
 *
 * @module
 */
import { z } from "zod";
import { McpServer } from "./mcp_server.ts";
import { Voice } from "./voice.ts";

/** An agent's id, as it stands in paths. */
export const AgentId = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/).describe("The agent's id");

/** How a model is asked to speak. What a provider doesn't know of these is not sent to it. */
export const MODEL_PARAMETERS = {
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().min(0).max(1).optional(),
  max_output_tokens: z.number().int().min(1).max(1_000_000).optional(),
  stop: z.array(z.string().min(1).max(500)).max(16).optional().describe("Texts that end the answer"),
  seed: z.number().int().optional(),
  presence_penalty: z.number().min(-2).max(2).optional(),
  frequency_penalty: z.number().min(-2).max(2).optional(),
  reasoning_effort: z.enum(["none", "minimal", "low", "medium", "high", "xhigh", "max"]).optional(),
};

/** Which model answers, and how. */
export const ModelChoice = z.strictObject({
  provider: z.string().max(64).optional().describe("openai, anthropic, google, azure, ollama, offline …"),
  model: z.string().max(200).optional().describe("The provider's name of the model"),
  api_key: z.string().max(500).regex(/^[\x21-\x7e]+$/).refine(
    (key) => !key.includes("${"),
    "must be the key itself: only the settings' own agent file may name variables",
  ).optional().describe("Never shown again"),
  base_url: z.url().max(500).optional(),
  images: z.boolean().optional().describe(
    "False: it can't look at pictures; those that tools answer with are described",
  ),
  ...MODEL_PARAMETERS,
  fallback: z.array(z.string().max(264)).max(8).optional()
    .describe("Tried in turn when the first fails before its first token: provider/model"),
}).meta({ id: "ModelChoice" });
/** See {@linkcode ModelChoice}. */
export type ModelChoice = z.infer<typeof ModelChoice>;

/** What an agent may do without asking. Patterns are tool names, `*` matches any part. */
export const AgentPolicies = z.strictObject({
  ask: z.array(z.string().max(128)).max(200).optional().describe("Tools that wait for a person"),
  deny: z.array(z.string().max(128)).max(200).optional(),
  decide: z.enum(["user", "admin"]).optional().describe("Which access may decide approvals"),
}).meta({ id: "AgentPolicies" });

/** A text that people begin with; `{{name}}` stands for an argument. MCP clients are offered it. */
export const AgentPrompt = z.strictObject({
  name: z.string().regex(/^(?!.*__)[\w-]{1,64}$/),
  description: z.string().max(1000).default(""),
  arguments: z.array(z.strictObject({
    name: z.string().regex(/^[\w-]{1,64}$/),
    description: z.string().max(1000).default(""),
    required: z.boolean().default(false),
    values: z.array(z.string().min(1).max(200)).max(200).optional().describe("Proposed to whoever fills it in"),
  })).max(20).default([]),
  text: z.string().min(1).max(20_000),
}).meta({ id: "AgentPrompt" });
/** See {@linkcode AgentPrompt}. */
export type AgentPrompt = z.infer<typeof AgentPrompt>;

/** What can be said of an agent. */
export const AgentConfig = z.strictObject({
  name: z.string().min(1).max(100),
  description: z.string().max(2000).default(""),
  role: z.string().max(100).default("assistant"),
  system_prompt: z.string().max(100_000).default(""),
  model: ModelChoice.default({}),
  allowed_tools: z.array(z.string().max(128)).max(500).default([])
    .describe("Names of tools; `*` matches any part. Empty: none"),
  mcp_servers: z.array(McpServer).max(50).default([]),
  tool_search: z.boolean().default(false).describe(
    "Offer the model one tool that finds the others and one that calls them, instead of all",
  ),
  resources: z.boolean().default(false).describe(
    "Offer the model one tool that lists what its tool servers let read and one that reads it",
  ),
  look: z.boolean().optional().describe(
    "Offer the model a tool that looks at the caller's camera or screen in calls, where they consent",
  ),
  policies: AgentPolicies.default({}),
  prompts: z.array(AgentPrompt).max(50).default([]).describe("Texts that people begin with"),
  max_steps: z.number().int().min(1).max(100).default(16),
  voice: Voice.optional().describe("How it speaks and listens in calls"),
  metadata: z.record(z.string().max(100), z.unknown()).default({}),
}).meta({ id: "AgentConfig" });
/** See {@linkcode AgentConfig}. */
export type AgentConfig = z.infer<typeof AgentConfig>;

/** An agent as stored: every change is a new revision, and a run pins one. */
export interface AgentRow {
  id: string;
  tenant_id: string;
  key_id: string;
  user_id: string | null;
  revision: number;
  config: AgentConfig;
  /** Hash of the file entry it came from, so that a start changes only what the file changed. */
  source_hash: string | null;
  created_at: string;
  updated_at: string;
  deleted_at: string | null;
}

/** One revision, kept while a run may need it. */
export interface AgentRevisionRow {
  id: string;
  agent_id: string;
  tenant_id: string;
  key_id: string;
  user_id: string | null;
  revision: number;
  config: AgentConfig;
  created_at: string;
}

/** An agent as shown. What only an admin may see is absent for others. */
export const Agent = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  role: z.string(),
  revision: z.number().int(),
  model: z.object({ provider: z.string().nullable(), model: z.string().nullable() }),
  allowed_tools: z.array(z.string()),
  prompts: z.array(AgentPrompt).optional(),
  system_prompt: z.string().optional(),
  tool_search: z.boolean().optional(),
  resources: z.boolean().optional(),
  look: z.boolean().optional(),
  policies: AgentPolicies.optional(),
  voice: Voice.optional(),
  mcp_servers: z.array(z.object({ name: z.string(), type: z.string().nullable() })).optional(),
  max_steps: z.number().int().optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  created_at: z.string(),
  updated_at: z.string(),
}).meta({ id: "Agent" });
/** See {@linkcode Agent}. */
export type Agent = z.infer<typeof Agent>;

/** `row` as `full` (an admin's) or reduced view. Credentials are in neither. */
export function toAgent(row: AgentRow, full: boolean): Agent {
  const { name, description, role, model, allowed_tools, prompts = [], voice } = row.config;
  const { system_prompt, tool_search, resources = false, look = false, policies, mcp_servers, max_steps, metadata } =
    row.config;
  return {
    id: row.id,
    name,
    description,
    role,
    revision: row.revision,
    model: { provider: model.provider ?? null, model: model.model ?? null },
    allowed_tools,
    ...prompts.length > 0 && { prompts },
    ...voice && { voice },
    ...full && {
      system_prompt,
      tool_search,
      resources,
      look,
      policies,
      mcp_servers: mcp_servers.map(({ name, type = null }) => ({ name, type })),
      max_steps,
      metadata,
    },
    created_at: row.created_at,
    updated_at: row.updated_at,
  };
}
