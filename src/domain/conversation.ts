/**
 * A conversation: messages in order, answered by runs.
 *
 * @module
 */
import { z } from "zod";
import { Message } from "./message.ts";

/** Names and values of the caller's own, kept as they are. */
export const Metadata = z.record(z.string().max(100), z.unknown())
  .refine((value) => JSON.stringify(value).length <= 16_384, "must be at most 16 KB of JSON");

/** A conversation's id. */
export const ConversationId = z.string().regex(/^conv_[0-9a-z]+$/);

/** A user's id, as the application names them. */
export const UserId = z.string().min(1).max(128)
  // "." and ".." never arrive: whoever makes an address of a path leaves them out.
  .regex(/^(?!\.{1,2}$)[\w.@:|+-]+$/)
  .describe("For which user the application acts");

/** A conversation as shown. */
export const Conversation = z.object({
  id: z.string(),
  user_id: z.string().nullable(),
  agent_id: z.string().nullable(),
  title: z.string().nullable(),
  /** The caller's own name of it. */
  external_id: z.string().nullable(),
  metadata: z.record(z.string(), z.unknown()),
  created_at: z.string(),
  updated_at: z.string(),
  messages: z.array(Message).optional(),
}).meta({ id: "Conversation" });
/** See {@linkcode Conversation}. */
export type Conversation = z.infer<typeof Conversation>;
