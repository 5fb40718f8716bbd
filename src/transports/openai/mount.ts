/**
 * The door for OpenAI's clients: agents are models.
 *
 * @module
 */
import type { Hono } from "@hono/hono";
import type { Gateway } from "../../operations/gateway.ts";
import type { HttpEnv } from "../request.ts";
import { mountChat } from "./chat.ts";
import type { OpenAiDeps } from "./door.ts";
import { mountModels } from "./models.ts";
import { mountResponses } from "./responses.ts";

/** Adds the routes. Each uses access, limit and audit of an operation: `agent_list`, `agent_respond` and so on. */
export function mountOpenAi(app: Hono<HttpEnv>, gateway: Gateway, deps: OpenAiDeps): void {
  mountModels(app, gateway, deps);
  mountChat(app, gateway, deps);
  mountResponses(app, gateway, deps);
}
