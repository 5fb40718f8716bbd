/**
 * What a request of this door says about who asks and where it belongs.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";
import { UserId } from "../../domain/conversation.ts";
import { AppError } from "../../domain/error.ts";
import { invalid } from "./errors.ts";

/** Headers, ours first, then those that Open WebUI sends by itself when it forwards who its users are. */
const CONVERSATION = ["x-muxi-conversation", "x-openwebui-chat-id"];
const USER = "x-muxi-user";
const UNSIGNED_USER = "x-openwebui-user-id";
const SIGNED_USER = "x-openwebui-user-jwt";
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
export interface CircumstanceOptions {
  principal: Principal;
  /** Checks a signed user and gives their id; absent when no secret is set. */
  verifyUser?: ((token: string) => Promise<string>) | undefined;
}

/** Reads headers and body. A signed user wins over an unsigned one, a header over the body. */
export async function circumstancesOf(
  { headers, body }: { headers: Headers; body: Record<string, unknown> },
  { principal, verifyUser }: CircumstanceOptions,
): Promise<Circumstances> {
  const signed = headers.get(SIGNED_USER);
  if (verifyUser && signed === null && headers.has(UNSIGNED_USER)) {
    // Open WebUI sends its users unsigned when it could not sign them.
    throw new AppError("UnauthorizedError", `Cannot believe the header ${UNSIGNED_USER}: expected ${SIGNED_USER}`);
  }
  const user_id = verifyUser && signed !== null
    ? toUserId(await verifyUser(signed), SIGNED_USER)
    : namedUser(headers) ?? hintedUser(body, principal);
  const conversation = filled(headers, CONVERSATION);
  const task = filled(headers, [TASK]) ?? (isUnmarkedTask(headers, body) ? { value: "task" } : undefined);
  return {
    ...user_id !== undefined && { user_id },
    ...conversation && !TEMPORARY.test(conversation.value) && { conversation: toName(conversation) },
    ...task && { task: task.value },
    ...eventsOf(headers),
  };
}

interface Filled {
  name: string;
  value: string;
}

/** The first of the headers `names` that says something. */
function filled(headers: Headers, names: readonly string[]): Filled | undefined {
  for (const name of names) {
    const value = headers.get(name)?.trim() ?? "";
    if (value === "") continue;
    // All chats of a client that doesn't know the template would be one.
    if (value.includes("{{")) {
      throw invalid(`Cannot use the header ${name}: the client left "${value.slice(0, 64)}" in it`);
    }
    return { name, value };
  }
}

function toName({ name, value }: Filled): string {
  if (NAME.test(value)) return value;
  throw invalid(`Cannot use the header ${name}: expected at most 256 visible ASCII characters`);
}

function namedUser(headers: Headers): string | undefined {
  const found = filled(headers, [USER, UNSIGNED_USER]);
  return found && toUserId(found.value, found.name);
}

function toUserId(value: string, name: string): string {
  if (UserId.safeParse(value).success) return value;
  throw invalid(`Cannot use the header ${name}: expected a user's id of letters, digits and any of .@:|+-_`);
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
  const found = filled(headers, [EVENTS]);
  if (!found) return {};
  if (found.value === "openwebui") return { events: "openwebui" };
  throw invalid(`Cannot send the events "${found.value.slice(0, 64)}": expected openwebui`);
}
