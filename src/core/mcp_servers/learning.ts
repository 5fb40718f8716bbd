/**
 * Finding out what a tool server's program needs, and making that its policy.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import type { McpServerSource } from "../../domain/mcp_definition.ts";
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
  /** The least that it needs. */
  profile: SandboxProfile;
  /** That, with all that its policy allows so far. */
  merged: SandboxProfile;
  /** What its policy allows and it did not use. */
  unused: string[];
  /** What it was refused even then. */
  refused: string[];
  /** What it lacks that no policy can give. */
  notes: string[];
  failed: { tool: string; message: string }[];
}

/** Runs the program of a server once, with wide rights and an eye on what it uses of them, and makes `calls`. */
export type Learn = (
  server: McpServer,
  options: { policy: NamedPolicy; calls: readonly TrialCall[]; signal: AbortSignal },
) => Promise<Learned>;

/** What {@linkcode Learning} needs. */
export interface LearningDeps {
  servers: McpServers;
  policies: Policies;
  /** The policy that holds the program of a server. */
  policyOf: (server: string) => NamedPolicy;
  /** Where the definition of a server comes from. */
  sourceOf: (server: string) => McpServerSource;
  /** Whether only the operator can call, in this process. */
  operator: boolean;
  /** Whether a program that is watched is in a box nevertheless. */
  isBoxed: () => Promise<boolean>;
  /** Rejects where the program of a server can't be watched. */
  checkWatchable: (server: McpServer) => Promise<void>;
  learn: Learn;
}

/** Which server to learn of, and what to do with it. */
export interface LearnRequest {
  agent_id: string;
  server_name: string;
  calls: readonly TrialCall[];
  apply: boolean;
  /** Whether what its policy allows and it did not use goes. */
  prune: boolean;
  /** Whether the proposal is put in force although calls failed. */
  force: boolean;
  signal: AbortSignal;
}

/** Learns policies. */
export class Learning {
  readonly #deps: LearningDeps;

  constructor(deps: LearningDeps) {
    this.#deps = deps;
  }

  /** Proposes a policy for a server; puts it in force where that is wanted and every call went well. */
  async learn(principal: Principal, request: LearnRequest) {
    const { agent_id, server_name: name, calls, apply, prune, force, signal } = request;
    const { servers, policies, policyOf, checkWatchable, learn } = this.#deps;
    const upstream = await servers.upstream(principal, agent_id, name);
    const { definition } = upstream;
    if (definition.command === undefined) {
      const message = `Cannot learn the policy of tool server "${name}": it runs somewhere else, not in the sandbox`;
      throw new AppError("ConflictError", message);
    }
    await this.#check(name);
    // What can't be learned of goes on undisturbed.
    await checkWatchable(definition);
    const policy = policyOf(name);
    // Two of a kind at the same time would get into each other's way.
    await upstream.stop("Its policy is being learned");
    let learned: Learned;
    try {
      learned = await learn(definition, { policy, calls, signal });
    } finally {
      void upstream.restart();
    }
    const id = ownPolicyId(policies.list().map(({ policy }) => policy), name, policy);
    const { profile: needed, merged, unused, refused, notes, failed } = learned;
    const proposed = prune ? needed : merged;
    const difference = differenceOf(policy.sandbox, proposed);
    const applied = apply && (force || failed.length === 0);
    if (applied) {
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
    const present = policy.sandbox;
    return { policy: id, needed, proposed, present, difference, unused, refused, notes, failed, applied };
  }

  /** Whoever has a program watched chooses what reads all of this machine, and without a box writes to it. */
  async #check(name: string): Promise<void> {
    const { policies, sourceOf, operator, isBoxed } = this.#deps;
    if (operator || policies.trusts("api")) return;
    const why = sourceOf(name) === "api"
      ? "it was defined over the API, and would see all of this machine's files"
      : await isBoxed()
      ? undefined
      : "there is no bubblewrap here, so that it could change all of this machine's files";
    if (why === undefined) return;
    const how =
      'Run "muxi mcp learn" as the operator, in the data folder of a server that is stopped, define the tool ' +
      "server in the settings' mcp_servers or in the agents' file where there is bubblewrap, " +
      "or turn on tools.trust_api_policies";
    throw new AppError("ForbiddenError", `Cannot learn the policy of tool server "${name}": ${why}. ${how}`);
  }
}

/** A line for each access that comes (`+`), goes (`-`) or becomes another. */
export function differenceOf(present: SandboxProfile, proposed: SandboxProfile): string[] {
  const raised = without(proposed.write, present.write).filter((one) =>
    without(present.read, proposed.read).includes(one)
  );
  return (Object.keys(SandboxProfile.shape) as (keyof SandboxProfile)[]).flatMap((field) => {
    const [before, after] = [present[field], proposed[field]];
    if (!Array.isArray(before) || !Array.isArray(after)) {
      return before === after ? [] : [`${field}: ${before} → ${after}`];
    }
    const come = without(after, before).filter((one) => field !== "write" || !raised.includes(one));
    const go = without(before, after).filter((one) => field !== "read" || !raised.includes(one));
    return [
      ...field === "write" ? raised.map((one) => `read → write: ${one}`) : [],
      ...lines(`+ ${field}`, come),
      ...lines(`- ${field}`, go),
    ];
  });
}

function without(list: readonly string[], other: readonly string[]): string[] {
  return list.filter((one) => !other.includes(one));
}

/** Facts of the machine are many and small, so they share a line. */
function lines(what: string, values: readonly string[]): string[] {
  if (values.length === 0) return [];
  return what.endsWith("sys") ? [`${what}: ${values.join(", ")}`] : values.map((value) => `${what}: ${value}`);
}
