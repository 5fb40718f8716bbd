/**
 * Messages of chat completions as ours.
 *
 * @module
 */
import { z } from "zod";
import type { GivenMessage, ToolRequest } from "../../domain/message.ts";
import { toContent, toText } from "./content.ts";
import { invalid, parse, unsupported } from "./errors.ts";
import { checkResult, fromArguments } from "./tools.ts";

const Messages = z.array(z.looseObject({ role: z.string() })).min(1);
type Message = z.output<typeof Messages>[number];

const ToolCall = z.object({
  id: z.string().min(1),
  type: z.literal("function").default("function"),
  function: z.object({ name: z.string().min(1), arguments: z.string() }),
});
const ToolCalls = z.array(ToolCall).nullish();
const ToolCallId = z.string().min(1);
const Refusal = z.string().nullish();

/** Reads `messages`. `alone`: nothing was said before them. */
export function toMessages(messages: unknown, { alone }: { alone: boolean }): GivenMessage[] {
  const read: GivenMessage[] = [];
  for (const [i, message] of parse(Messages, messages, "messages").entries()) {
    const param = `messages[${i}]`;
    const next = toMessage(message, param);
    if (alone) checkResult(next, { before: read, param: `${param}.tool_call_id` });
    read.push(next);
  }
  return read;
}

function toMessage(message: Message, param: string): GivenMessage {
  const within = `${param}.content`;
  switch (message.role) {
    case "system":
    case "developer":
      return { role: "system", ...toText(message.content, within) };
    case "user":
      return { role: "user", ...toContent(message.content, within) };
    case "assistant":
      return toAssistant(message, param);
    case "tool": {
      const tool_call_id = parse(ToolCallId, message.tool_call_id, `${param}.tool_call_id`);
      return { role: "tool", ...toText(message.content, within), tool_call_id };
    }
  }
  throw invalid(
    `Cannot read a message of role "${message.role.slice(0, 64)}": expected system, developer, user, assistant or tool`,
    { param: `${param}.role`, code: "unsupported_value" },
  );
}

function toAssistant(message: Message, param: string): GivenMessage {
  if (message.function_call !== undefined && message.function_call !== null) {
    throw unsupported(`${param}.function_call`, "it was replaced by tool_calls");
  }
  const tool_calls = parse(ToolCalls, message.tool_calls, `${param}.tool_calls`)?.map(toRequest) ?? [];
  const refusal = parse(Refusal, message.refusal, `${param}.refusal`);
  return {
    role: "assistant",
    ...toText(message.content ?? refusal, `${param}.content`),
    ...tool_calls.length > 0 && { tool_calls },
  };
}

function toRequest({ id, function: { name, arguments: text } }: z.output<typeof ToolCall>): ToolRequest {
  return { tool_call_id: id, tool: name, arguments: fromArguments(text) };
}
