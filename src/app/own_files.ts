/**
 * The files that the settings name: of agents and of policies.
 *
 * @module
 */
import { createJsonSchema } from "../adapters/json_schema/json_schema.ts";
import { createAgentFiles } from "../adapters/yaml/agent_file.ts";
import { readAgentFile } from "../core/agents/agent_import.ts";
import { checkPolicy } from "../core/policies/check_policy.ts";
import { AppError } from "../domain/error.ts";
import type { LoadedSettings } from "../settings.ts";
import { readPolicies } from "./policies.ts";
import { readAgents } from "./ports.ts";

/** Throws `ConfigurationError` for what a start would refuse of them. */
export async function checkOwnFiles({ settings, variables }: LoadedSettings): Promise<void> {
  const schema = createJsonSchema();
  try {
    for (const { policies } of await readPolicies(settings.tools.policies_file)) {
      for (const [id, policy] of Object.entries(policies)) checkPolicy(id, policy, schema);
    }
    await readAgentFile(createAgentFiles({ variables }), await readAgents(settings));
  } catch (error) {
    if (!(error instanceof AppError) || error.name === "ConfigurationError") throw error;
    throw new AppError("ConfigurationError", error.message, { cause: error });
  }
}
