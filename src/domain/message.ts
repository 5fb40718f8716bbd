/**
 * A message of a conversation.
 *
 * @module
 */
import { z } from "zod";

/** Who speaks. */
export const Role = z.enum(["system", "user", "assistant", "tool"]);

/** A file that goes with a message. */
export const Attachment = z.strictObject({
  file_id: z.string().regex(/^file_[0-9a-z]+$/),
}).meta({ id: "Attachment" });
/** See {@linkcode Attachment}. */
export type Attachment = z.infer<typeof Attachment>;

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
  metadata: z.record(z.string(), z.unknown()),
  created_at: z.string(),
}).meta({ id: "Message" });
/** See {@linkcode Message}. */
export type Message = z.infer<typeof Message>;

/** The most a message may hold, in characters. */
export const MAX_CONTENT = 200_000;
