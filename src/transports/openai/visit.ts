/**
 * What a request of this door says about who asks and where it belongs.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";
import { UserId } from "../../domain/conversation.ts";
import { assertedUser, type AssertedUserOptions, type FilledHeader, filledHeader } from "../asserted_user.ts";
import { invalid } from "./errors.ts";

/** Ours, then the one that Open WebUI sends by itself. */
const CONVERSATION = ["x-muxi-conversation", "x-openwebui-chat-id"];
const TASK = "x-muxi-task";
const EVENTS = "x-muxi-events";
/** Open WebUI's names of all the temporary chats of one browser window: they share nothing. */
const TEMPORARY = /^(?:temporary|local):/;
const NAME = /^[\x21-\x7e]{1,256}$/;

/** What was found out. */
export interface Circumstances {
  user_id?: string;
  /** The caller's name of the conversation; absent: nothing is remembered. */
  conversation?: string;
  /** A chore of the client's own, such as a title for a chat: no run, no memory. */
  task?: string;
  /** Whose frames to send beside OpenAI's. */
  events?: "openwebui";
}

/** Options of {@linkcode circumstancesOf}. */
export interface CircumstanceOptions extends AssertedUserOptions {
  principal: Principal;
}

/** Reads headers and body, of which the headers win. */
export async function circumstancesOf(
  { headers, body }: { headers: Headers; body: Record<string, unknown> },
  { principal, verifyUser }: CircumstanceOptions,
): Promise<Circumstances> {
  const user_id = await assertedUser(headers, { verifyUser }) ?? hintedUser(body, principal);
  const conversation = filledHeader(headers, CONVERSATION);
  const task = filledHeader(headers, [TASK]) ?? (isUnmarkedTask(headers, body) ? { value: "task" } : undefined);
  return {
    ...user_id !== undefined && { user_id },
    ...conversation && !TEMPORARY.test(conversation.value) && { conversation: toName(conversation) },
    ...task && { task: task.value },
    ...eventsOf(headers),
  };
}

function toName({ name, value }: FilledHeader): string {
  if (NAME.test(value)) return value;
  throw invalid(`Cannot use the header ${name}: expected at most 256 visible ASCII characters`);
}

/** Bodies name users in any form, for other purposes too. A credential of one user needs no hint. */
function hintedUser({ safety_identifier, user }: Record<string, unknown>, principal: Principal): string | undefined {
  if (!principal.may_assert_user) return undefined;
  for (const hint of [user, safety_identifier]) {
    const parsed = UserId.safeParse(hint);
    if (parsed.success) return parsed.data;
  }
}

/**
 * Whether this is a chore of an Open WebUI that was not told to say so. It asks
 * for titles and tags in the name of the chat, where they don't belong.
 */
function isUnmarkedTask(headers: Headers, { messages, stream }: Record<string, unknown>): boolean {
  if (headers.has(TASK) || !headers.has("x-openwebui-chat-id") || stream === true) return false;
  const [only, ...more] = Array.isArray(messages) ? messages : [];
  return more.length === 0 && typeof only?.content === "string" && only.content.startsWith("### Task:");
}

function eventsOf(headers: Headers): { events?: "openwebui" } {
  const found = filledHeader(headers, [EVENTS]);
  if (!found) return {};
  if (found.value === "openwebui") return { events: "openwebui" };
  throw invalid(`Cannot send the events "${found.value.slice(0, 64)}": expected openwebui`);
}
