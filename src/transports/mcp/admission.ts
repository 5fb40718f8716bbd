/**
 * Who may come in, and how the others are told.
 *
 * @module
 */
import { actingFor } from "../../domain/access.ts";
import { UserId } from "../../domain/conversation.ts";
import { AppError } from "../../domain/error.ts";
import type { CallOptions, Gateway } from "../../operations/gateway.ts";
import { mcpRequest } from "../../operations/mcp.ts";
import type { Visit } from "../../operations/operation.ts";
import { assertedUser } from "../asserted_user.ts";
import { type HttpContext, noting, visitOf } from "../request.ts";
import type { McpDeps } from "./door.ts";
import { toMcpResponse } from "./plain_error.ts";
import { challengeOf } from "./protected_resource.ts";

/** Each way in knows by itself when the caller leaves; asking the request costs as much as the rest of this. */
const NEVER = new AbortController().signal;

/**
 * Identifies the caller, who needs what `mcp_request` needs, and the user it acts for: as the headers say, or else the
 * address (`?user_id=`), since some hosts have nothing else for each server. Throws for everybody else.
 */
export async function admit(
  c: HttpContext,
  gateway: Gateway,
  { findFault, verifyUser }: Pick<McpDeps, "findFault" | "verifyUser">,
): Promise<Visit> {
  const { raw: request } = c.req;
  const fault = findFault(request);
  if (fault !== undefined) throw new AppError("ForbiddenError", fault);
  const visit = await visitOf(c, gateway, mcpRequest, NEVER);
  await letIn(gateway, visit, noting(c));
  const user_id = await assertedUser(request.headers, { verifyUser }) ?? userOfAddress(c);
  return { ...visit, principal: actingFor(visit.principal, user_id) };
}

function userOfAddress(c: HttpContext): string | undefined {
  const user = c.req.query("user_id");
  if (user === undefined || UserId.safeParse(user).success) return user;
  throw new AppError("ValidationError", `Cannot act for the user "${user.slice(0, 100)}": it is no id`);
}

/**
 * Every message costs what `mcp_request` costs, beside what is asked for through it, and needs the same. Throws for
 * strangers, keys that were revoked, and who asks too often; each is on record.
 */
export async function letIn(gateway: Gateway, visit: Visit, options?: CallOptions): Promise<void> {
  await gateway.admit(mcpRequest, visit, options);
}

/** An error before a message could be answered: its status, and the challenge where another key would help. */
export function refuse(c: HttpContext, thrown: unknown, { tokens }: Pick<McpDeps, "tokens">): Response {
  const error = AppError.from(thrown);
  const { name, details } = error;
  // The router notes what nobody has noted yet.
  if (error !== thrown && name === "InternalError") throw thrown;
  const response = toMcpResponse(error);
  const scope = details?.scope;
  if (name === "UnauthorizedError" || (name === "ForbiddenError" && typeof scope === "string")) {
    const parameters = {
      realm: "muxi",
      ...name === "ForbiddenError" && { error: "insufficient_scope", scope: String(scope) },
      ...challengeOf(c, tokens),
    };
    const text = Object.entries(parameters).map(([key, value]) => `${key}="${value}"`).join(", ");
    response.headers.set("www-authenticate", `Bearer ${text}`);
  }
  return response;
}
