/**
 * One answer, from a run's log to this protocol's events.
 *
 * @module
 */
import type { z } from "zod";
import type { EVENT_DATA, EventType } from "../../../domain/event.ts";
import type { SpokenMessage, ToolRequest } from "../../../domain/message.ts";
import { NO_USAGE, type Usage } from "../../../domain/usage.ts";
import { toArguments } from "../tools.ts";
import type { Emit } from "./emit.ts";
import type { Item, Items } from "./items.ts";
import type { Sound } from "./sound_format.ts";
import { SpokenItem } from "./spoken_item.ts";

type Data<T extends EventType> = z.infer<typeof EVENT_DATA[T]>;

/** How an answer ends. */
export interface Ending {
  status: "completed" | "cancelled" | "failed" | "incomplete";
  status_details?: Record<string, unknown> | null;
  usage?: Usage;
}

/** What a {@linkcode ResponseStory} needs. */
export interface ResponseStoryDeps {
  emit: Emit;
  items: Items;
  aloud: boolean;
  /** Whether sound comes as events, instead of as media. */
  sounds: boolean;
  metadata: Record<string, unknown> | null;
  /** Milliseconds. */
  now(): number;
}

/** A call of a tool of ours. */
interface ToolItem {
  item: Item;
  output_index: number;
}

/** How much sound waits for what it is the sound of, in events: 10 s. */
const MAX_EARLY = 500;

/** An answer. What it creates it also ends. */
export class ResponseStory {
  readonly id: string;
  readonly #deps: ResponseStoryDeps;
  #output: Item[] = [];
  #spoken: SpokenItem | undefined;
  /** The step that speaks, and which try of it. */
  #step = "";
  #attempt = 0;
  #calls = new Map<string, ToolItem>();
  #startedAt: number | undefined;
  #interrupted = false;
  #done = false;
  /** Whether a person is asked: what is said then is in no log. */
  #asking = false;
  /** Sound whose words are not told yet. */
  #early: Sound[] = [];
  /** Where the client stopped listening. */
  #end_ms: number | undefined;

  constructor(id: string, deps: ResponseStoryDeps) {
    this.id = id;
    this.#deps = deps;
    deps.emit("response.created", { response: this.#view("in_progress") });
  }

  /** Whether it has ended. */
  get done(): boolean {
    return this.#done;
  }

  /** What an event of the run's log says. */
  take<T extends EventType>(event: T, data: Data<T>): void {
    if (this.#done) return;
    const handle = HANDLERS[event] as ((story: ResponseStory, data: Data<T>) => void) | undefined;
    handle?.(this, data);
  }

  /** More of what the agent says in `step_id`. */
  grow(step_id: string, text: string): void {
    if (this.#interrupted) return;
    this.#speak(step_id).grow(text);
  }

  /** A sentence that is part of no run's text. */
  say(step_id: string, sentence: string): void {
    if (!this.#interrupted) this.grow(step_id, this.#speak(step_id).text === "" ? sentence : ` ${sentence}`);
  }

  /** A sentence is said aloud from now on. What no log tells is an item of its own. */
  sound(text: string, turn_id: string): void {
    if (!this.#deps.aloud || this.#interrupted) return;
    if (this.#asking && !this.#done && this.#deps.sounds && !this.#spoken?.open) this.say(`${turn_id}_aside`, text);
    if (this.#startedAt !== undefined) return;
    this.#startedAt = this.#deps.now();
    if (!this.#deps.sounds) this.#deps.emit("output_audio_buffer.started", { response_id: this.id });
  }

  /** More sound of that. */
  hear(sound: Sound): void {
    if (!this.#deps.aloud || this.#interrupted || this.#done) return;
    if (this.#spoken?.open) this.#spoken.sound(sound);
    else if (this.#early.length < MAX_EARLY) this.#early.push(sound);
  }

  /** The client stopped listening to `item_id` there. False when that isn't being said. */
  cutAt(item_id: string, audio_end_ms: number): boolean {
    if (!this.#spoken?.open || this.#spoken.item.id !== item_id || this.#interrupted) return false;
    this.#end_ms = audio_end_ms;
    return true;
  }

  /** What was said last doesn't count: it is said again. */
  restart(): void {
    this.#leave({ complete: false });
    this.#spoken = undefined;
    this.#attempt++;
  }

  /** A message is whole. */
  complete(step_id: string, { id, content, tool_calls = [] }: SpokenMessage): void {
    const known = this.#step === step_id && this.#spoken !== undefined;
    if (content !== "" && (known || !this.#interrupted)) {
      this.#speak(step_id).close(content, { complete: !this.#interrupted });
    }
    this.name(step_id, id);
    for (const call of tool_calls) this.#callClient(call);
  }

  /** What was said in `step_id` is the call's message `id`. */
  name(step_id: string, id: string): void {
    if (this.#step === step_id && this.#spoken) this.#deps.items.name(this.#spoken.item, id);
  }

  /** A tool of ours is called: clients know such as tools of an MCP server. */
  beginCall({ tool_call_id, tool, arguments: args }: Data<"tool.call.started">): void {
    this.#spoken?.close(this.#spoken.text, { complete: true });
    const item: Item = {
      id: `mcp_${tool_call_id}`,
      object: "realtime.item",
      type: "mcp_call",
      status: "in_progress",
      ...toNames(tool),
      approval_request_id: this.#deps.items.get(toApprovalId(tool_call_id))?.id ?? null,
      arguments: JSON.stringify(args),
      output: null,
      error: null,
    };
    const output_index = this.#output.push(item) - 1;
    this.#calls.set(tool_call_id, { item, output_index });
    const { emit, items } = this.#deps;
    const previous_item_id = items.add(item, { name: tool_call_id });
    const place = { item_id: item.id, output_index };
    emit("response.output_item.added", { response_id: this.id, output_index, item });
    emit("conversation.item.added", { previous_item_id, item });
    emit("response.mcp_call_arguments.done", { response_id: this.id, ...place, arguments: item.arguments });
    emit("response.mcp_call.in_progress", place);
  }

  /** What a tool of ours said. */
  endCall({ tool_call_id, result, error }: Data<"tool.call.result">): void {
    const call = this.#calls.get(tool_call_id);
    if (!call || call.item.status === "completed") return;
    const { item } = call;
    item.status = "completed";
    if (error) item.error = { type: "tool_execution_error", message: error.message };
    else item.output = typeof result === "string" ? result : JSON.stringify(result ?? null);
    this.#endCall(call, { failed: error !== undefined });
    if (this.#deps.items.has(item)) this.#deps.emit("conversation.item.done", { item });
  }

  /** Tells who retrieved the call `item_id` that it is over: clients take what they retrieve for what goes on. */
  retell(item_id: string, emit: Emit): void {
    const call = this.#calls.values().find(({ item }) => item.id === item_id);
    if (!call || call.item.status === "in_progress") return;
    const { item, output_index } = call;
    emit("response.output_item.done", { response_id: this.id, output_index, item });
  }

  #endCall({ item, output_index }: ToolItem, { failed }: { failed: boolean }): void {
    const { emit } = this.#deps;
    emit(`response.mcp_call.${failed ? "failed" : "completed"}`, { item_id: item.id, output_index });
    emit("response.output_item.done", { response_id: this.id, output_index, item });
  }

  /** A person has to decide. */
  ask({ tool_call_id, tool, arguments: args, question }: Data<"tool.call.approval_required">): void {
    this.#asking = true;
    // What a server asks can't be said in this protocol.
    if (!question) this.#request(toApprovalId(tool_call_id), { tool, arguments: args });
  }

  /** The agent wants to look: clients know it as a tool that needs an approval. */
  askToLook({ look_id, source, reason }: { look_id: string; source: string; reason: string }): void {
    if (!this.#done) this.#request(toApprovalId(look_id), { tool: "look", arguments: { source, reason } });
  }

  #request(id: string, { tool, arguments: args }: { tool: string; arguments: Record<string, unknown> }): void {
    const item: Item = {
      id,
      object: "realtime.item",
      type: "mcp_approval_request",
      ...toNames(tool),
      arguments: JSON.stringify(args),
    };
    const output_index = this.#output.push(item) - 1;
    const previous_item_id = this.#deps.items.add(item);
    this.#deps.emit("response.output_item.added", { response_id: this.id, output_index, item });
    this.#deps.emit("conversation.item.added", { previous_item_id, item });
    this.#deps.emit("response.output_item.done", { response_id: this.id, output_index, item });
    this.#deps.emit("conversation.item.done", { previous_item_id, item });
  }

  /** All of it was heard. */
  silence(): void {
    if (this.#startedAt === undefined || this.#interrupted) return;
    this.#startedAt = undefined;
    if (!this.#deps.sounds) this.#deps.emit("output_audio_buffer.stopped", { response_id: this.id });
  }

  /** The caller wants no more, and heard this of the message that was being said. */
  interrupt(heard: string): void {
    if (this.#interrupted) return;
    this.#interrupted = true;
    const { aloud, sounds, now, emit } = this.#deps;
    if (this.#startedAt !== undefined && !sounds) emit("output_audio_buffer.cleared", { response_id: this.id });
    const played = sounds ? this.#spoken?.sound_ms ?? 0 : now() - (this.#startedAt ?? now());
    if (aloud) this.#spoken?.truncate(heard, this.#end_ms ?? Math.round(played));
    else this.#spoken?.close(this.#spoken.text, { complete: false });
  }

  /** It is over. */
  end({ status, status_details, usage = NO_USAGE }: Ending): void {
    if (this.#done) return;
    this.#done = true;
    this.#leave({ complete: status === "completed" && !this.#interrupted });
    for (const call of this.#calls.values()) {
      if (call.item.status === "completed") continue;
      call.item.status = "incomplete";
      this.#endCall(call, { failed: true });
    }
    const cut = this.#interrupted && status === "completed";
    const response = cut
      ? this.#view("cancelled", { type: "cancelled", reason: "turn_detected" })
      : this.#view(status, status_details ?? null);
    this.#deps.emit("response.done", { response: { ...response, usage: toUsage(usage) } });
  }

  #speak(step_id: string): SpokenItem {
    if (this.#step === step_id && this.#spoken) return this.#spoken;
    this.#leave({ complete: true });
    if (this.#step !== step_id) this.#attempt = 0;
    this.#step = step_id;
    const { emit, items, aloud } = this.#deps;
    const id = `item_${step_id}${this.#attempt > 0 ? `_${this.#attempt}` : ""}`;
    const spoken = new SpokenItem(id, { emit, items, response_id: this.id, output_index: this.#output.length, aloud });
    this.#output.push(spoken.item);
    for (const sound of this.#early.splice(0)) spoken.sound(sound);
    return this.#spoken = spoken;
  }

  /** No more is said in this item, and no message is it that the log hasn't told of. */
  #leave({ complete }: { complete: boolean }): void {
    if (!this.#spoken) return;
    this.#spoken.close(this.#spoken.text, { complete });
    this.#deps.items.settle(this.#spoken.item);
  }

  /** A call of the client's own tool. Its result begins the next answer. */
  #callClient(call: ToolRequest): void {
    const { tool_call_id: call_id, tool: name } = call;
    const text = toArguments(call);
    const { emit, items } = this.#deps;
    const item: Item = {
      id: `fc_${call_id}`,
      object: "realtime.item",
      type: "function_call",
      status: "in_progress",
      call_id,
      name,
      arguments: "",
    };
    if (items.get(item.id)) return;
    const output_index = this.#output.push(item) - 1;
    const place = { response_id: this.id, item_id: item.id, output_index, call_id };
    const previous_item_id = items.add(item, { name: call_id });
    emit("response.output_item.added", { response_id: this.id, output_index, item });
    emit("conversation.item.added", { previous_item_id, item });
    emit("response.function_call_arguments.delta", { ...place, delta: text });
    emit("response.function_call_arguments.done", { ...place, name, arguments: text });
    item.status = "completed";
    item.arguments = text;
    emit("response.output_item.done", { response_id: this.id, output_index, item });
    emit("conversation.item.done", { previous_item_id, item });
  }

  #view(status: string, status_details: Record<string, unknown> | null = null) {
    return {
      object: "realtime.response",
      id: this.id,
      status,
      status_details,
      output: this.#output,
      output_modalities: [this.#deps.aloud ? "audio" : "text"],
      metadata: this.#deps.metadata,
      usage: null as unknown,
    };
  }
}

/** The id of the item that asks for a decision about a tool call, or a look. */
export function toApprovalId(id: string): string {
  return `mcpr_${id}`;
}

const HANDLERS: { [T in EventType]?: (story: ResponseStory, data: Data<T>) => void } = {
  "model.delta": (story, { step_id, text }) => story.grow(step_id, text),
  "step.restarted": (story) => story.restart(),
  "step.completed": (story, { step_id, message_id }) => {
    if (message_id !== undefined) story.name(step_id, message_id);
  },
  "message.completed": (story, { step_id, message }) => story.complete(step_id, message),
  "tool.call.started": (story, data) => story.beginCall(data),
  "tool.call.result": (story, data) => story.endCall(data),
  "tool.call.approval_required": (story, data) => story.ask(data),
  "run.completed": (story, { usage, finish_reason }) => story.end(toEnding(finish_reason, usage)),
  "run.failed": (story, { error, usage }) =>
    story.end({
      status: "failed",
      status_details: { type: "failed", error: { type: "server_error", code: error.error, message: error.message } },
      usage,
    }),
  "run.cancelled": (story, { usage }) =>
    story.end({
      status: "cancelled",
      status_details: { type: "cancelled", reason: "client_cancelled" },
      usage,
    }),
};

function toEnding(finish_reason: Data<"run.completed">["finish_reason"], usage: Usage): Ending {
  if (finish_reason === "interrupted") {
    return { status: "cancelled", status_details: { type: "cancelled", reason: "turn_detected" }, usage };
  }
  if (finish_reason !== "length" && finish_reason !== "content_filter") return { status: "completed", usage };
  const reason = finish_reason === "length" ? "max_output_tokens" : "content_filter";
  return { status: "incomplete", status_details: { type: "incomplete", reason }, usage };
}

/** Our names of tools begin with their server's. */
function toNames(tool: string): { server_label: string; name: string } {
  const at = tool.indexOf("__");
  return at < 1 ? { server_label: "muxi", name: tool } : { server_label: tool.slice(0, at), name: tool.slice(at + 2) };
}

function toUsage({ input_tokens, output_tokens, total_tokens, cached_input_tokens = 0 }: Usage) {
  return {
    total_tokens,
    input_tokens,
    output_tokens,
    input_token_details: { text_tokens: input_tokens, audio_tokens: 0, cached_tokens: cached_input_tokens },
    output_token_details: { text_tokens: output_tokens, audio_tokens: 0 },
  };
}
