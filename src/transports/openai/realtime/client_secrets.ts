/**
 * Ephemeral secrets for browsers.
 *
 * @module
 */
import type { Hono } from "@hono/hono";
import { z } from "zod";
import type { Gateway } from "../../../operations/gateway.ts";
import { rtcSecretCreate } from "../../../operations/rtc_secrets.ts";
import { type HttpEnv, noting } from "../../request.ts";
import { answering, pathsOf } from "../door.ts";
import { parse, unsupported } from "../errors.ts";
import { toSeconds } from "../ids.ts";
import { agentOf } from "./agent_of.ts";
import { type RealtimeDeps, visitFor } from "./door.ts";
import { changeSession, newSession, toSessionView } from "./session_view.ts";

const Body = z.looseObject({
  expires_after: z.object({
    anchor: z.literal("created_at").default("created_at"),
    seconds: z.number().int().min(10).max(7200).optional(),
  }).nullish(),
  session: z.looseObject({ type: z.string().default("realtime"), model: z.string().max(200).nullish() }).nullish(),
});

/** Adds the route. It uses `rtc_secret_create`. */
export function mountClientSecrets(app: Hono<HttpEnv>, gateway: Gateway, deps: RealtimeDeps): void {
  const handler = answering(deps, async (c) => {
    const visit = await visitFor(c, { gateway, op: rtcSecretCreate, deps });
    let session: Record<string, unknown> = {};
    const read = async () => {
      const { expires_after, session: given } = parse(Body, await deps.readJson(c.req.raw) ?? {});
      if (given && given.type !== "realtime") throw unsupported("session.type", 'expected "realtime"');
      session = { ...given };
      agentOf(session.model);
      changeSession(newSession(""), session);
      const { seconds } = expires_after ?? {};
      return { session, ...seconds !== undefined && { expires_seconds: seconds } };
    };
    const { id, secret, expires_at } = await gateway.call(rtcSecretCreate, read, visit, noting(c));
    const seconds = toSeconds(expires_at);
    const state = changeSession(newSession(agentOf(session.model) ?? ""), session);
    const view = toSessionView(state, { id: `sess_${id.slice(id.indexOf("_") + 1)}`, expires_at: seconds });
    return Response.json({ value: secret, expires_at: seconds, session: view });
  });
  for (const path of pathsOf("/realtime/client_secrets")) app.post(path, handler);
}
