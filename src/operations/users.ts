/**
 * Users and their contexts.
 *
 * @module
 */
import { z } from "zod";
import type { Users } from "../core/users/users.ts";
import { UserId } from "../domain/conversation.ts";
import { PageInput, pageOf } from "../domain/page.ts";
import { User, UserContext } from "../domain/user.ts";
import { type Bound, call, onCall } from "./operation.ts";

const Facts = z.record(z.string().min(1).max(100), z.unknown())
  .refine((value) => JSON.stringify(value).length <= 65_536, "must be at most 64 KB of JSON");
const shared = { access: "admin", limit: "admin", errors: ["UserNotFoundError"] } as const;

/** Lists users. */
export const userList = call({
  ...shared,
  id: "user_list",
  summary: "List the users that are known",
  input: z.strictObject({ ...PageInput, order: PageInput.order.unwrap().default("asc").describe("By id") }),
  output: pageOf(User),
  http: "GET /users",
});

/** Sets a user's context. */
export const userContextSet = call({
  ...shared,
  id: "user_context_set",
  summary: "Say what agents should know of a user, instead of what they knew",
  input: z.strictObject({ user_id: UserId, context: Facts }),
  output: UserContext,
  status: 201,
  http: "POST /users/{user_id}/context",
});

/** Shows a user's context. */
export const userContextGet = call({
  ...shared,
  id: "user_context_get",
  summary: "Get what agents know of a user",
  input: z.strictObject({ user_id: UserId }),
  output: UserContext,
  http: "GET /users/{user_id}/context",
});

/** Changes a user's context. */
export const userContextUpdate = call({
  ...shared,
  id: "user_context_update",
  summary: "Add to what agents know of a user; null removes a fact",
  input: z.strictObject({ user_id: UserId, context: Facts }),
  output: UserContext,
  http: "PATCH /users/{user_id}/context",
});

/** Deletes a user's context. */
export const userContextDelete = call({
  ...shared,
  id: "user_context_delete",
  summary: "Forget what agents know of a user",
  input: z.strictObject({ user_id: UserId }),
  output: z.null(),
  status: 204,
  http: "DELETE /users/{user_id}/context",
});

/** Every operation of this file. */
export const userOperations = [
  userList,
  userContextSet,
  userContextGet,
  userContextUpdate,
  userContextDelete,
] as const;

/** Binds this file's operations. */
export function bindUsers({ users }: { users: Users }): Bound[] {
  return [
    onCall(userList, async (page, { principal }) => {
      const { data, next_cursor } = await users.list(principal.tenant_id, page);
      return {
        data: data.map(({ user_id, created_at, last_seen_at }) => ({ user_id, created_at, last_seen_at })),
        next_cursor,
      };
    }),
    onCall(userContextSet, ({ user_id, context }, { principal }) => users.setContext(principal, user_id, context)),
    onCall(userContextGet, ({ user_id }, { principal }) => users.getContext(principal.tenant_id, user_id)),
    onCall(
      userContextUpdate,
      ({ user_id, context }, { principal }) => users.updateContext(principal, user_id, context),
    ),
    onCall(userContextDelete, async ({ user_id }, { principal }) => {
      await users.deleteContext(principal.tenant_id, user_id);
      return null;
    }),
  ];
}
