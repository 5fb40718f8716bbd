/**
 * A run as the call of a tool: what it says is progress, and what it needs a person for is asked.
 *
 * @module
 */
import type { CallToolResult } from "@modelcontextprotocol/server";
import { AppError } from "../../../domain/error.ts";
import type { Clock } from "../../../kit/clock.ts";
import type { Gateway } from "../../../operations/gateway.ts";
import type { Item, Stream } from "../../../operations/operation.ts";
import { runCancel, runEvents, runGet } from "../../../operations/runs.ts";
import type { Ask, CallOutcome } from "../catalog.ts";
import { speaksTasks } from "../task_methods.ts";
import { canBeAsked, type Decisions } from "./decisions.ts";
import { type End, RunStory } from "./run_story.ts";
import type { RunTasks } from "./run_tasks.ts";

/** How long a client that knows tasks waits for the answer itself. */
const TASK_AFTER_MS = 1000;

/** What {@linkcode RunTool} needs. */
export interface RunToolDeps {
  gateway: Gateway;
  clock: Clock;
  decisions: Decisions;
  tasks: RunTasks;
}

/** Where a client goes on that was asked something. */
interface State {
  run_id: string;
  /** The last event that was seen. */
  seq: number;
}

/** See the module. */
export class RunTool {
  #deps: RunToolDeps;

  constructor(deps: RunToolDeps) {
    this.#deps = deps;
  }

  /** Starts a run by `op`, or goes on with one that asked, and answers with how it ended. */
  async call(op: Stream, input: Record<string, unknown>, ask: Ask): Promise<CallOutcome> {
    const { gateway } = this.#deps;
    const state = readState(ask.state);
    if (!state) {
      const story = new RunStory();
      const leaving = leavingOf(ask, story);
      const visit = { ...ask.visit, signal: leaving.signal };
      // The run goes on while a person is asked, so it is cancelled here and not by the stream's end.
      const items = await gateway.stream(op, () => ({ ...input, on_disconnect: "continue" }), visit);
      return await this.#follow(items, story, { ask, leaving });
    }
    const { run_id, seq } = state;
    const open = await this.#deps.decisions.take(run_id, ask);
    const { conversation_id } = await gateway.call(runGet, () => ({ run_id }), ask.visit);
    const story = new RunStory({ run_id, conversation_id, seq });
    const leaving = leavingOf(ask, story);
    const visit = { ...ask.visit, signal: leaving.signal };
    if (open.length > 0) return await this.#waiting(story, ask);
    const items = await gateway.stream(runEvents, () => ({ run_id, starting_after: seq }), visit);
    return await this.#follow(items, story, { ask, leaving });
  }

  async #follow(
    items: AsyncIterable<Item> | null,
    story: RunStory,
    { ask, leaving }: { ask: Ask; leaving: AbortController },
  ): Promise<CallOutcome> {
    const { clock, tasks } = this.#deps;
    let becomesTask = false;
    using _ = speaksTasks(ask)
      ? clock.after(TASK_AFTER_MS, () => {
        becomesTask = true;
        leaving.abort();
      })
      : undefined;
    for await (const item of items ?? []) {
      story.add(item);
      if (ask.visit.signal.aborted) break;
      const said = story.progress();
      if (said !== undefined) ask.onProgress?.({ progress: story.seq, message: said });
      if (story.end) return toResult(story, story.end);
      if (await this.#needsPerson(item, story, ask)) return await this.#waiting(story, ask);
    }
    if (ask.visit.signal.aborted) {
      await this.#cancel(story, ask);
      throw new AppError("CancelledError", "The call was cancelled");
    }
    if (becomesTask && story.run_id !== undefined) {
      return { ...await tasks.get(story.run_id, ask), resultType: "task" };
    }
    throw new AppError(
      "UnavailableError",
      `Cannot follow run "${story.run_id}" to its end: the server is shutting down`,
      {
        details: { run_id: story.run_id },
        retry_after: 5,
      },
    );
  }

  /** A run waits as a whole; a tool's server may also ask in the middle of a call. */
  async #needsPerson({ type }: Item, { run_id }: RunStory, ask: Ask): Promise<boolean> {
    if (type === "run.waiting") return true;
    if (type !== "tool.call.approval_required" || !(canBeAsked(ask) || speaksTasks(ask))) return false;
    const open = await this.#deps.decisions.open(run_id!, ask.visit);
    return open.some(({ kind }) => kind === "elicitation");
  }

  async #waiting(story: RunStory, ask: Ask): Promise<CallOutcome> {
    const { decisions, tasks } = this.#deps;
    const run_id = story.run_id!;
    if (speaksTasks(ask)) return { ...await tasks.get(run_id, ask), resultType: "task" };
    const open = await decisions.open(run_id, ask.visit);
    const asked = canBeAsked(ask) ? decisions.toQuestions(open, ask.visit.principal) : undefined;
    if (asked) return { resultType: "input_required", inputRequests: asked, requestState: JSON.stringify(story.state) };
    const calls = open.map(({ tool_call_id, tool }) => `${tool} (${tool_call_id})`).join(", ");
    const text = `Run "${run_id}" waits for a person to decide about ${calls || "something that was asked elsewhere"}`;
    const answer = await this.#deps.gateway.call(runEvents, () => ({ run_id, follow: false }), ask.visit);
    return { content: [{ type: "text", text }], structuredContent: { ...answer } };
  }

  /** The caller is gone, or wants no more. */
  async #cancel({ run_id }: RunStory, { visit }: Ask): Promise<void> {
    if (run_id === undefined) return;
    const own = { ...visit, signal: new AbortController().signal };
    const input = { run_id, reason: "cancelled by the MCP client" };
    await this.#deps.gateway.call(runCancel, () => input, own).catch(() => {});
  }
}

/** Ends the following when the caller leaves, but not before it is known what to cancel. */
function leavingOf({ visit: { signal } }: Ask, story: RunStory): AbortController {
  const leaving = new AbortController();
  const leave = () => story.run_id !== undefined && leaving.abort();
  signal.addEventListener("abort", leave, { once: true });
  return leaving;
}

function readState(text: string | undefined): State | undefined {
  if (text === undefined) return undefined;
  try {
    const { run_id, seq } = JSON.parse(text);
    if (typeof run_id === "string" && Number.isSafeInteger(seq) && seq >= 0) return { run_id, seq };
  } catch {
    // Said below.
  }
  throw new AppError("ValidationError", "Cannot go on with the call: its requestState is not from here");
}

function toResult(story: RunStory, { status, text }: End): CallToolResult {
  return {
    content: [{ type: "text", text }],
    structuredContent: story.answer(),
    ...status !== "completed" && { isError: true },
  };
}
