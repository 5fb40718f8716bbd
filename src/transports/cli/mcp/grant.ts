/**
 * A policy of its own for a server.
 *
 * @module
 */
import { choosePolicy, DEFAULT_POLICY, type NamedPolicy, ownPolicyId } from "../../../domain/policy.ts";
import { policyList, policyUpdate } from "../../../operations/policies.ts";
import type { Connection } from "../connection.ts";

/** What a server's program may touch, and nothing else. */
export interface Grant {
  read: string[];
  write: string[];
  net: string[];
}

async function readPolicies({ gateway, visit }: Connection): Promise<NamedPolicy[]> {
  const policies: NamedPolicy[] = [];
  let cursor: string | null = null;
  do {
    const input = { limit: 100, ...cursor !== null && { cursor } };
    const page: { data: NamedPolicy[]; next_cursor: string | null } = await gateway.call(
      policyList,
      () => input,
      visit(),
    );
    policies.push(...page.data);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return policies;
}

/** Makes `grant` what the policy of `server` allows. The rules for its tools stay what they were. */
export async function grantAccess(connection: Connection, server: string, grant: Grant): Promise<void> {
  const { gateway, visit } = connection;
  const policies = await readPolicies(connection);
  const present = choosePolicy(policies, server) ?? DEFAULT_POLICY;
  const policy_id = ownPolicyId(policies, server, present);
  const isNew = policy_id !== present.id;
  const input = {
    policy_id,
    ...isNew && { create: true, description: `For tool server "${server}"`, servers: [server], tools: present.tools },
    sandbox: grant,
  };
  await gateway.call(policyUpdate, () => input, visit());
}
