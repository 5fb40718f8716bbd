/**
 * Finding out what a tool server's program needs, and making that its policy.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import type { McpServer } from "../../domain/mcp_server.ts";
import { type NamedPolicy, ownPolicyId, SandboxProfile } from "../../domain/policy.ts";
import type { Policies } from "../policies/policies.ts";
import type { McpServers } from "./mcp_servers.ts";

/** A call to be made while somebody looks. */
export interface TrialCall {
  tool: string;
  arguments: Record<string, unknown>;
}

/** What was found out. */
export interface Learned {
  profile: SandboxProfile;
  failed: { tool: string; message: string }[];
}

/** Runs the program of a server once, with everything allowed but noted, and makes `calls`. */
export type Learn = (
  server: McpServer,
  options: { policy: NamedPolicy; calls: readonly TrialCall[]; signal: AbortSignal },
) => Promise<Learned>;

/** What {@linkcode Learning} needs. */
export interface LearningDeps {
  servers: McpServers;
  policies: Policies;
  learn: Learn;
}

/** Which server to learn of, and what to do with it. */
export interface LearnRequest {
  agent_id: string;
  server_name: string;
  calls: readonly TrialCall[];
  apply: boolean;
  signal: AbortSignal;
}

/** Learns policies. */
export class Learning {
  readonly #deps: LearningDeps;

  constructor(deps: LearningDeps) {
    this.#deps = deps;
  }

  /** Proposes the least policy for a server; puts it in force where that is wanted. */
  async learn(principal: Principal, { agent_id, server_name: name, calls, apply, signal }: LearnRequest) {
    const { servers, policies, learn } = this.#deps;
    const upstream = await servers.upstream(principal, agent_id, name);
    const { definition } = upstream;
    if (definition.command === undefined) {
      const message = `Cannot learn the policy of tool server "${name}": it runs somewhere else, not in the sandbox`;
      throw new AppError("ConflictError", message);
    }
    const policy = policies.of(name);
    // Two of a kind at the same time would get into each other's way.
    await upstream.stop("Its policy is being learned");
    let learned: Learned;
    try {
      learned = await learn(definition, { policy, calls, signal });
    } finally {
      void upstream.restart();
    }
    const id = ownPolicyId(policies.list().map(({ policy }) => policy), name, policy);
    const { profile: proposed, failed } = learned;
    const difference = differenceOf(policy.sandbox, proposed);
    if (apply) {
      await policies.update(principal, id, {
        // The rules for its tools stay what they were.
        change: (before) => ({
          description: before?.description ?? `Learned of tool server "${name}"`,
          servers: [name],
          tools: policy.tools,
          sandbox: proposed,
        }),
      });
    }
    return { policy: id, proposed, present: policy.sandbox, difference, failed, applied: apply };
  }
}

/** A line for each access that comes (`+`), goes (`-`) or becomes another. */
export function differenceOf(present: SandboxProfile, proposed: SandboxProfile): string[] {
  return (Object.keys(SandboxProfile.shape) as (keyof SandboxProfile)[]).flatMap((field) => {
    const [before, after] = [present[field], proposed[field]];
    if (!Array.isArray(before) || !Array.isArray(after)) {
      return before === after ? [] : [`${field}: ${before} → ${after}`];
    }
    const [old, now]: [string[], string[]] = [before, after];
    return [
      ...now.filter((one) => !old.includes(one)).map((one) => `+ ${field}: ${one}`),
      ...old.filter((one) => !now.includes(one)).map((one) => `- ${field}: ${one}`),
    ];
  });
}
