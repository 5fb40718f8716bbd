/**
 * A message of a conversation.
 *
 * @module
 */
import { z } from "zod";

/** Who speaks. */
export const Role = z.enum(["system", "user", "assistant", "tool"]);

/** A file that goes with a message: one of ours, or a picture that the model's provider fetches itself. */
export const Attachment = z.union([
  z.strictObject({ file_id: z.string().regex(/^file_[0-9a-z]+$/) }),
  z.strictObject({ url: z.url({ protocol: /^https$/ }).max(2000).describe("A picture's address; we never fetch it") }),
]).meta({ id: "Attachment" });
/** See {@linkcode Attachment}. */
export type Attachment = z.infer<typeof Attachment>;

/** The most a message may hold, in characters. */
export const MAX_CONTENT = 200_000;

/** A file that comes inside a request. */
export const InlineFile = z.strictObject({
  name: z.string().min(1).max(255),
  media_type: z.string().regex(/^[\w.+-]+\/[\w.+-]+$/).max(127),
  data: z.base64().max(40_000_000),
}).meta({ id: "InlineFile" });
/** See {@linkcode InlineFile}. */
export type InlineFile = z.infer<typeof InlineFile>;

/** A call of a tool that a model asks for. */
export const ToolRequest = z.object({
  tool_call_id: z.string(),
  tool: z.string(),
  arguments: z.record(z.string(), z.unknown()),
});
/** See {@linkcode ToolRequest}. */
export type ToolRequest = z.infer<typeof ToolRequest>;

/** The one key of a {@linkcode ToolRequest}'s arguments when the model wrote no JSON object: its text as it came. */
export const INVALID_ARGUMENTS = "__invalid";

/** A message that a caller brings along. */
export const GivenMessage = z.strictObject({
  role: Role,
  content: z.string().max(MAX_CONTENT).default(""),
  attachments: z.array(z.union([Attachment, InlineFile])).max(20).default([]),
  tool_calls: z.array(ToolRequest).max(128).optional().describe("What an assistant's message asked tools for"),
  tool_call_id: z.string().min(1).max(200).optional().describe("Which request a tool's message answers"),
}).meta({ id: "GivenMessage" });
/** See {@linkcode GivenMessage}. */
export type GivenMessage = z.output<typeof GivenMessage>;

/** Where something that a message says is from. Indexes count characters of the message. */
export const Citation = z.object({
  title: z.string(),
  url: z.string().optional(),
  quote: z.string().optional(),
  start_index: z.number().int().optional(),
  end_index: z.number().int().optional(),
}).meta({ id: "Citation" });
/** See {@linkcode Citation}. */
export type Citation = z.infer<typeof Citation>;

/**
 * Why a message ends where it does. `tool_calls`: the caller's own tools are to be called. `interrupted`: it was said
 * aloud, and the listener heard no more of it.
 */
export const FINISH_REASON = ["stop", "length", "tool_calls", "content_filter", "interrupted", "other"] as const;
/** One of {@linkcode FINISH_REASON}. */
export type FinishReason = typeof FINISH_REASON[number];

/** A message as events and answers tell it. */
export const SpokenMessage = z.object({
  id: z.string(),
  role: z.string(),
  content: z.string(),
  /** Calls of the caller's own tools. */
  tool_calls: z.array(ToolRequest).optional(),
  citations: z.array(Citation).optional(),
});
/** See {@linkcode SpokenMessage}. */
export type SpokenMessage = z.infer<typeof SpokenMessage>;

/** A message as stored and shown. */
export const Message = z.object({
  id: z.string(),
  conversation_id: z.string(),
  /** The run that answers it (user) or wrote it (assistant, tool); null until one does. */
  run_id: z.string().nullable(),
  role: Role,
  content: z.string(),
  attachments: z.array(Attachment),
  /** What an assistant's message asked tools for. */
  tool_calls: z.array(ToolRequest).nullable(),
  /** Which request a tool's message answers. */
  tool_call_id: z.string().nullable(),
  /** Where an assistant's message has it from. */
  citations: z.array(Citation).nullable(),
  metadata: z.record(z.string(), z.unknown()),
  created_at: z.string(),
}).meta({ id: "Message" });
/** See {@linkcode Message}. */
export type Message = z.infer<typeof Message>;
