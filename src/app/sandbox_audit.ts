/**
 * What the sandbox decided, on record.
 *
 * @module
 */
import type { Audit } from "../core/identity/audit.ts";
import type { Principal } from "../domain/access.ts";
import type { Clock } from "../kit/clock.ts";
import type { Decision, Process } from "../ports/sandbox.ts";

/** Options for {@linkcode recordDecisions}. */
export interface RecordOptions {
  /** What the entries are called. */
  action: string;
  audit: Pick<Audit, "record">;
  clock: Pick<Clock, "every">;
}

/** Nobody can tell us that we are about to be killed. */
const RECORD_EVERY_MS = 30_000;
/** The most decisions that are told one by one in an entry of the audit. */
const MOST_TOLD = 20;
const SANDBOX: Principal = {
  tenant_id: "default",
  key_id: "sandbox",
  access: "public",
  scopes: [],
  may_assert_user: false,
};

/** Puts what a program asks for and gets on record until its end: each time what is new since the last. */
export function recordDecisions({ report, exited }: Process, { action, audit, clock }: RecordOptions): void {
  let told = new Map<string, Decision>();
  let entries = 0;
  const record = () => {
    const decisions = report.decisions();
    const news = decisions.flatMap((decision) => newsOf(decision, told.get(keyOf(decision))) ?? []);
    told = new Map(decisions.map((decision) => [keyOf(decision), { ...decision }]));
    if (news.length === 0) return;
    const sum = (kind: "allowed" | "denied") => news.reduce((total, decision) => total + decision[kind], 0);
    const denied = sum("denied");
    const refused = news.filter(({ denied }) => denied > 0).slice(0, MOST_TOLD);
    audit.record({
      principal: SANDBOX,
      action,
      outcome: denied > 0 ? "refused" : "allowed",
      address: "",
      request_id: "",
      // The first may be one of many starts in vain; the others tell something new.
      apart: entries++ > 0,
      details: {
        tier: report.tier,
        policy: report.policy,
        allowed: sum("allowed"),
        denied,
        refused: refused.map(({ permission, value }) => `${permission} ${value}`),
      },
    });
  };
  const timer = clock.every(RECORD_EVERY_MS, record);
  void exited.finally(() => {
    timer[Symbol.dispose]();
    record();
  });
}

function keyOf({ permission, value }: Decision): string {
  return `${permission} ${value}`;
}

/** What was decided since `before`; undefined where that is nothing. The count of what was left out begins anew. */
function newsOf(decision: Decision, before: Decision | undefined): Decision | undefined {
  const since = (kind: "allowed" | "denied") => {
    const told = before?.[kind] ?? 0;
    return decision[kind] < told ? decision[kind] : decision[kind] - told;
  };
  const [allowed, denied] = [since("allowed"), since("denied")];
  return allowed + denied === 0 ? undefined : { ...decision, allowed, denied };
}
