/**
 * A request in the words of the AI SDK's specification.
 *
 * @module
 */
import type { LanguageModelV4CallOptions, LanguageModelV4Prompt } from "@ai-sdk/provider";
import type { ModelMessage, ModelPart, ModelRequest } from "../../ports/model.ts";
import { splitSystem, toFileText } from "./chat_body.ts";

type PromptMessage = LanguageModelV4Prompt[number];
type Schema = NonNullable<LanguageModelV4CallOptions["tools"]>[number] extends infer Tool
  ? Tool extends { inputSchema: infer S } ? S : never
  : never;

function toPart(part: ModelPart) {
  if (part.type === "text") return { type: "text" as const, text: toFileText(part) };
  return {
    type: "file" as const,
    mediaType: part.media_type,
    data: { type: "data" as const, data: part.bytes },
  };
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

/** Everything `doStream` takes. */
export function toCallOptions(request: ModelRequest, signal: AbortSignal): LanguageModelV4CallOptions {
  const { choice, tools, response_format: format } = request;
  return {
    prompt: toPrompt(request),
    abortSignal: signal,
    ...choice.temperature !== undefined && { temperature: choice.temperature },
    ...choice.top_p !== undefined && { topP: choice.top_p },
    ...choice.max_output_tokens !== undefined && { maxOutputTokens: choice.max_output_tokens },
    ...tools.length > 0 && {
      tools: tools.map(({ name, description, parameters }) => ({
        type: "function" as const,
        name,
        description,
        inputSchema: parameters as Schema,
      })),
    },
    ...format && {
      responseFormat: { type: "json" as const, name: format.name, schema: format.schema as Schema },
    },
  };
}
