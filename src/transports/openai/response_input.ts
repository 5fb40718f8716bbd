/**
 * The input of a response as messages.
 *
 * @module
 */
import { z } from "zod";
import type { GivenMessage } from "../../domain/message.ts";
import { toContent, toText } from "./content.ts";
import { invalid, parse } from "./errors.ts";
import { checkResult, fromArguments } from "./tools.ts";

const InputItem = z.looseObject({ type: z.string().nullish() });
type InputItem = z.output<typeof InputItem>;

const Input = z.union([z.string().min(1), z.array(InputItem).min(1)], "expected a text or a list of items");
const Said = z.object({ role: z.enum(["user", "assistant", "system", "developer"]) });
const Asked = z.object({ call_id: z.string().min(1).max(200), name: z.string().min(1), arguments: z.string() });
const Done = z.object({ call_id: z.string().min(1).max(200) });

/** Reads `input`, a text or a list of items. `alone`: nothing was said before it. */
export function toMessages(input: unknown, { alone }: { alone: boolean }): GivenMessage[] {
  if (input === undefined || input === null) {
    throw invalid('Cannot answer without "input": expected a text or a list of items', {
      param: "input",
      code: "missing_required_parameter",
    });
  }
  const items = parse(Input, input, "input");
  if (typeof items === "string") return [{ role: "user", content: items, attachments: [] }];
  const messages: GivenMessage[] = [];
  items.forEach((item, i) => add(messages, item, { param: `input[${i}]`, alone }));
  if (messages.length > 0) return messages;
  throw invalid('Cannot answer: "input" says nothing', { param: "input" });
}

function add(messages: GivenMessage[], item: InputItem, { param, alone }: { param: string; alone: boolean }): void {
  switch (item.type ?? "message") {
    case "message":
      return addMessage(messages, item, param);
    case "function_call":
      return addCall(messages, item, param);
    case "function_call_output": {
      const { call_id } = parse(Done, item, param);
      const result: GivenMessage = { role: "tool", tool_call_id: call_id, ...toText(item.output, `${param}.output`) };
      if (alone) checkResult(result, { before: messages, param: `${param}.call_id` });
      messages.push(result);
      return;
    }
    case "reasoning":
      // Models think anew; what one thought before is not told to it.
      return;
  }
  throw invalid(
    `Cannot read an item of type "${item.type!.slice(0, 64)}": expected message, function_call or function_call_output`,
    { param: `${param}.type`, code: "unsupported_value" },
  );
}

function addMessage(messages: GivenMessage[], item: InputItem, param: string): void {
  const { role } = parse(Said, item, param);
  const content = (role === "user" ? toContent : toText)(item.content, `${param}.content`);
  // An item that was taken back is handed back empty.
  if (role === "assistant" && content.content === "") return;
  messages.push({ role: role === "developer" ? "system" : role, ...content });
}

/** What an agent says and what it asks tools for in one breath is one message. */
function addCall(messages: GivenMessage[], item: InputItem, param: string): void {
  const { call_id, name, arguments: text } = parse(Asked, item, param);
  const call = { tool_call_id: call_id, tool: name, arguments: fromArguments(text) };
  const last = messages.at(-1);
  if (last?.role === "assistant") last.tool_calls = [...last.tool_calls ?? [], call];
  else messages.push({ role: "assistant", content: "", attachments: [], tool_calls: [call] });
}
