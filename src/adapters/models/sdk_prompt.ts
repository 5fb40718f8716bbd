/**
 * A request in the words of the AI SDK's specification.
 *
 * @module
 */
import type { LanguageModelV4CallOptions, LanguageModelV4Prompt } from "@ai-sdk/provider";
import type { ModelMessage, ModelPart, ModelRequest } from "../../ports/model.ts";
import { splitSystem, toFileText } from "./chat_body.ts";
import type { Target } from "./source.ts";

type PromptMessage = LanguageModelV4Prompt[number];
type Schema = NonNullable<LanguageModelV4CallOptions["tools"]>[number] extends infer Tool
  ? Tool extends { inputSchema: infer S } ? S : never
  : never;

/** Pictures by the end of their address, for the providers that must be told. */
const PICTURES: Record<string, string> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  webp: "image/webp",
  gif: "image/gif",
  heic: "image/heic",
  heif: "image/heif",
};

function toPart(part: ModelPart) {
  switch (part.type) {
    case "text":
      return { type: "text" as const, text: toFileText(part) };
    case "image":
      return { type: "file" as const, mediaType: part.media_type, data: { type: "data" as const, data: part.bytes } };
    case "image_url": {
      const url = new URL(part.url);
      const ending = /\.(\w+)$/.exec(url.pathname)?.[1]?.toLowerCase() ?? "";
      return { type: "file" as const, mediaType: PICTURES[ending] ?? "image/*", data: { type: "url" as const, url } };
    }
  }
}

function toMessage(message: ModelMessage): PromptMessage | null {
  switch (message.role) {
    case "system":
      return { role: "system", content: message.content };
    case "user": {
      const text = message.content === "" ? [] : [{ type: "text" as const, text: message.content }];
      return { role: "user", content: [...text, ...message.parts.map(toPart)] };
    }
    case "assistant": {
      const text = message.content === "" ? [] : [{ type: "text" as const, text: message.content }];
      const calls = message.tool_calls.map((call) => ({
        type: "tool-call" as const,
        toolCallId: call.tool_call_id,
        toolName: call.tool,
        input: call.arguments,
      }));
      // Several providers refuse a message without content.
      return text.length + calls.length === 0 ? null : { role: "assistant", content: [...text, ...calls] };
    }
    case "tool":
      return {
        role: "tool",
        content: [{
          type: "tool-result",
          toolCallId: message.tool_call_id,
          toolName: message.tool,
          output: { type: "text", value: message.content },
        }],
      };
  }
}

/** The conversation: all system messages first, as one, and results of one round of tools together. */
export function toPrompt(request: ModelRequest): LanguageModelV4Prompt {
  const { system, rest } = splitSystem(request);
  const late = rest.filter(({ role }) => role === "system").map(({ content }) => content);
  const all = [system, ...late].filter((text) => text !== "").join("\n\n");
  const prompt: LanguageModelV4Prompt = all === "" ? [] : [{ role: "system", content: all }];
  for (const message of rest) {
    if (message.role === "system") continue;
    const next = toMessage(message);
    const last = prompt.at(-1);
    if (next?.role === "tool" && last?.role === "tool") last.content.push(...next.content);
    else if (next) prompt.push(next);
  }
  return prompt;
}

type CallOptions = Omit<LanguageModelV4CallOptions, "prompt">;

/** Whether the model is in the middle of a turn, having just been told what its tools answered. */
function isAmongTools({ messages }: ModelRequest): boolean {
  return messages.at(-1)?.role === "tool";
}

function toParameters(request: ModelRequest, kind: Target["kind"]): CallOptions {
  const { choice } = request;
  const { stop, reasoning_effort: effort } = choice;
  // Among tools, Anthropic wants the thoughts back that led to them, and we don't have them.
  const thoughtless = kind === "anthropic" && effort !== "none" && isAmongTools(request);
  return {
    ...choice.temperature !== undefined && { temperature: choice.temperature },
    ...choice.top_p !== undefined && { topP: choice.top_p },
    ...choice.max_output_tokens !== undefined && { maxOutputTokens: choice.max_output_tokens },
    ...stop && stop.length > 0 && { stopSequences: stop },
    ...choice.seed !== undefined && { seed: choice.seed },
    ...choice.presence_penalty !== undefined && { presencePenalty: choice.presence_penalty },
    ...choice.frequency_penalty !== undefined && { frequencyPenalty: choice.frequency_penalty },
    ...effort !== undefined && !thoughtless && { reasoning: effort },
  };
}

/** One call at a time or several, where the provider can be told. */
function toParallel(parallel: boolean | undefined, kind: Target["kind"]): CallOptions {
  if (parallel === undefined) return {};
  if (kind === "azure") return { providerOptions: { openai: { parallelToolCalls: parallel } } };
  return kind === "anthropic" ? { providerOptions: { anthropic: { disableParallelToolUse: !parallel } } } : {};
}

function toTools(request: ModelRequest, kind: Target["kind"]): CallOptions {
  const { tools, tool_choice: choice, parallel_tool_calls: parallel } = request;
  if (tools.length === 0) return {};
  return {
    tools: tools.map(({ name, description, parameters }) => ({
      type: "function" as const,
      name,
      description,
      inputSchema: parameters as Schema,
    })),
    ...choice && choice !== "auto" && {
      toolChoice: typeof choice === "string" ? { type: choice } : { type: "tool" as const, toolName: choice.tool },
    },
    ...toParallel(parallel, kind),
  };
}

/** Everything `doStream` takes. */
export function toCallOptions(
  request: ModelRequest,
  { kind, signal }: { kind: Target["kind"]; signal: AbortSignal },
): LanguageModelV4CallOptions {
  const { response_format: format } = request;
  return {
    prompt: toPrompt(request),
    abortSignal: signal,
    ...toParameters(request, kind),
    ...toTools(request, kind),
    ...format && {
      responseFormat: { type: "json" as const, name: format.name, schema: format.schema as Schema },
    },
  };
}
