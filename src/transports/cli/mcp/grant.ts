/**
 * Policies of servers, as adding and removing a server makes and takes them.
 *
 * @module
 */
import type { z } from "zod";
import { choosePolicy, DEFAULT_POLICY, isMadeFor, ownPolicyId } from "../../../domain/policy.ts";
import { policyDelete, policyList, policyUpdate } from "../../../operations/policies.ts";
import type { Connection } from "../connection.ts";

/** What a server's program may touch, and nothing else. */
export interface Grant {
  read: string[];
  write: string[];
  net: string[];
}

type KnownPolicy = z.output<typeof policyList.output>["data"][number];

/** Every policy in force. */
async function readPolicies({ gateway, visit }: Connection): Promise<KnownPolicy[]> {
  const policies: KnownPolicy[] = [];
  let cursor: string | null = null;
  do {
    const input = { limit: 100, ...cursor !== null && { cursor } };
    const page: z.output<typeof policyList.output> = await gateway.call(policyList, () => input, visit());
    policies.push(...page.data);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return policies;
}

/**
 * Has the policy of `server` allow `grant`: beside what its own policy allows so far, or with `replace` instead of it.
 * The rules for its tools stay what they were.
 */
export async function grantAccess(
  connection: Connection,
  server: string,
  { replace, ...grant }: Grant & { replace: boolean },
): Promise<void> {
  const { gateway, visit } = connection;
  const policies = await readPolicies(connection);
  const present = choosePolicy(policies, server) ?? DEFAULT_POLICY;
  const policy_id = ownPolicyId(policies, server, present);
  const own = policy_id === present.id ? policies.find(({ id }) => id === policy_id) : undefined;
  const input = own === undefined
    ? {
      policy_id,
      create: true,
      description: `For tool server "${server}"`,
      servers: [server],
      tools: present.tools,
      sandbox: grant,
    }
    : { policy_id, revision: own.revision, sandbox: replace ? grant : withGrant(own.sandbox, grant) };
  await gateway.call(policyUpdate, () => input, visit());
}

function withGrant(present: Grant, grant: Grant): Grant {
  const both = (kind: keyof Grant) => [...new Set([...present[kind], ...grant[kind]])];
  return { read: both("read"), write: both("write"), net: both("net") };
}

/** Takes the policies away that were made for `server` alone, so that no other program inherits them. Their ids. */
export async function takePolicies(connection: Connection, server: string): Promise<string[]> {
  const { gateway, visit } = connection;
  const made = (await readPolicies(connection)).filter((one) => one.source === "api" && isMadeFor(one, server));
  for (const { id } of made) await gateway.call(policyDelete, () => ({ policy_id: id }), visit());
  return made.map(({ id }) => id);
}

/** What the policy of `server` allows its program, in words. */
export async function rightsOf(connection: Connection, server: string): Promise<string> {
  const { id, sandbox } = choosePolicy(await readPolicies(connection), server) ?? DEFAULT_POLICY;
  if (sandbox.unsandboxed) return `The policy "${id}" lets it do whatever MUXI may`;
  const kinds = [
    ["read", sandbox.read],
    ["read and write", sandbox.write],
    ["reach", sandbox.net],
    ["see the variables", sandbox.env],
    ["start", sandbox.run],
  ] as const;
  const rights = kinds.filter(([, values]) => values.length > 0).map(([verb, values]) =>
    `${verb} ${values.join(", ")}`
  );
  return `The policy "${id}" lets it ${rights.length === 0 ? "touch nothing of this machine" : rights.join("; ")}`;
}
