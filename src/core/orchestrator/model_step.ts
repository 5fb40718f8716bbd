/**
 * A step in which a model speaks.
 *
 * @module
 */
import { AppError, CommitRefused } from "../../domain/error.ts";
import type { NewEvent } from "../../domain/event.ts";
import type { Citation, FinishReason, ToolRequest } from "../../domain/message.ts";
import type { ModelCallRow, StepRow } from "../../domain/table.ts";
import { addUsage } from "../../domain/usage.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import { createId } from "../../kit/id.ts";
import { joinSignals } from "../../kit/joined_signal.ts";
import type { JsonSchema } from "../../ports/json_schema.ts";
import type { Model, ModelMessage, ModelRequest, TokenCount } from "../../ports/model.ts";
import type { Tools } from "../tools/tools.ts";
import { isOfCaller } from "./client_tools.ts";
import type { Context } from "./context.ts";
import { cancelled, completed, failed, type Leaving, toSpoken, usageOf } from "./endings.ts";
import { cancelReason, type Execution, RunEnded, stepStarted, Stop, toStep } from "./execution.ts";
import { citationsOf, hear } from "./heard_text.ts";
import { toModelCallRow } from "./model_call.ts";
import { isLast, toModelRequest } from "./model_request.ts";
import type { ToolStep } from "./tool_step.ts";

/** How often an answer that breaks its format is asked for again. */
const MAX_ATTEMPTS = 3;

/** What a {@linkcode ModelStep} needs. */
export interface ModelStepDeps {
  model: Model;
  tools: Tools;
  context: Context;
  schema: JsonSchema;
  toolStep: ToolStep;
  clock: Clock;
}

/** What came of one call of the model. */
interface Spoken {
  text: string;
  /** Calls of our tools, and of the caller's. */
  calls: ToolRequest[];
  citations: Citation[];
  finish_reason: FinishReason;
  row: ModelCallRow;
}

/** Runs model steps. */
export class ModelStep {
  #deps: ModelStepDeps;

  constructor(deps: ModelStepDeps) {
    this.#deps = deps;
  }

  /** Runs `step`. Resolves with the step that follows; null when the run has ended. */
  async run(execution: Execution, step: StepRow): Promise<StepRow | null> {
    if (execution.delivery?.interrupted.aborted) {
      return await this.#end(execution, { step, finish_reason: "interrupted" });
    }
    const request = await this.#request(execution, step);
    for (let attempt = step.attempt;; attempt++) {
      const spoken = await this.#speak(execution, { ...step, attempt }, request);
      if (!spoken) return null;
      const { signal, delivery } = execution;
      const heard = await hear(delivery, spoken.text, { signal, clock: this.#deps.clock });
      if (signal.aborted && delivery) {
        const { model } = spoken.row;
        return await this.#stopped(execution, { ...step, attempt, model }, heard.text, spoken.row);
      }
      if (heard.interrupted) return await this.#interrupted(execution, step, { ...spoken, text: heard.text });
      const last = isLast(execution.agent, step.position);
      if (isForCaller(execution, spoken)) return await this.#finish(execution, step, spoken);
      if (spoken.calls.length > 0 && !last) return await this.#toTools(execution, step, spoken);
      if (spoken.calls.length > 0 && spoken.text === "") return await this.#giveUp(execution, step, spoken);
      const problems = this.#problems(request, spoken.text);
      if (problems.length === 0) return await this.#finish(execution, step, spoken);
      await this.#again(execution, step, { spoken, problems, attempt, request });
    }
  }

  #request({ run, agent, delivery }: Execution, { position }: StepRow): Promise<ModelRequest> {
    const { eyes, reading } = delivery ?? {};
    return toModelRequest(this.#deps, { run, agent, position, eyes, reading });
  }

  /** Asks the model and passes on what it says. Null when the run was cancelled meanwhile. */
  async #speak(execution: Execution, step: StepRow, request: ModelRequest): Promise<Spoken | null> {
    const { log, run, signal, delivery } = execution;
    using both = delivery && joinSignals(signal, delivery.interrupted);
    const unwanted = () => delivery?.interrupted.aborted === true && !signal.aborted;
    const started = this.#deps.clock.now();
    const said = { text: "", calls: [] as ToolRequest[], provider: "", model: "", cost: null as number | null };
    const citations: Citation[] = [];
    let finish_reason: FinishReason = "stop";
    let tokens: TokenCount = { input_tokens: 0, output_tokens: 0 };
    const toRow = (outcome: ModelCallRow["outcome"], error: AppError | null): ModelCallRow =>
      toModelCallRow(run, step, {
        provider: said.provider,
        model: said.model,
        cost: said.cost,
        tokens,
        outcome,
        error: error?.toBody() ?? null,
        started_at: toTime(started),
        duration_ms: this.#deps.clock.now() - started,
      });
    try {
      const { model = this.#deps.model } = delivery ?? {};
      for await (const output of model.stream(request, { signal: both?.signal ?? signal })) {
        if (output.type === "text") {
          said.text += output.text;
          log.delta("model.delta", step.id, output.text);
        } else if (output.type === "reasoning") log.delta("model.reasoning.delta", step.id, output.text);
        else if (output.type === "tool_call") said.calls.push({ ...output.call, tool_call_id: createId("tool") });
        else if (output.type === "start") Object.assign(said, { provider: output.provider, model: output.model });
        else if (output.type === "citation") citations.push(output.citation);
        else if (output.type === "finish") finish_reason = output.reason;
        else if (output.type === "usage") {
          tokens = output.tokens;
          said.cost = output.cost;
        }
      }
      signal.throwIfAborted();
    } catch (thrown) {
      if (unwanted()) {
        return { text: said.text, calls: [], citations, finish_reason: "interrupted", row: toRow("cancelled", null) };
      }
      const error = AppError.from(thrown);
      // Who fails before the first word has not introduced itself.
      const { provider, model: asked } = error.details ?? {};
      if (!said.provider && typeof provider === "string") said.provider = provider;
      if (!said.model && typeof asked === "string") said.model = asked;
      const model = said.model || null;
      if (signal.aborted) {
        const heard = await hear(delivery, said.text, { signal, clock: this.#deps.clock });
        await this.#stopped(execution, { ...step, model }, heard.text, toRow("cancelled", null));
        return null;
      }
      const ending = failed(
        run,
        error.toBody(),
        { step: { ...step, model, error: error.toBody() }, model_call: toRow("failed", error) },
        this.#deps.clock,
      );
      await log.record(ending.events, ending.change);
      execution.run = ending.run;
      // What nobody foresaw is told to the operator, too.
      if (error.name === "InternalError") throw new RunEnded("A model failed", { cause: thrown });
      return null;
    }
    return { text: said.text, calls: said.calls, citations, finish_reason, row: toRow("completed", null) };
  }

  /** The run was told to stop while the model spoke: what was said is kept. */
  async #stopped(execution: Execution, step: StepRow, text: string, model_call: ModelCallRow): Promise<null> {
    const { log, run, signal } = execution;
    const stop = signal.reason;
    if (!(stop instanceof Stop) || stop.kind === "release") {
      // Whoever goes on asks anew; what was used until now stays on the books.
      const used = usageOf(model_call);
      const usage = used ? addUsage(run.usage, used) : run.usage;
      await log.record([], {
        writes: [{ insert: "model_calls", rows: [model_call] }, {
          update: "runs",
          where: { id: run.id },
          set: { usage },
        }],
      });
      throw stop;
    }
    const message = text === "" ? undefined : toSpoken(run, text, this.#deps.clock, { incomplete: true });
    const ending = cancelled(run, stop.message, { step, message, model_call }, this.#deps.clock);
    await log.record(ending.events, ending.change);
    execution.run = ending.run;
    return null;
  }

  /** The listener wants no more: what was heard is kept, and what the model asked of tools is not done. */
  async #interrupted(execution: Execution, step: StepRow, { text, citations, row }: Spoken): Promise<null> {
    const sources = citationsOf(citations, text);
    const message = text === "" ? undefined : {
      ...toSpoken(execution.run, text, this.#deps.clock, { incomplete: true, interrupted: true }),
      citations: sources.length > 0 ? sources : null,
    };
    const leaving = {
      step: { ...step, model: row.model },
      message,
      model_call: row,
      finish_reason: "interrupted",
    } as const;
    return await this.#end(execution, leaving);
  }

  async #finish(execution: Execution, step: StepRow, spoken: Spoken): Promise<null> {
    const { run } = execution;
    const { text, calls, citations, finish_reason, row } = spoken;
    const forCaller = isForCaller(execution, spoken);
    const message = {
      ...toSpoken(run, text, this.#deps.clock),
      tool_calls: forCaller ? calls : null,
      citations: citations.length > 0 ? citations : null,
    };
    return await this.#end(execution, {
      step: { ...step, model: row.model },
      message,
      model_call: row,
      finish_reason: forCaller || finish_reason !== "tool_calls" ? finish_reason : "stop",
    });
  }

  /** Ends the run well, unless somebody asked for its cancellation before. */
  async #end(execution: Execution, leaving: Leaving): Promise<null> {
    const { log, run, signal } = execution;
    let ending = completed(run, leaving, this.#deps.clock);
    try {
      await log.record(ending.events, ending.change);
    } catch (error) {
      if (!(error instanceof CommitRefused)) throw error;
      ending = cancelled(run, cancelReason(signal), leaving, this.#deps.clock);
      await log.record(ending.events, ending.change);
    }
    execution.run = ending.run;
    return null;
  }

  /** The model insists on tools when it has no step left to use them. */
  async #giveUp(execution: Execution, step: StepRow, { row: model_call }: Spoken): Promise<null> {
    const { log, run, agent } = execution;
    const message = `The model asked for tools ${agent.max_steps} times and never answered`;
    const error = new AppError("UpstreamError", message, { details: { max_steps: agent.max_steps } }).toBody();
    const ending = failed(
      run,
      error,
      { step: { ...step, error, model: model_call.model }, model_call },
      this.#deps.clock,
    );
    await log.record(ending.events, ending.change);
    execution.run = ending.run;
    return null;
  }

  /** The model wants tools: its words, their rows and the next step are one commit. */
  async #toTools(execution: Execution, step: StepRow, { text, calls, row }: Spoken): Promise<StepRow> {
    const { log, run } = execution;
    const clock = this.#deps.clock;
    const used = usageOf(row);
    const next = toStep(run, step.position + 1, "tool", clock);
    // Messages are read by the age of their ids: this one comes before the answers that planning may give.
    const message = { ...toSpoken(run, text, clock), tool_calls: calls };
    const planned = await this.#deps.toolStep.plan(execution, next, calls);
    const set = {
      status: "completed",
      ended_at: toTime(clock.now()),
      usage: used,
      model: row.model,
      output: { text, tool_calls: calls },
    } as const;
    const usage = used ? addUsage(run.usage, used) : run.usage;
    const events: NewEvent[] = [
      { type: "step.completed", data: { step_id: step.id, usage: used, message_id: message.id } },
      stepStarted(run, next),
      ...planned.events,
    ];
    await log.record(events, {
      writes: [
        { insert: "model_calls", rows: [row] },
        { insert: "messages", rows: [message] },
        { update: "steps", where: { id: step.id }, set },
        { insert: "steps", rows: [next] },
        { update: "runs", where: { id: run.id }, set: { usage } },
        ...planned.writes,
      ],
    });
    execution.run = { ...run, usage };
    return next;
  }

  #problems({ response_format }: ModelRequest, text: string): string[] {
    if (!response_format) return [];
    try {
      return this.#deps.schema.check(response_format.schema, JSON.parse(text));
    } catch {
      return ["it is not JSON"];
    }
  }

  /** The answer breaks its format: the model is told, and the step begins anew. */
  async #again(
    execution: Execution,
    step: StepRow,
    { spoken, problems, attempt, request }: {
      spoken: Spoken;
      problems: string[];
      attempt: number;
      request: ModelRequest;
    },
  ): Promise<void> {
    const { log, run } = execution;
    const clock = this.#deps.clock;
    const model_call = spoken.row;
    if (attempt >= MAX_ATTEMPTS) {
      const error = new AppError("UpstreamError", `The model's answer does not fit its format: ${problems[0]}`, {
        details: { problems: problems.slice(0, 20) },
      }).toBody();
      const ending = failed(run, error, { step: { ...step, error }, model_call }, clock);
      await log.record(ending.events, ending.change);
      execution.run = ending.run;
      throw new RunEnded("The answer does not fit its format");
    }
    const used = usageOf(model_call);
    const usage = used ? addUsage(run.usage, used) : run.usage;
    await log.record([{ type: "step.restarted", data: { step_id: step.id, attempt: attempt + 1 } }], {
      writes: [
        { insert: "model_calls", rows: [model_call] },
        { update: "steps", where: { id: step.id }, set: { attempt: attempt + 1 } },
        { update: "runs", where: { id: run.id }, set: { usage } },
      ],
    });
    execution.run = { ...run, usage };
    const complaint = `This does not fit the format: ${problems.slice(0, 5).join("; ")}. Answer again, with JSON only.`;
    const more: ModelMessage[] = [
      { role: "assistant", content: spoken.text, tool_calls: [] },
      { role: "user", content: complaint, parts: [] },
    ];
    request.messages.push(...more);
  }
}

/** Whether all that the model wants is for the caller's own tools: then the run has said what it can. */
function isForCaller({ run }: Execution, { calls }: Spoken): boolean {
  return calls.length > 0 && calls.every(({ tool }) => isOfCaller(run, tool));
}
