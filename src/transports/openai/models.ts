/**
 * Agents as models.
 *
 * @module
 */
import type { Hono } from "@hono/hono";
import { type Agent, AgentId } from "../../domain/agent.ts";
import { agentGet, agentList } from "../../operations/agents.ts";
import type { Gateway } from "../../operations/gateway.ts";
import { type HttpContext, type HttpEnv, noting, visitOf } from "../request.ts";
import { answering, type OpenAiDeps, pathsOf } from "./door.ts";
import { toSeconds } from "./ids.ts";
import { unknownModel } from "./parameters.ts";

/** OpenAI's list has no pages, so that it is read to its end. */
const PAGE = 100;

/** Answers `GET /models` and `GET /models/{id}`. */
export function mountModels(app: Hono<HttpEnv>, gateway: Gateway, deps: OpenAiDeps): void {
  app.on("GET", pathsOf("/models"), answering(deps, (c) => list(c, gateway)));
  app.on("GET", pathsOf("/models/:id"), answering(deps, (c) => get(c, gateway)));
}

async function list(c: HttpContext, gateway: Gateway): Promise<Response> {
  const visit = await visitOf(c, gateway, agentList, c.req.raw.signal);
  const data = [];
  let cursor: string | undefined;
  do {
    const page = await gateway.call(agentList, () => ({ limit: PAGE, cursor }), visit, noting(c));
    data.push(...page.data.map(toModel));
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return Response.json({ object: "list", data });
}

async function get(c: HttpContext, gateway: Gateway): Promise<Response> {
  const visit = await visitOf(c, gateway, agentGet, c.req.raw.signal);
  const agent_id = c.req.param("id")!;
  const read = () => {
    if (AgentId.safeParse(agent_id).success) return { agent_id };
    throw unknownModel(agent_id);
  };
  return Response.json(toModel(await gateway.call(agentGet, read, visit, noting(c))));
}

/** An agent in OpenAI's words, with the name that people know it by. */
function toModel({ id, name, description, created_at }: Agent) {
  return { id, object: "model", created: toSeconds(created_at), owned_by: "muxi", name, description };
}
