/**
 * The model of an agent, lent to a tool server in the middle of a call.
 *
 * @module
 */
import type { AgentConfig } from "../../domain/agent.ts";
import { AppError } from "../../domain/error.ts";
import type { FinishReason } from "../../domain/message.ts";
import type { RunRow } from "../../domain/table.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import type { SamplingAnswer, SamplingRequest } from "../../ports/mcp_client.ts";
import type { Model, ModelMessage, ModelPart, TokenCount } from "../../ports/model.ts";
import type { Store } from "../../ports/store.ts";
import type { Agents } from "../agents/agents.ts";
import { toLooseCallRow } from "./model_call.ts";

/** What {@linkcode Sampling} needs. */
export interface SamplingDeps {
  store: Store;
  agents: Agents;
  model: Model;
  clock: Clock;
}

/** In which call a server asks. */
export interface SampledIn {
  server: string;
  tool_call_id: string;
  signal: AbortSignal;
}

const STOP_REASON: Partial<Record<FinishReason, SamplingAnswer["stop_reason"]>> = { length: "maxTokens" };

/** Answers tool servers. Every call of the model is a row, of the agent's owner but not of its run. */
export class Sampling {
  readonly #deps: SamplingDeps;

  constructor(deps: SamplingDeps) {
    this.#deps = deps;
  }

  /** What the model of the agent that makes the call says. */
  async answer(request: SamplingRequest, { server, tool_call_id, signal }: SampledIn): Promise<SamplingAnswer> {
    const { model, store, clock } = this.#deps;
    const { run, agent } = await this.#callerOf(server, tool_call_id);
    const started = clock.now();
    const said = { text: "", provider: "", model: "", cost: null as number | null, reason: "stop" as FinishReason };
    let tokens: TokenCount = { input_tokens: 0, output_tokens: 0 };
    const most = Math.min(request.max_tokens, agent.model.max_output_tokens ?? Infinity);
    const keep = async (outcome: "completed" | "failed" | "cancelled", error: AppError | null) => {
      const { provider, model, cost } = said;
      const row = toLooseCallRow(run, run.agent_id, {
        provider,
        model,
        cost,
        tokens,
        outcome,
        error: error?.toBody() ?? null,
        started_at: toTime(started),
        duration_ms: clock.now() - started,
      });
      await store.commit({ writes: [{ insert: "model_calls", rows: [row] }] });
    };
    try {
      const outputs = model.stream({
        choice: { ...agent.model, max_output_tokens: most },
        messages: toMessages(request),
        tools: [],
        passages: [],
        response_format: null,
      }, { signal });
      for await (const output of outputs) {
        if (output.type === "text") said.text += output.text;
        else if (output.type === "start") Object.assign(said, { provider: output.provider, model: output.model });
        else if (output.type === "finish") said.reason = output.reason;
        else if (output.type === "usage") [tokens, said.cost] = [output.tokens, output.cost];
      }
      signal.throwIfAborted();
    } catch (thrown) {
      const error = AppError.from(thrown);
      await keep(signal.aborted ? "cancelled" : "failed", signal.aborted ? null : error);
      throw error;
    }
    await keep("completed", null);
    return { model: said.model, text: said.text, stop_reason: STOP_REASON[said.reason] ?? "endTurn" };
  }

  async #callerOf(server: string, tool_call_id: string): Promise<{ run: RunRow; agent: AgentConfig }> {
    const { store, agents } = this.#deps;
    const [call] = await store.read({ from: "tool_calls", where: { id: tool_call_id }, limit: 1 });
    const id = call?.run_id ?? null;
    const [run] = id === null ? [] : await store.read({ from: "runs", where: { id }, limit: 1 });
    if (!run) {
      const message = `Cannot lend a model to tool server "${server}": no agent makes the call, so there is none`;
      throw new AppError("ForbiddenError", message);
    }
    return { run, agent: await agents.revision(run.tenant_id, run.agent_id, run.agent_revision) };
  }
}

function toMessages({ system_prompt, messages }: SamplingRequest): ModelMessage[] {
  const system: ModelMessage[] = system_prompt === undefined ? [] : [{ role: "system", content: system_prompt }];
  return [
    ...system,
    ...messages.map(({ role, content: parts }): ModelMessage => {
      const content = parts.flatMap((part) => part.type === "text" ? part.text : []).join("\n");
      if (role === "assistant") return { role, content, tool_calls: [] };
      const images = parts.flatMap((part): ModelPart[] => {
        if (part.type !== "image") return [];
        return [{ type: "image", media_type: part.media_type, bytes: Uint8Array.fromBase64(part.data) }];
      });
      return { role, content, parts: images };
    }),
  ];
}
