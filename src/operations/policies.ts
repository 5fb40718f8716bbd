/**
 * Policies of tools and of the programs behind them.
 *
 * @module
 */
import { z } from "zod";
import type { KnownPolicy, Policies } from "../core/policies/policies.ts";
import { AppError } from "../domain/error.ts";
import { PageInput, pageOf, toPage } from "../domain/page.ts";
import { Policy, PolicyId, SandboxProfile, ToolRule } from "../domain/policy.ts";
import { toChange } from "./change.ts";
import { type Bound, call, onCall } from "./operation.ts";

const PolicyView = z.object({
  id: z.string(),
  source: z.enum(["file", "api"]).describe("Where it was made. One of a file can be changed, but not deleted"),
  revision: z.number().int().describe("0: as its file has it"),
  ...Policy.shape,
  updated_at: z.string().nullable(),
  updated_by: z.string().nullable().describe("The key that changed it"),
}).meta({ id: "PolicyView" });

const shared = { access: "admin", limit: "admin" } as const;

/** Lists policies. */
export const policyList = call({
  ...shared,
  id: "policy_list",
  summary: "List the policies in force",
  input: z.strictObject({ ...PageInput, order: PageInput.order.unwrap().default("asc").describe("By id") }),
  output: pageOf(PolicyView),
  errors: [],
  http: "GET /policies",
});

/** Shows a policy. */
export const policyGet = call({
  ...shared,
  id: "policy_get",
  summary: "Get a policy with its history",
  input: z.strictObject({ policy_id: PolicyId }),
  output: PolicyView.extend({
    history: z.array(z.object({
      revision: z.number().int(),
      policy: Policy,
      created_at: z.string(),
      created_by: z.string(),
    })).describe("The newest first"),
  }),
  errors: ["NotFoundError"],
  http: "GET /policies/{policy_id}",
});

/** Changes a policy. */
export const policyUpdate = call({
  ...shared,
  id: "policy_update",
  summary: "Change a policy; in force from the next call on",
  input: z.strictObject({
    policy_id: PolicyId,
    create: z.boolean().default(false).describe("Make it where it isn't there"),
    revision: z.number().int().min(0).optional().describe(
      "What the change was made for; refused when it is another now",
    ),
    ...toChange({ description: Policy.shape.description, servers: Policy.shape.servers }),
    tools: z.record(z.string().max(128), ToolRule.nullable()).optional().describe("Rules by pattern; null removes one"),
    sandbox: z.strictObject(toChange(SandboxProfile.shape)).optional(),
  }),
  output: PolicyView,
  errors: ["NotFoundError", "ConflictError"],
  http: "PATCH /policies/{policy_id}",
});

/** Deletes a policy. */
export const policyDelete = call({
  ...shared,
  id: "policy_delete",
  summary: "Delete a policy with its history; its servers are under the next that names them, else under `default`",
  input: z.strictObject({ policy_id: PolicyId }),
  output: z.null(),
  status: 204,
  errors: ["NotFoundError", "ConflictError"],
  http: "DELETE /policies/{policy_id}",
});

/** Every operation of this file. */
export const policyOperations = [policyList, policyGet, policyUpdate, policyDelete] as const;

/** Binds this file's operations. */
export function bindPolicies({ policies }: { policies: Policies }): Bound[] {
  return [
    onCall(policyList, ({ limit, cursor, order }) => {
      const all = policies.list().map(toView);
      const sorted = order === "asc" ? all : all.reverse();
      const rest = sorted.filter(({ id }) => cursor === undefined || (order === "asc" ? id > cursor : id < cursor));
      return Promise.resolve(toPage(rest, limit, ({ id }) => id));
    }),
    onCall(policyGet, async ({ policy_id }) => {
      const history = await policies.history(policy_id);
      return {
        ...toView(policies.get(policy_id)),
        history: history.map(({ revision, policy, created_at, key_id }) => {
          return { revision, policy, created_at, created_by: key_id };
        }),
      };
    }),
    onCall(policyUpdate, async ({ policy_id, create, revision, tools = {}, sandbox, ...fields }, { principal }) => {
      if (!create) policies.get(policy_id);
      const change = (before: Policy = Policy.parse({})): Policy => {
        const rules = Object.entries({ ...before.tools, ...tools }).filter(([, rule]) => rule !== null);
        const changed = Policy.safeParse({
          ...before,
          ...fields,
          tools: Object.fromEntries(rules),
          sandbox: { ...before.sandbox, ...sandbox },
        });
        if (changed.success) return changed.data;
        const message = `Cannot change policy "${policy_id}": ${z.prettifyError(changed.error)}`;
        throw new AppError("ValidationError", message);
      };
      return toView(await policies.update(principal, policy_id, { change, revision }));
    }),
    onCall(policyDelete, async ({ policy_id }) => {
      await policies.remove(policy_id);
      return null;
    }),
  ];
}

function toView({ policy, ...rest }: KnownPolicy): z.input<typeof PolicyView> {
  return { ...policy, ...rest };
}
