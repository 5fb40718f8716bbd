/**
 * Tools of the servers behind this one.
 *
 * @module
 */
import type {
  CallToolResult,
  InputRequiredResult,
  JSONObject,
  Tool as OfferedTool,
} from "@modelcontextprotocol/server";
import { AppError } from "../../../domain/error.ts";
import type { Principal } from "../../../domain/access.ts";
import type { DirectQuestion } from "../../../domain/direct_question.ts";
import type { Tool, ToolResult } from "../../../domain/tool.ts";
import type { Gateway } from "../../../operations/gateway.ts";
import type { Clock } from "../../../kit/clock.ts";
import type { Visit } from "../../../operations/operation.ts";
import { toolCall, toolCallAnswer, toolList } from "../../../operations/tools.ts";
import type { Ask } from "../catalog.ts";
import { answersOf, toInputRequest, toReply } from "./call_questions.ts";
import { toContent } from "./content.ts";
import { type HeldCall, HeldCalls } from "./held_calls.ts";
import { missingScope } from "./scopes.ts";
import { serverOf } from "./upstream_offers.ts";

/** The most pages of a list. */
const MAX_PAGES = 50;

/** The most tenants whose schemas are remembered; the one that wasn't told for longest makes room. */
const MAX_TENANTS = 1000;

type Schemas = ReadonlyMap<string, Record<string, unknown>>;

/** See the module. */
export class UpstreamTools {
  #gateway: Gateway;
  /** Input schemas that want headers, by tenant, as its clients were last told: they repeat only what they know. */
  readonly #mirrored = new Map<string, Schemas>();
  readonly #held: HeldCalls;

  constructor({ gateway, clock }: { gateway: Gateway; clock: Clock }) {
    this.#gateway = gateway;
    this.#held = new HeldCalls(clock);
  }

  /** The scope that a caller lacks. */
  missingScope(principal: Principal): string | undefined {
    return missingScope(toolCall, principal);
  }

  /** All of them, for who may call them. */
  async list(visit: Visit): Promise<OfferedTool[]> {
    if (this.missingScope(visit.principal) !== undefined) return [];
    const tools: Tool[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const input = { limit: 100, ...cursor !== undefined && { cursor } };
      const { data, next_cursor } = await this.#gateway.call(toolList, () => input, visit);
      tools.push(...data);
      if (next_cursor === null) break;
      cursor = next_cursor;
    }
    this.#remember(visit.principal, tools);
    return tools.map(toOffered);
  }

  /** See `Catalog.mirrored`. */
  mirrored(name: string, { tenant_id }: Principal): Record<string, unknown> | undefined {
    return this.#mirrored.get(tenant_id)?.get(name);
  }

  /** Calls one, or goes on with a call whose question the client has answered. */
  async call(
    tool_name: string,
    args: Record<string, unknown>,
    ask: Ask,
  ): Promise<CallToolResult | InputRequiredResult> {
    if (ask.state !== undefined) return await this.#resume(tool_name, ask.state, ask);
    const can_answer = answersOf(ask);
    const input = { tool_name, arguments: args, can_answer };
    const { visit, onProgress } = ask;
    if (!onProgress && can_answer.length === 0) {
      return toResult(tool_name, (await this.#gateway.call(toolCall, () => input, visit)).result);
    }
    const stop = new AbortController();
    return await this.#during(stop, ask, async () => {
      const items = await this.#gateway.stream(toolCall, () => input, { ...visit, signal: stop.signal });
      const { principal } = visit;
      return await this.#follow({ tool_name, principal, items: items![Symbol.asyncIterator](), stop }, ask);
    });
  }

  #remember({ tenant_id }: Principal, tools: readonly Tool[]): void {
    const mirrored = tools.filter(({ parameters }) => JSON.stringify(parameters).includes('"x-mcp-header"'));
    // A map keeps its order: what is put in again is the newest.
    this.#mirrored.delete(tenant_id);
    if (mirrored.length === 0) return;
    this.#mirrored.set(tenant_id, new Map(mirrored.map(({ name, parameters }) => [name, parameters])));
    if (this.#mirrored.size > MAX_TENANTS) this.#mirrored.delete(this.#mirrored.keys().next().value!);
  }

  async #resume(tool_name: string, state: string, ask: Ask): Promise<CallToolResult | InputRequiredResult> {
    const { visit, answers } = ask;
    const { call, question } = this.#held.take(state, { tool_name, principal: visit.principal });
    const { tool_call_id, question_id } = question;
    return await this.#during(call.stop, ask, async () => {
      const reply = toReply(answers[question_id], question);
      // Whoever brings no answer is asked again.
      if (!reply) return this.#hold(call, question);
      const input = { tool_call_id, question_id, ...reply };
      await this.#gateway.call(toolCallAnswer, () => input, visit).catch(async (thrown) => {
        call.stop.abort();
        await call.items.return?.();
        throw thrown;
      });
      return await this.#follow(call, ask);
    });
  }

  /** Does `work` for a call that ends with the request, unless it is held then. */
  async #during<T>(stop: AbortController, { visit: { signal }, stays }: Ask, work: () => Promise<T>): Promise<T> {
    const leave = () => stop.abort();
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
    try {
      return await work();
    } catch (thrown) {
      stop.abort();
      throw thrown;
    } finally {
      // While the client is asked its request is over, except in a session.
      if (!stays) signal.removeEventListener("abort", leave);
    }
  }

  async #follow(call: HeldCall, { onProgress }: Ask): Promise<CallToolResult | InputRequiredResult> {
    for (;;) {
      const { done, value } = await call.items.next();
      if (done) throw new AppError("CancelledError", "The call was cancelled");
      const told = JSON.parse(value.data);
      if (value.type === "tool.call.question") return this.#hold(call, told);
      if (value.type === "tool.call.result") {
        await call.items.return?.();
        return toResult(call.tool_name, told.result);
      }
      const { tool_call_id: _, ...progress } = told;
      onProgress?.(progress);
    }
  }

  #hold(call: HeldCall, question: DirectQuestion): InputRequiredResult {
    return {
      resultType: "input_required",
      inputRequests: { [question.question_id]: toInputRequest(question) },
      requestState: this.#held.keep(call, question),
    };
  }
}

function toResult(tool_name: string, { content, structured_content: data, is_error }: ToolResult): CallToolResult {
  return {
    content: content.map((part) => toContent(serverOf(tool_name), part)),
    ...data !== undefined && { structuredContent: data as Record<string, unknown> },
    ...is_error && { isError: true },
  };
}

function toOffered(tool: Tool): OfferedTool {
  const { name, title, description, parameters, output_schema } = tool;
  return {
    name,
    ...title !== undefined && { title },
    description,
    inputSchema: { ...parameters as JSONObject, type: "object" },
    ...output_schema && { outputSchema: output_schema as JSONObject },
    annotations: {
      readOnlyHint: tool.read_only,
      destructiveHint: tool.destructive,
      idempotentHint: tool.idempotent,
      openWorldHint: tool.open_world,
    },
  };
}
