/**
 * What the sandbox decided, on record.
 *
 * @module
 */
import type { Audit } from "../core/identity/audit.ts";
import type { Principal } from "../domain/access.ts";
import type { SandboxReport } from "../ports/sandbox.ts";

/** The most decisions that are told one by one in an entry of the audit. */
const MOST_TOLD = 20;
const SANDBOX: Principal = {
  tenant_id: "default",
  key_id: "sandbox",
  access: "public",
  scopes: [],
  may_assert_user: false,
};

/** Puts what a program asked for and got on record, in one entry. */
export function recordDecisions(audit: Audit, { server, report }: { server: string; report: SandboxReport }): void {
  const { tier, policy } = report;
  const decisions = report.decisions();
  const sum = (kind: "allowed" | "denied") => decisions.reduce((total, decision) => total + decision[kind], 0);
  const [allowed, denied] = [sum("allowed"), sum("denied")];
  if (allowed + denied === 0) return;
  const refused = decisions.filter(({ denied }) => denied > 0).slice(0, MOST_TOLD);
  audit.record({
    principal: SANDBOX,
    // A name of its own for each server: what is refused is counted together by its name.
    action: `sandbox:${server}`,
    outcome: denied > 0 ? "refused" : "allowed",
    address: "",
    request_id: "",
    details: {
      tier,
      policy,
      allowed,
      denied,
      refused: refused.map(({ permission, value }) => `${permission} ${value}`),
    },
  });
}
