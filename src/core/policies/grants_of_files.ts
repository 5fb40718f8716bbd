/**
 * What only the operator's files may grant: all that MUXI may do, and what it knows.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { isTrusted, type NamedPolicy, type Policy } from "../../domain/policy.ts";
import type { GrantedPaths } from "./granted_paths.ts";

/** What {@linkcode refuseGrants} compares. */
export interface ChangedPolicy {
  before: Policy | undefined;
  policy: Policy;
  isOwnVariable: (name: string) => boolean;
}

/** Throws `ForbiddenError` where a change grants such a thing, or grants it to further servers. */
export function refuseGrants(id: string, { before, policy, isOwnVariable }: ChangedPolicy): void {
  const had = before ? grantsOf(before, isOwnVariable) : [];
  const has = grantsOf(policy, isOwnVariable);
  const further = policy.servers.filter((server) => !before?.servers.includes(server));
  const granted = further.length > 0 ? has : has.filter((one) => !had.includes(one));
  if (granted.length === 0) return;
  const to = further.length > 0 ? ` for ${further.map((server) => `"${server}"`).join(", ")}` : "";
  const how = "Write it into tools.policies_file, or turn on tools.trust_api_policies";
  throw new AppError(
    "ForbiddenError",
    `Cannot change policy "${id}": only policy files may say "${granted.join('", "')}"${to}. ${how}`,
    { details: { policy: id, granted } },
  );
}

/** A policy as it holds the program of one server. */
export interface HeldPolicy {
  policy: NamedPolicy;
  /** What it grants only where files define the server, and how to have that; undefined where nothing is withheld. */
  withheld?: string;
}

/** What {@linkcode withholdGrants} goes by. */
export interface WithholdOptions extends Pick<ChangedPolicy, "isOwnVariable"> {
  paths: GrantedPaths;
  /** The server's folder. */
  cwd: string | undefined;
}

/** `policy` without such things, for a server that files don't define: anybody's program could take its name. */
export function withholdGrants(policy: NamedPolicy, server: string, options: WithholdOptions): HeldPolicy {
  const { isOwnVariable: isOwn, paths, cwd } = options;
  const { sandbox } = policy;
  // What holds for nobody by this name is not withheld.
  const unsandboxed = sandbox.unsandboxed && !isTrusted(policy, server);
  const kept: NamedPolicy = {
    ...policy,
    sandbox: { ...sandbox, unsandboxed, env: sandbox.env.filter((name) => !isOwn(name)) },
  };
  const left = grantsOf(kept, isOwn);
  const granted = grantsOf(policy, isOwn).filter((one) => !left.includes(one));
  const placed = paths.withhold(granted.length === 0 ? policy : kept, cwd);
  const withheld = [...granted, ...placed.withheld];
  if (withheld.length === 0) return { policy };
  const how = `Define it in the settings' mcp_servers or in the agents' file, or turn on tools.trust_api_policies`;
  const limit = placed.withheld.length === 0 ? "" : `, in "${cwd}": ${paths.words}`;
  const why = `doesn't hold for "${server}", which was defined over the API${limit}`;
  return { policy: placed.policy, withheld: `"${withheld.join('", "')}" of the policy "${policy.id}" ${why}. ${how}` };
}

function grantsOf({ sandbox }: Policy, isOwnVariable: ChangedPolicy["isOwnVariable"]): string[] {
  return [
    ...sandbox.unsandboxed ? ["sandbox.unsandboxed: true"] : [],
    ...sandbox.env.filter(isOwnVariable).map((name) => `sandbox.env: ${name}`),
  ];
}
