/**
 * What waits for people.
 *
 * @module
 */
import { z } from "zod";
import type { Approvals, OpenQuestion } from "../core/orchestrator/approvals.ts";
import { UserId } from "../domain/conversation.ts";
import { PageInput, pageOf } from "../domain/page.ts";
import { Approval, APPROVAL_STATUS, RunId } from "../domain/run.ts";
import { type Bound, call, onCall } from "./operation.ts";

/** Lists questions to people. */
export const approvalList = call({
  id: "approval_list",
  summary: "List what waits for a person's decision, or was decided; tool_call_decide decides",
  access: "user",
  input: z.strictObject({
    ...PageInput,
    user_id: UserId.optional(),
    run_id: RunId.optional(),
    status: z.enum(APPROVAL_STATUS).default("pending"),
  }),
  output: pageOf(Approval),
  errors: [],
  http: "GET /approvals",
  limit: "read",
});

/** Every operation of this file. */
export const approvalOperations = [approvalList] as const;

/** Binds this file's operations. */
export function bindApprovals({ approvals }: { approvals: Approvals }): Bound[] {
  return [
    onCall(approvalList, async ({ user_id: _, status, run_id, ...page }, { principal }) => {
      const { data, next_cursor } = await approvals.list(principal, page, { status, run_id });
      return { data: data.map(toApproval), next_cursor };
    }),
  ];
}

function toApproval({ approval, call }: OpenQuestion): Approval {
  const { id, tenant_id: _, key_id: __, answer: ___, ...rest } = approval;
  return { ...rest, tool_call_id: id, tool: call.tool, arguments: call.arguments };
}
