/**
 * Questions to whoever called a tool directly: the call is held, its caller answers, it goes on.
 *
 * @module
 */
import type { Owner } from "../../domain/access.ts";
import type { CanAnswer, DirectQuestion, DirectReply } from "../../domain/direct_question.ts";
import { AppError } from "../../domain/error.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import { createId } from "../../kit/id.ts";
import { Lines } from "../../kit/lines.ts";
import { onDispose } from "../../kit/on_dispose.ts";
import type { JsonSchema } from "../../ports/json_schema.ts";
import type { Elicitation, ElicitationAnswer, SamplingAnswer, SamplingRequest } from "../../ports/mcp_client.ts";
import type { Unasked } from "../mcp_servers/asking.ts";
import type { Tools } from "./tools.ts";

/** How long a caller has to answer: it holds a connection meanwhile, or its answer has to find the way back. */
const TO_ANSWER_MS = 10 * 60_000;

/** What {@linkcode DirectQuestions} needs. */
export interface DirectQuestionsDeps {
  tools: Tools;
  schema: JsonSchema;
  clock: Clock;
}

/** A call whose caller can be asked. */
export interface AskableCall {
  tool_call_id: string;
  tool: string;
  owner: Owner;
  /** Whether the caller is an admin, who alone may let a program do more. */
  isAdmin: boolean;
  can_answer: readonly CanAnswer[];
  /** Tells the caller. Absent where the way to it is no stream. */
  onQuestion?: ((question: DirectQuestion) => void) | undefined;
}

/** What makes a question, beside what every question has. */
type Asked = Pick<DirectQuestion, "kind" | "message"> & Partial<Pick<DirectQuestion, "schema" | "url" | "request">>;

/** In which call, and until when. */
interface AskedIn {
  tool_call_id: string;
  signal: AbortSignal;
  decider?: "user" | "admin" | undefined;
}

interface Open {
  question: DirectQuestion;
  owner: Owner;
  resolve(reply: DirectReply): void;
}

/** Asks callers, one question of a call after the other. */
export class DirectQuestions {
  readonly #deps: DirectQuestionsDeps;
  readonly #calls = new Map<string, AskableCall>();
  readonly #open = new Map<string, Open>();
  readonly #lines = new Lines();

  constructor(deps: DirectQuestionsDeps) {
    this.#deps = deps;
  }

  /** Lets questions of a call reach its caller, until disposed. */
  attend(call: AskableCall): Disposable {
    this.#calls.set(call.tool_call_id, call);
    return onDispose(() => this.#calls.delete(call.tool_call_id));
  }

  /** Whether a call was made directly. */
  has(tool_call_id: string): boolean {
    return this.#calls.has(tool_call_id);
  }

  /** Asks what a tool's server asks. */
  async ask(question: Elicitation, asked: AskedIn): Promise<ElicitationAnswer | Unasked> {
    const { url, schema } = question;
    const isForm = url === undefined;
    const form = isForm ? { kind: "form" as const, schema: schema ?? EMPTY } : { kind: "url" as const, url };
    const reply = await this.#put({ message: question.message, ...form }, asked);
    if ("unasked" in reply) return reply;
    const { action, content = {} } = reply;
    return action === "accept" && isForm ? { action, content } : { action };
  }

  /** Has the caller's model answer. Throws `ForbiddenError` where there is none, or it is not lent. */
  async sample(request: SamplingRequest, asked: AskedIn & { server: string }): Promise<SamplingAnswer> {
    const refuse = (why: string) =>
      new AppError("ForbiddenError", `Cannot lend a model to tool server "${asked.server}": ${why}`);
    const message = `The tool server "${asked.server}" wants to use your model`;
    const reply = await this.#put({ kind: "model", message, request }, asked);
    if ("unasked" in reply) throw refuse(reply.unasked);
    if (reply.action !== "accept" || !reply.said) throw refuse("its caller said no");
    return reply.said;
  }

  /** Asks whether a call may be made. Rejects with `ForbiddenError` unless somebody says yes. */
  async approve(message: string, { tool, ...asked }: AskedIn & { tool: string }): Promise<void> {
    const reply = await this.#put({ kind: "approval", message, schema: APPROVAL }, asked);
    const why = "unasked" in reply
      ? reply.unasked
      : reply.action === "accept" && reply.content?.approve === true
      ? undefined
      : "the person who was asked did not allow it";
    if (why !== undefined) throw new AppError("ForbiddenError", `Cannot call tool "${tool}": ${why}`);
  }

  /** Takes the answer to a question of a call of `owner`. */
  answer(owner: Owner, { tool_call_id, question_id, reply }: {
    tool_call_id: string;
    question_id: string;
    reply: DirectReply;
  }): void {
    const open = this.#open.get(question_id);
    if (!open || open.question.tool_call_id !== tool_call_id || !isSame(open.owner, owner)) {
      throw new AppError("NotFoundError", `Cannot find the question "${question_id}": it may be answered, or over`);
    }
    const { kind, schema } = open.question;
    if (reply.action === "accept") {
      if (kind === "model" && !reply.said) throw unfit(question_id, ['"said" is missing']);
      const problems = schema ? this.#deps.schema.check(schema, reply.content ?? {}) : [];
      if (problems.length > 0) throw unfit(question_id, problems);
    }
    open.resolve(reply);
  }

  #put(asked: Asked, { tool_call_id, signal, decider }: AskedIn): Promise<DirectReply | Unasked> {
    return this.#lines.run(tool_call_id, async () => {
      signal.throwIfAborted();
      const call = this.#calls.get(tool_call_id);
      const why = whyNot(call, asked.kind, decider);
      return why === undefined ? await this.#wait(call!, asked, signal) : { unasked: why };
    });
  }

  async #wait(call: AskableCall, asked: Asked, signal: AbortSignal): Promise<DirectReply | Unasked> {
    const { tools, clock } = this.#deps;
    const { tool_call_id, tool, owner } = call;
    const question_id = createId("question");
    const expires_at = toTime(clock.now() + TO_ANSWER_MS);
    const question = { question_id, tool_call_id, tool, ...tools.clean(tool, asked), expires_at };
    const { promise, resolve, reject } = Promise.withResolvers<DirectReply | Unasked>();
    const stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    using _paused = tools.pause(tool_call_id);
    using _late = clock.after(TO_ANSWER_MS, () => resolve({ unasked: "nobody answered in time" }));
    this.#open.set(question_id, { question, owner, resolve });
    try {
      call.onQuestion!(question);
      return await promise;
    } finally {
      this.#open.delete(question_id);
      signal.removeEventListener("abort", stop);
    }
  }
}

const EMPTY = { type: "object", properties: {} };

const APPROVAL = {
  type: "object",
  properties: { approve: { type: "boolean", title: "Allow the call" } },
  required: ["approve"],
};

function whyNot(
  call: AskableCall | undefined,
  kind: DirectQuestion["kind"],
  decider: AskedIn["decider"],
): string | undefined {
  if (!call) return "no run and no caller is there to be asked";
  if (decider === "admin" && !call.isAdmin) return "an admin has to decide, and its caller is none";
  const needed = kind === "approval" ? "form" : kind;
  if (call.onQuestion && call.can_answer.includes(needed)) return undefined;
  return `it was called directly, and its caller doesn't say that it can answer (${needed})`;
}

function isSame(a: Owner, b: Owner): boolean {
  return a.tenant_id === b.tenant_id && a.key_id === b.key_id && a.user_id === b.user_id;
}

function unfit(question_id: string, problems: readonly string[]): AppError {
  const message = `Cannot answer the question "${question_id}": ${problems.slice(0, 5).join("; ")}`;
  return new AppError("ValidationError", message, { details: { problems: problems.slice(0, 20) } });
}
