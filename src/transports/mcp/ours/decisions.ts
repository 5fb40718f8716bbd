/**
 * What a run waits for a person to say, as questions to the client.
 *
 * @module
 */
import { type ElicitRequestFormParams, inputRequired } from "@modelcontextprotocol/server";
import type { Principal } from "../../../domain/access.ts";
import type { Approval } from "../../../domain/run.ts";
import { approvalList } from "../../../operations/approvals.ts";
import type { Gateway } from "../../../operations/gateway.ts";
import type { Visit } from "../../../operations/operation.ts";
import { toolCallDecide } from "../../../operations/runs.ts";
import type { Ask } from "../catalog.ts";

type Questions = Record<string, ReturnType<typeof inputRequired.elicit>>;

interface Decision {
  decision: "approve" | "deny";
  arguments?: Record<string, unknown>;
  reason?: string;
}

const MAX_OPEN = 100;
const MAX_ARGUMENTS = 2000;
const MAX_REASON = 1000;

/** Whether the client has a person who fills in forms. */
export function canBeAsked({ client }: Pick<Ask, "client">): boolean {
  const { elicitation } = client;
  return elicitation !== undefined && ("form" in elicitation || !("url" in elicitation));
}

/** See the module. */
export class Decisions {
  #gateway: Gateway;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  /** What a run waits for. */
  async open(run_id: string, visit: Visit): Promise<Approval[]> {
    const input = { run_id, limit: MAX_OPEN };
    const { data } = await this.#gateway.call(approvalList, () => input, visit);
    return data;
  }

  /** The questions that `principal` may answer; undefined when there are none. */
  toQuestions(open: readonly Approval[], principal: Principal): Questions | undefined {
    const own = open.filter(({ decider, question }) => {
      // An address is for who sits at the tool's server; a form can't stand for it.
      return (decider === "user" || principal.access === "admin") && question?.url === undefined;
    });
    if (own.length === 0) return undefined;
    return Object.fromEntries(own.map((approval) => [approval.tool_call_id, inputRequired.elicit(toForm(approval))]));
  }

  /** Hands in what a person answered, and returns what still waits. A question that was closed stays open. */
  async take(run_id: string, { answers, visit }: Pick<Ask, "answers" | "visit">): Promise<Approval[]> {
    const left: Approval[] = [];
    for (const approval of await this.open(run_id, visit)) {
      const { tool_call_id } = approval;
      const decision = toDecision(answers[tool_call_id], approval);
      if (!decision) left.push(approval);
      else await this.#gateway.call(toolCallDecide, () => ({ run_id, tool_call_id, ...decision }), visit);
    }
    return left;
  }
}

function toForm({ kind, tool, arguments: args, question, reason }: Approval): ElicitRequestFormParams {
  // A tool's server asks: its own form, and its own words.
  if (question) {
    const requestedSchema = question.schema ?? { type: "object", properties: {} };
    return { mode: "form", message: question.message, requestedSchema } as ElicitRequestFormParams;
  }
  const call = `${tool} with ${JSON.stringify(args).slice(0, MAX_ARGUMENTS)}`;
  const message = kind === "tool_outcome_unknown"
    ? `Nobody knows whether ${call} has happened. May it be called again?`
    : `The agent wants to call ${call}. ${reason === "" ? "" : `${reason}. `}Is that allowed?`;
  return {
    mode: "form",
    message,
    requestedSchema: {
      type: "object",
      properties: {
        approve: { type: "boolean", title: "Allow the call" },
        reason: { type: "string", title: "Why not", maxLength: MAX_REASON },
      },
      required: ["approve"],
    },
  };
}

function toDecision(answer: unknown, { question }: Approval): Decision | undefined {
  const { action, content } = (answer ?? {}) as { action?: unknown; content?: unknown };
  if (action === "decline") return { decision: "deny", reason: "declined by the person at the MCP client" };
  if (action !== "accept" || typeof content !== "object" || content === null) return undefined;
  if (question) return { decision: "approve", arguments: content as Record<string, unknown> };
  const { approve, reason } = content as { approve?: unknown; reason?: unknown };
  if (typeof approve !== "boolean") return undefined;
  const why = typeof reason === "string" && reason !== "" ? reason.slice(0, MAX_REASON) : undefined;
  return { decision: approve ? "approve" : "deny", ...why !== undefined && { reason: why } };
}
