/**
 * Plain calls of a model: no run, no memory, none of the agent's instructions or tools.
 *
 * @module
 */
import { ownerOf, type Principal } from "../../domain/access.ts";
import type { AgentConfig } from "../../domain/agent.ts";
import { AppError } from "../../domain/error.ts";
import type { Citation, FinishReason, GivenMessage, SpokenMessage, ToolRequest } from "../../domain/message.ts";
import type { ResponseFormat, RunOptions } from "../../domain/run.ts";
import type { ModelCallRow } from "../../domain/table.ts";
import { NO_USAGE } from "../../domain/usage.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import { createId } from "../../kit/id.ts";
import type { Model, ModelMessage, ModelOutput, ModelPart, ModelRequest, TokenCount } from "../../ports/model.ts";
import type { Store } from "../../ports/store.ts";
import type { Agents } from "../agents/agents.ts";
import type { AttachedFiles } from "./attached_files.ts";
import { toModelTools } from "./client_tools.ts";
import { usageOf } from "./endings.ts";
import { toLooseCallRow } from "./model_call.ts";

/** What is asked. */
export interface CompletionRequest {
  agent_id: string;
  messages: GivenMessage[];
  options: RunOptions;
  response_format?: ResponseFormat | undefined;
}

/** What a model says, piece by piece; `model.completed` comes last. */
export interface CompletionItem {
  type: "model.delta" | "model.reasoning.delta" | "model.completed";
  data: string;
}

/** What {@linkcode Completions} needs. */
export interface CompletionsDeps {
  store: Store;
  agents: Agents;
  files: AttachedFiles;
  model: Model;
  clock: Clock;
}

/** Calls models. Every call is a row, as those of runs are. */
export class Completions {
  #deps: CompletionsDeps;

  constructor(deps: CompletionsDeps) {
    this.#deps = deps;
  }

  /** Calls the model of an agent. Rejects when the agent or a file can't be found. */
  async open(
    principal: Principal,
    request: CompletionRequest,
    signal: AbortSignal,
  ): Promise<AsyncIterable<CompletionItem>> {
    const { id, config } = await this.#deps.agents.get(principal.tenant_id, request.agent_id);
    const asked = await this.#toModelRequest(principal, config, request);
    return new Call(this.#deps, { principal, agent_id: id, request: asked, signal }).items();
  }

  async #toModelRequest(
    principal: Principal,
    agent: AgentConfig,
    { messages, options, response_format }: CompletionRequest,
  ): Promise<ModelRequest> {
    const { instructions, tools = [], tool_choice, parallel_tool_calls, ...parameters } = options;
    const told = await Promise.all(messages.map((message) => this.#toModelMessage(principal, message, messages)));
    return {
      choice: { ...agent.model, ...parameters },
      messages: instructions === undefined ? told : [{ role: "system", content: instructions }, ...told],
      tools: toModelTools(tools),
      tool_choice,
      parallel_tool_calls,
      passages: [],
      response_format: response_format ?? null,
    };
  }

  async #toModelMessage(
    principal: Principal,
    { role, content, attachments, tool_calls = [], tool_call_id = "" }: GivenMessage,
    all: GivenMessage[],
  ): Promise<ModelMessage> {
    if (role === "system") return { role, content };
    if (role === "assistant") return { role, content, tool_calls };
    if (role === "tool") {
      const request = all.flatMap(({ tool_calls = [] }) => tool_calls)
        .find((call) => call.tool_call_id === tool_call_id);
      return { role, tool_call_id, tool: request?.tool ?? "unknown", content };
    }
    const parts: ModelPart[] = [];
    for (const attachment of attachments) {
      if ("data" in attachment) parts.push(this.#deps.files.toPart(attachment, Uint8Array.fromBase64(attachment.data)));
      else parts.push(await this.#deps.files.visible(principal, attachment));
    }
    return { role, content, parts };
  }
}

interface CallOptions {
  principal: Principal;
  agent_id: string;
  request: ModelRequest;
  signal: AbortSignal;
}

/** One call of a model. */
class Call {
  readonly #deps: CompletionsDeps;
  readonly #options: CallOptions;
  readonly #started: number;
  #text = "";
  #provider = "";
  #model = "";
  #tokens: TokenCount = { input_tokens: 0, output_tokens: 0 };
  #cost: number | null = null;
  #finish: FinishReason = "stop";
  readonly #calls: ToolRequest[] = [];
  readonly #citations: Citation[] = [];

  constructor(deps: CompletionsDeps, options: CallOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#started = deps.clock.now();
  }

  async *items(): AsyncGenerator<CompletionItem> {
    const { model, store } = this.#deps;
    const { request, signal: outer } = this.#options;
    const left = new AbortController();
    const signal = AbortSignal.any([outer, left.signal]);
    const outputs = model.stream(request, { signal })[Symbol.asyncIterator]();
    let kept = false;
    try {
      for (let next; (next = await outputs.next()) && !next.done;) {
        const item = this.#take(next.value);
        if (item) yield item;
      }
      signal.throwIfAborted();
      const row = this.#toRow("completed", null);
      kept = true;
      await store.commit({ writes: [{ insert: "model_calls", rows: [row] }] });
      const data = { message: this.#toMessage(), usage: usageOf(row) ?? NO_USAGE, finish_reason: this.#finish };
      yield { type: "model.completed", data: JSON.stringify(data) };
    } catch (thrown) {
      if (!kept) {
        kept = true;
        await this.#keep(signal.aborted ? null : AppError.from(thrown));
      }
      throw thrown;
    } finally {
      left.abort();
      // Who leaves between two words ends this generator where it stands: the model still says what was used.
      if (!kept) {
        await this.#drain(outputs);
        await this.#keep(null);
      }
    }
  }

  async #drain(outputs: AsyncIterator<ModelOutput>): Promise<void> {
    try {
      for (let next; (next = await outputs.next()) && !next.done;) this.#take(next.value);
    } catch {
      // It ends by throwing, because it was told to stop.
    }
  }

  /** Writes the row of a call that did not end well: it failed, or nobody waited for it. */
  async #keep(error: AppError | null): Promise<void> {
    const { provider, model } = error?.details ?? {};
    if (!this.#provider && typeof provider === "string") this.#provider = provider;
    if (!this.#model && typeof model === "string") this.#model = model;
    const row = this.#toRow(error ? "failed" : "cancelled", error);
    await this.#deps.store.commit({ writes: [{ insert: "model_calls", rows: [row] }] });
  }

  #take(output: ModelOutput): CompletionItem | undefined {
    switch (output.type) {
      case "start":
        [this.#provider, this.#model] = [output.provider, output.model];
        return undefined;
      case "text":
        this.#text += output.text;
        return { type: "model.delta", data: JSON.stringify({ text: output.text }) };
      case "reasoning":
        return { type: "model.reasoning.delta", data: JSON.stringify({ text: output.text }) };
      case "tool_call":
        this.#calls.push({ ...output.call, tool_call_id: createId("tool") });
        return undefined;
      case "citation":
        this.#citations.push(output.citation);
        return undefined;
      case "usage":
        this.#tokens = output.tokens;
        this.#cost = output.cost;
        return undefined;
      case "finish":
        this.#finish = output.reason;
        return undefined;
    }
  }

  #toMessage(): SpokenMessage {
    return {
      id: createId("msg"),
      role: "assistant",
      content: this.#text,
      ...this.#calls.length > 0 && { tool_calls: this.#calls },
      ...this.#citations.length > 0 && { citations: this.#citations },
    };
  }

  #toRow(outcome: ModelCallRow["outcome"], error: AppError | null): ModelCallRow {
    const { principal, agent_id } = this.#options;
    return toLooseCallRow(ownerOf(principal), agent_id, {
      provider: this.#provider,
      model: this.#model,
      tokens: this.#tokens,
      cost: this.#cost,
      outcome,
      error: error?.toBody() ?? null,
      started_at: toTime(this.#started),
      duration_ms: this.#deps.clock.now() - this.#started,
    });
  }
}
