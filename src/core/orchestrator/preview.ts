/**
 * What a model would be asked if a run began now.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";
import type { RunOptions } from "../../domain/run.ts";
import type { ModelRequest } from "../../ports/model.ts";
import type { Agents } from "../agents/agents.ts";
import type { Conversations, NewMessage } from "../conversations/conversations.ts";
import type { Eyes } from "../tools/look.ts";
import type { ConversationReading } from "./context.ts";
import { type RequestParts, toModelRequest } from "./model_request.ts";

/** What {@linkcode Preview} needs. */
export interface PreviewDeps extends RequestParts {
  agents: Agents;
  conversations: Conversations;
}

/** A run that may begin. */
export interface Previewed {
  agent_id: string;
  /** Null: in a new conversation. */
  conversation_id: string | null;
  messages: readonly NewMessage[];
  options: RunOptions;
  eyes: Eyes | undefined;
  reading?: ConversationReading | undefined;
}

/** Looks ahead. Stores nothing. */
export class Preview {
  readonly #deps: PreviewDeps;

  constructor(deps: PreviewDeps) {
    this.#deps = deps;
  }

  /** What the first step of such a run asks. Rejects when the agent or the conversation can't be found. */
  async request(
    principal: Principal,
    { agent_id, conversation_id, messages, options, eyes, reading }: Previewed,
  ): Promise<ModelRequest> {
    const { agents, conversations } = this.#deps;
    const { config } = await agents.get(principal.tenant_id, agent_id);
    const conversation = conversation_id === null
      ? conversations.toRow(principal, {})
      : await conversations.get(principal, conversation_id);
    const more = [];
    for (const message of messages) more.push(await conversations.toMessageRow(principal, conversation, message));
    const { tenant_id, user_id, id, turns } = conversation;
    const run = { tenant_id, user_id, conversation_id: id, turn: turns + 1, options, response_format: null };
    return await toModelRequest(this.#deps, { run, agent: config, eyes, position: 0, more, reading });
  }
}
