/**
 * A user of an application, and what agents should know of them.
 *
 * @module
 */
import { z } from "zod";

/** A user as shown: known since a conversation or a context named them. */
export const User = z.object({
  user_id: z.string(),
  created_at: z.string(),
  last_seen_at: z.string(),
}).meta({ id: "User" });
/** See {@linkcode User}. */
export type User = z.infer<typeof User>;

/** Named facts about a user, given to every agent that answers them. */
export const UserContext = z.object({
  user_id: z.string(),
  context: z.record(z.string(), z.unknown()),
  updated_at: z.string(),
}).meta({ id: "UserContext" });
/** See {@linkcode UserContext}. */
export type UserContext = z.infer<typeof UserContext>;
