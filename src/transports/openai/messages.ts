/**
 * Messages of chat completions as ours.
 *
 * @module
 */
import { z } from "zod";
import type { GivenMessage, ToolRequest } from "../../domain/message.ts";
import { toContent } from "./content.ts";
import { invalid, parse } from "./errors.ts";
import { fromArguments } from "./tools.ts";

const Messages = z.array(z.looseObject({ role: z.string() })).min(1);
type Message = z.output<typeof Messages>[number];

const ToolCall = z.object({
  id: z.string().min(1),
  type: z.literal("function").default("function"),
  function: z.object({ name: z.string().min(1), arguments: z.string() }),
});
const ToolCalls = z.array(ToolCall).nullish();
const ToolCallId = z.string().min(1);

/** Reads `messages`. */
export function toMessages(messages: unknown): GivenMessage[] {
  return parse(Messages, messages, "messages").map((message, i) => toMessage(message, `messages[${i}]`));
}

function toMessage(message: Message, param: string): GivenMessage {
  const content = toContent(message.content, `${param}.content`);
  switch (message.role) {
    case "system":
    case "developer":
      return { role: "system", ...content };
    case "user":
      return { role: "user", ...content };
    case "assistant": {
      const tool_calls = parse(ToolCalls, message.tool_calls, `${param}.tool_calls`)?.map(toRequest) ?? [];
      return { role: "assistant", ...content, ...tool_calls.length > 0 && { tool_calls } };
    }
    case "tool": {
      const tool_call_id = parse(ToolCallId, message.tool_call_id, `${param}.tool_call_id`);
      return { role: "tool", ...content, tool_call_id };
    }
  }
  throw invalid(
    `Cannot read a message of role "${message.role.slice(0, 64)}": expected system, developer, user, assistant or tool`,
    { param: `${param}.role`, code: "unsupported_value" },
  );
}

function toRequest({ id, function: { name, arguments: text } }: z.output<typeof ToolCall>): ToolRequest {
  return { tool_call_id: id, tool: name, arguments: fromArguments(text) };
}
