/**
 * What this protocol's clients say.
 *
 * @module
 */
import { z } from "zod";
import type { GivenMessage } from "../../../domain/message.ts";
import { toContent, toText } from "../content.ts";
import { invalid, parse } from "../errors.ts";

const Id = z.string().min(1).max(200);
const Optional = Id.nullish();

/** An item that a client makes. */
export const GivenItem = z.discriminatedUnion("type", [
  z.looseObject({
    type: z.literal("message"),
    id: Optional,
    role: z.enum(["user", "assistant", "system"]),
    content: z.array(z.looseObject({ type: z.string() })).max(50),
  }),
  z.looseObject({
    type: z.literal("function_call"),
    id: Optional,
    call_id: Id,
    name: z.string().min(1).max(64),
    arguments: z.string().max(200_000),
  }),
  z.looseObject({
    type: z.literal("function_call_output"),
    id: Optional,
    call_id: Id,
    output: z.string().max(200_000),
  }),
  z.looseObject({
    type: z.literal("mcp_approval_response"),
    id: Optional,
    approval_request_id: Id,
    approve: z.boolean(),
    reason: z.string().max(1000).nullish(),
  }),
]);
/** See {@linkcode GivenItem}. */
export type GivenItem = z.infer<typeof GivenItem>;

const event = { event_id: z.string().max(512).nullish() };
const about = { ...event, item_id: Id };

/** Every event that is understood. */
const ClientEvent = z.discriminatedUnion("type", [
  z.looseObject({ ...event, type: z.literal("session.update"), session: z.unknown().optional() }),
  z.looseObject({
    ...event,
    type: z.literal("conversation.item.create"),
    previous_item_id: Optional,
    item: z.unknown().optional(),
  }),
  z.looseObject({ ...about, type: z.literal("conversation.item.retrieve") }),
  z.looseObject({ ...about, type: z.literal("conversation.item.delete") }),
  z.looseObject({
    ...about,
    type: z.literal("conversation.item.truncate"),
    content_index: z.number().int().min(0),
    audio_end_ms: z.number().min(0),
  }),
  z.looseObject({ ...event, type: z.literal("response.create"), response: z.unknown().optional() }),
  z.looseObject({ ...event, type: z.literal("response.cancel"), response_id: Optional }),
  z.looseObject({ ...event, type: z.literal("output_audio_buffer.clear") }),
  z.looseObject({ ...event, type: z.literal("input_audio_buffer.append"), audio: z.string() }),
  z.looseObject({ ...event, type: z.literal("input_audio_buffer.commit") }),
  z.looseObject({ ...event, type: z.literal("input_audio_buffer.clear") }),
]);
/** See {@linkcode ClientEvent}. */
export type ClientEvent = z.infer<typeof ClientEvent>;

const KNOWN: readonly string[] = ClientEvent.options.map(({ shape }) => shape.type.value);

/** What `text` says. Throws `ValidationError`. */
export function readClientEvent(value: Record<string, unknown>): ClientEvent {
  const { type } = value;
  if (typeof type !== "string") throw invalid("Cannot read the event: it has no type", { param: "type" });
  if (!KNOWN.includes(type)) {
    throw invalid(`Cannot understand the event "${type.slice(0, 100)}": it is not one of this server's`, {
      param: "type",
      code: "invalid_value",
    });
  }
  return parse(ClientEvent, value);
}

/** `text` as an object. Throws `ValidationError`. */
export function readObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw invalid("Cannot read the event: expected a JSON object");
}

/** A message of a client's as it goes to the agent. Throws `ValidationError`. */
export function toGivenMessage({ role, content }: Extract<GivenItem, { type: "message" }>): GivenMessage {
  const written = content.map(toWritten);
  const read = role === "user" ? toContent(written, "item.content") : toText(written, "item.content");
  return { role, ...read };
}

/** What was said comes again in its words: nobody keeps its sound. */
function toWritten(part: { type: string; [field: string]: unknown }): { type: string; [field: string]: unknown } {
  const { type, audio, transcript } = part;
  const spoken = type === "input_audio" || type === "output_audio";
  return spoken && typeof audio !== "string" && typeof transcript === "string"
    ? { type: "input_text", text: transcript }
    : part;
}
