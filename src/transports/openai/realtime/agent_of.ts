/**
 * Which agent a model's name means.
 *
 * @module
 */
import { AgentId } from "../../../domain/agent.ts";
import { AppError } from "../../../domain/error.ts";

/** OpenAI's own names of such models, which clients send unless they are told otherwise. */
const THEIRS = /^gpt-[\w.-]*realtime/;

/** The agent that `model` names; undefined for the default one. Throws `AgentNotFoundError`. */
export function agentOf(model: unknown): string | undefined {
  if (typeof model !== "string" || model === "" || THEIRS.test(model)) return undefined;
  if (AgentId.safeParse(model).success) return model;
  throw new AppError("AgentNotFoundError", `Cannot find model "${model.slice(0, 100)}"`);
}
