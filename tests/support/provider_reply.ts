/**
 * What the scripted provider says: one step of a script, and its bytes in OpenAI's chat-completions format.
 *
 * @module
 */

/** A tool call the scripted model asks for. A string of arguments is sent as it is, valid JSON or not. */
export interface ScriptedToolCall {
  id?: string;
  name: string;
  arguments: Record<string, unknown> | string;
}

/** Counts as OpenAI reports them. */
export interface ScriptedUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens?: number;
  prompt_tokens_details?: { cached_tokens?: number };
  completion_tokens_details?: { reasoning_tokens?: number };
}

/** How one request is answered. */
export interface Step {
  /** The tokens of the answer, or how many made-up ones. 64 when neither this, `tool_calls` nor `raw` is given. */
  tokens?: number | string[];
  /** Milliseconds between tokens; 0 sends all at once. */
  delay?: number;
  /** How many writes the tokens are spread over when there is no delay. Default 1. */
  chunks?: number;
  /** Tokens of reasoning before the answer. */
  reasoning?: string[];
  tool_calls?: ScriptedToolCall[];
  /** `null` reports none. Default: what was sent. */
  usage?: ScriptedUsage | null;
  finish_reason?: string;
  /** An HTTP status other than 200 refuses the request. */
  status?: number;
  headers?: Record<string, string>;
  /** The message of a refusal. */
  error?: string;
  /** Milliseconds before the first token, headers being sent at once; `true`: it never comes. */
  hang?: number | true;
  /** Milliseconds before the headers. */
  hang_headers?: number;
  /** The connection is broken after so many tokens. */
  die_after?: number;
  /** The stream ends in order after so many tokens, without a finish reason and without `[DONE]`. */
  end_after?: number;
  /** Sent exactly so, one write each, instead of anything else. */
  raw?: (string | Uint8Array)[];
}

/** The writes that make up a streamed answer. */
export interface Frames {
  /** Before the first token. */
  head: Uint8Array | null;
  /** One per token (reasoning first). */
  tokens: Uint8Array[];
  /** After the last token: tool calls, finish reason, usage, `[DONE]`. */
  tail: Uint8Array;
}

const encoder = new TextEncoder();
const PREFIX = 'data: {"id":"chatcmpl-scripted","object":"chat.completion.chunk","created":1790000000,"model":';
const WORDS = ["The ", "quick ", "brown ", "fox ", "jumps ", "over ", "the ", "lazy ", "dog ", "again, "];

/** One frame of the stream. */
export function toFrame(model: string, delta: unknown, finish: string | null = null): string {
  const choice = JSON.stringify({ index: 0, delta, finish_reason: finish });
  return `${PREFIX}${JSON.stringify(model)},"choices":[${choice}]}\n\n`;
}

/** The tokens of a step's answer. */
export function toTokens(step: Step): string[] {
  if (Array.isArray(step.tokens)) return step.tokens;
  const count = step.tokens ?? (step.tool_calls || step.raw ? 0 : 64);
  return Array.from({ length: count }, (_, i) => WORDS[i % WORDS.length]!);
}

/** What is reported as used. */
export function toUsage(step: Step, promptTokens: number): ScriptedUsage | null {
  if (step.usage !== undefined) return step.usage;
  const completion = toTokens(step).length + (step.reasoning?.length ?? 0) + (step.tool_calls?.length ?? 0);
  return { prompt_tokens: promptTokens, completion_tokens: completion, total_tokens: promptTokens + completion };
}

function toFinish(step: Step): string {
  return step.finish_reason ?? (step.tool_calls ? "tool_calls" : "stop");
}

function toCalls(step: Step) {
  return (step.tool_calls ?? []).map((call, index) => ({
    index,
    id: call.id ?? `call_${index}`,
    type: "function",
    function: {
      name: call.name,
      arguments: typeof call.arguments === "string" ? call.arguments : JSON.stringify(call.arguments),
    },
  }));
}

/** A tool call in three fragments, as OpenAI sends it. */
function toCallFrames(model: string, step: Step): string {
  return toCalls(step).map(({ index, id, type, function: { name, arguments: text } }) => {
    const half = text.length >> 1;
    return toFrame(model, { tool_calls: [{ index, id, type, function: { name, arguments: "" } }] }) +
      toFrame(model, { tool_calls: [{ index, function: { arguments: text.slice(0, half) } }] }) +
      toFrame(model, { tool_calls: [{ index, function: { arguments: text.slice(half) } }] });
  }).join("");
}

/** All bytes of a streamed answer, made before anything is sent. */
export function toFrames(step: Step, model: string, withUsage: boolean): Frames {
  const known = new Map<string, Uint8Array>();
  const encode = (key: string, text: string) => {
    const bytes = known.get(key + text) ?? encoder.encode(toFrame(model, { [key]: text }));
    known.set(key + text, bytes);
    return bytes;
  };
  const usage = withUsage ? toUsage(step, 10) : null;
  const tail = toCallFrames(model, step) + toFrame(model, {}, toFinish(step)) +
    (usage ? `${PREFIX}${JSON.stringify(model)},"choices":[],"usage":${JSON.stringify(usage)}}\n\n` : "") +
    "data: [DONE]\n\n";
  return {
    head: encoder.encode(toFrame(model, { role: "assistant", content: "" })),
    tokens: [
      ...(step.reasoning ?? []).map((text) => encode("reasoning_content", text)),
      ...toTokens(step).map((text) => encode("content", text)),
    ],
    tail: encoder.encode(tail),
  };
}

/** The answer as one JSON document. */
export function toCompletion(step: Step, model: string): Record<string, unknown> {
  const calls = toCalls(step);
  const content = toTokens(step).join("");
  return {
    id: "chatcmpl-scripted",
    object: "chat.completion",
    created: 1790000000,
    model,
    choices: [{
      index: 0,
      message: {
        role: "assistant",
        content: content === "" ? null : content,
        ...step.reasoning && { reasoning_content: step.reasoning.join("") },
        ...calls.length > 0 && { tool_calls: calls.map(({ index: _, ...call }) => call) },
      },
      finish_reason: toFinish(step),
    }],
    usage: toUsage(step, 10),
  };
}
