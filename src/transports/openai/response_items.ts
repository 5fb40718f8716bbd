/**
 * The items of a response, and the events that tell of them.
 *
 * @module
 */
import type { Citation, SpokenMessage, ToolRequest } from "../../domain/message.ts";
import type { Annotation, ContentPart, ItemStatus, OutputItem, ResponseEvent } from "./response_shape.ts";
import { toArguments } from "./tools.ts";

/** A message or a train of thought that is being said. */
export interface OpenText {
  type: "message" | "reasoning";
  id: string;
  /** Its place in the output. */
  index: number;
  text: string;
}

/** How a text ends. */
export interface TextEnd {
  status: ItemStatus;
  /** What counts in the end, where that isn't what was said piece by piece. */
  said?: Pick<SpokenMessage, "content" | "citations"> | undefined;
}

/** The id of an item: which response it belongs to, and which step or tool call of its run it is. */
export function toItemId(kind: "msg" | "rs" | "fc", response_id: string, part: string): string {
  return `${kind}_${suffixOf(response_id)}_${suffixOf(part)}`;
}

/** The response that an item belongs to; undefined for what was never one of our ids. */
export function responseOf(item_id: string): string | undefined {
  const [, suffix] = /^(?:msg|rs|fc)_([0-9a-z]+)_[0-9a-z_]+$/.exec(item_id) ?? [];
  return suffix === undefined ? undefined : `resp_${suffix}`;
}

function suffixOf(id: string): string {
  return id.slice(id.indexOf("_") + 1);
}

/** The item of `text` as it is now. */
export function toTextItem(text: OpenText, status: ItemStatus, content = [toPart(text, text.text)]): OutputItem {
  const { id, type } = text;
  if (type === "message") return { id, type, status, role: "assistant", content };
  return { id, type, status, summary: [], content };
}

/** The events of a text that begins. */
export function openText(text: OpenText): ResponseEvent[] {
  return [
    { type: "response.output_item.added", output_index: text.index, item: toTextItem(text, "in_progress", []) },
    { type: "response.content_part.added", ...placeOf(text), part: toPart(text, "") },
  ];
}

/** The event of `more` of a text. */
export function growText(text: OpenText, more: string): ResponseEvent {
  const { part, extra } = KIND[text.type];
  return { type: `response.${part}.delta`, ...placeOf(text), delta: more, ...extra };
}

/** The events of a text that ends, and its item. */
export function closeText(text: OpenText, { status, said }: TextEnd): { events: ResponseEvent[]; item: OutputItem } {
  const content = said?.content ?? text.text;
  const annotations = toAnnotations(said?.citations ?? [], content);
  const part = toPart(text, content, annotations);
  const rest = content.startsWith(text.text) ? content.slice(text.text.length) : "";
  const place = placeOf(text);
  const { part: name, extra } = KIND[text.type];
  const item = toTextItem(text, status, [part]);
  return {
    item,
    events: [
      ...rest === "" ? [] : [growText(text, rest)],
      ...annotations.map((annotation, annotation_index): ResponseEvent => ({
        type: "response.output_text.annotation.added",
        ...place,
        annotation_index,
        annotation,
      })),
      { type: `response.${name}.done`, ...place, text: content, ...extra },
      { type: "response.content_part.done", ...place, part },
      { type: "response.output_item.done", output_index: text.index, item },
    ],
  };
}

/**
 * The events of a text that is taken back, and its item. There is no way back in this protocol, so that the item stays
 * in its place, incomplete and without content: what comes instead is an item of its own.
 */
export function withdrawText(text: OpenText): { events: ResponseEvent[]; item: OutputItem } {
  const item = toTextItem(text, "incomplete", []);
  const { part, extra } = KIND[text.type];
  const place = placeOf(text);
  return {
    item,
    events: [
      { type: `response.${part}.done`, ...place, text: "", ...extra },
      { type: "response.content_part.done", ...place, part: toPart(text, "") },
      { type: "response.output_item.done", output_index: text.index, item },
    ],
  };
}

/** The events of a call that the caller is to make, and its item. */
export function callFunction(
  request: ToolRequest,
  { item_id, output_index }: { item_id: string; output_index: number },
): { events: ResponseEvent[]; item: OutputItem } {
  const { tool_call_id: call_id, tool: name } = request;
  const text = toArguments(request);
  const item = { id: item_id, type: "function_call", status: "completed", call_id, name, arguments: text } as const;
  return {
    item,
    events: [
      {
        type: "response.output_item.added",
        output_index,
        item: { ...item, status: "in_progress", arguments: "" },
      },
      { type: "response.function_call_arguments.delta", item_id, output_index, delta: text },
      { type: "response.function_call_arguments.done", item_id, output_index, name, arguments: text },
      { type: "response.output_item.done", output_index, item },
    ],
  };
}

const KIND = {
  message: { part: "output_text", extra: { logprobs: [] } },
  reasoning: { part: "reasoning_text", extra: {} },
} as const;

function placeOf({ id, index }: OpenText) {
  return { item_id: id, output_index: index, content_index: 0 };
}

function toPart({ type }: OpenText, text: string, annotations: Annotation[] = []): ContentPart {
  if (type === "message") return { type: "output_text", text, annotations, logprobs: [] };
  return { type: "reasoning_text", text };
}

/** A source without an address has no form here: OpenAI's other citations name files of its own. */
function toAnnotations(citations: readonly Citation[], content: string): Annotation[] {
  return citations.flatMap(({ url, title, start_index = 0, end_index = content.length }) =>
    url === undefined ? [] : [{ type: "url_citation", url, title, start_index, end_index }]
  );
}
