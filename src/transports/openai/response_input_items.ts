/**
 * What a response answers, as items.
 *
 * @module
 */
import type { Attachment, Message, ToolRequest } from "../../domain/message.ts";
import type { Run } from "../../domain/run.ts";
import { messageList } from "../../operations/conversations.ts";
import type { Gateway } from "../../operations/gateway.ts";
import { invalid } from "./errors.ts";
import type { Viewer } from "./response_view.ts";
import { toArguments } from "./tools.ts";

/** Which items are asked for. `after` and `before` are ids. */
export interface InputPage {
  limit: number;
  order: "asc" | "desc";
  after?: string | undefined;
  before?: string | undefined;
}

/** An item of an input. */
type InputItem = { id: string; type: string; status: "completed" } & Record<string, unknown>;

/** How many messages are read at once. */
const PAGE = 100;

/** The items that a response was given, without those of the responses before it. */
export async function listInput(
  run: Run,
  { limit, order, after, before }: InputPage,
  { gateway, viewer }: { gateway: Gateway; viewer: Viewer },
) {
  const items = (await brought(run, { gateway, viewer })).flatMap(toItems);
  if (order === "desc") items.reverse();
  const start = after === undefined ? 0 : placeOf(items, after, "after") + 1;
  const end = before === undefined ? items.length : placeOf(items, before, "before");
  const data = items.slice(start, Math.min(end, start + limit));
  return {
    object: "list",
    data,
    first_id: data.at(0)?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: start + data.length < end,
  };
}

/** What a run was given is older than the run, what it said is younger; ids tell. */
async function brought(
  { id: run_id, conversation_id }: Run,
  { gateway, viewer: { visit, user_id } }: { gateway: Gateway; viewer: Viewer },
): Promise<Message[]> {
  const found: Message[] = [];
  let cursor: string | undefined;
  do {
    const at = cursor;
    const page = await gateway.call(messageList, () => ({
      conversation_id,
      run_id,
      limit: PAGE,
      order: "asc" as const,
      ...at !== undefined && { cursor: at },
      ...user_id !== undefined && { user_id },
    }), visit);
    found.push(...page.data.filter(({ id }) => suffixOf(id) < suffixOf(run_id)));
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined && suffixOf(cursor) < suffixOf(run_id));
  return found;
}

function placeOf(items: InputItem[], id: string, param: string): number {
  const place = items.findIndex((item) => item.id === id);
  if (place === -1) throw invalid(`Cannot find item "${id}" in the input of the response`, { param });
  return place;
}

function toItems({ id, role, content, attachments, tool_calls, tool_call_id }: Message): InputItem[] {
  const status = "completed";
  if (role === "tool") return [{ id, type: "function_call_output", status, call_id: tool_call_id, output: content }];
  const calls = (tool_calls ?? []).map(toCall);
  if (role === "assistant" && content === "" && calls.length > 0) return calls;
  const text = role === "assistant"
    ? { type: "output_text", text: content, annotations: [] }
    : { type: "input_text", text: content };
  const parts = [...content === "" ? [] : [text], ...attachments.map(toPart)];
  return [{ id, type: "message", status, role, content: parts }, ...calls];
}

function toCall(request: ToolRequest): InputItem {
  const { tool_call_id: call_id, tool: name } = request;
  const id = `fc_${suffixOf(call_id)}`;
  return { id, type: "function_call", status: "completed", call_id, name, arguments: toArguments(request) };
}

function toPart(attachment: Attachment) {
  if ("url" in attachment) return { type: "input_image", image_url: attachment.url, detail: "auto" };
  return { type: "input_file", file_id: attachment.file_id };
}

function suffixOf(id: string): string {
  return id.slice(id.indexOf("_") + 1);
}
