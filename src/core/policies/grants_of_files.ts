/**
 * What only the operator's files may grant: all that MUXI may do, and what it knows.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Policy } from "../../domain/policy.ts";

/** What {@linkcode refuseGrants} compares. */
export interface ChangedPolicy {
  before: Policy | undefined;
  policy: Policy;
  isOwnVariable: (name: string) => boolean;
}

/** Throws `ForbiddenError` where a change grants such a thing, or grants it to further servers. */
export function refuseGrants(id: string, { before, policy, isOwnVariable }: ChangedPolicy): void {
  const grantsOf = ({ sandbox }: Policy) => [
    ...sandbox.unsandboxed ? ["sandbox.unsandboxed: true"] : [],
    ...sandbox.env.filter(isOwnVariable).map((name) => `sandbox.env: ${name}`),
  ];
  const had = before ? grantsOf(before) : [];
  const has = grantsOf(policy);
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
