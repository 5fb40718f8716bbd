/**
 * What a model is told: the conversation so far, within bounds.
 *
 * @module
 */
import type { AgentConfig } from "../../domain/agent.ts";
import type { MessageRow, RunRow } from "../../domain/table.ts";
import type { ModelMessage, ModelPart, Passage } from "../../ports/model.ts";
import type { Store } from "../../ports/store.ts";
import { type Eyes, LOOK, SIGHT_TYPE, withoutSight } from "../tools/look.ts";
import { toMeantCall } from "../tools/search.ts";
import type { Users } from "../users/users.ts";
import type { AttachedFiles } from "./attached_files.ts";

/** How far back a model looks. */
const MAX_MESSAGES = 200;
const MAX_CHARACTERS = 400_000;

/** What {@linkcode Context} needs. */
export interface ContextDeps {
  store: Store;
  attached: AttachedFiles;
  users: Users;
}

/** Puts together what a model reads. */
export class Context {
  #deps: ContextDeps;

  constructor(deps: ContextDeps) {
    this.#deps = deps;
  }

  /**
   * The messages for the next step of `run`, oldest first, and what may be quoted. `more` are the newest messages, where
   * they are not stored yet.
   */
  async build(
    run: Pick<RunRow, "tenant_id" | "user_id" | "conversation_id" | "turn" | "options">,
    agent: AgentConfig,
    { eyes, more = [] }: { eyes?: Eyes | undefined; more?: readonly MessageRow[] | undefined } = {},
  ): Promise<{ messages: ModelMessage[]; passages: Passage[] }> {
    const stored = await this.#deps.store.read({
      from: "messages",
      where: { conversation_id: run.conversation_id, turn: { lte: run.turn } },
      order: [["turn", "desc"], ["id", "desc"]],
      limit: MAX_MESSAGES,
    });
    const rows = [...more.toReversed(), ...stored].slice(0, MAX_MESSAGES);
    const spoken = window(rows).reverse();
    const facts = run.user_id === null ? undefined : await this.#deps.users.context(run.tenant_id, run.user_id);
    const system = systemMessage(agent, facts, run.options?.instructions);
    const passages = Object.entries(facts ?? {})
      .map(([name, value]) => ({ source: `user context: ${name}`, text: `${name}: ${textOf(value)}` }));
    const messages = await Promise.all(
      repaired(spoken).map((row) => this.#toModelMessage(row, { agent, eyes, all: spoken })),
    );
    return { messages: system ? [{ role: "system", content: system }, ...messages] : messages, passages };
  }

  async #toModelMessage(
    row: MessageRow,
    { agent: { model }, eyes, all }: { agent: AgentConfig; eyes: Eyes | undefined; all: MessageRow[] },
  ): Promise<ModelMessage> {
    switch (row.role) {
      case "system":
        return { role: "system", content: row.content };
      case "assistant":
        return { role: "assistant", content: row.content, tool_calls: row.tool_calls ?? [] };
      case "tool": {
        const tool_call_id = row.tool_call_id ?? "";
        const request = all.flatMap((row) => row.tool_calls ?? []).find((call) => call.tool_call_id === tool_call_id);
        const tool = request?.tool ?? "unknown";
        const told = { role: "tool", tool_call_id, tool, content: row.content } as const;
        if (request && toMeantCall(request).tool === LOOK && row.attachments.length === 0) {
          const seen = eyes?.sight(tool_call_id);
          if (!seen) return { ...told, content: withoutSight(row.content) };
          return { ...told, parts: [{ type: "image", media_type: SIGHT_TYPE, bytes: seen.image }] };
        }
        if (row.attachments.length === 0 || model.images === false) return told;
        return { ...told, parts: await this.#toParts(row) };
      }
      case "user":
        return {
          role: "user",
          content: row.content,
          parts: await this.#toParts(row),
        };
    }
  }

  #toParts({ tenant_id, attachments }: MessageRow): Promise<ModelPart[]> {
    return Promise.all(attachments.map((one) => this.#deps.attached.stored(tenant_id, one)));
  }
}

/** The newest rows that fit; the first one always does. */
function window(newestFirst: MessageRow[]): MessageRow[] {
  let characters = 0;
  return newestFirst.filter((row, i) => {
    characters += row.content.length;
    return i === 0 || characters <= MAX_CHARACTERS;
  });
}

/**
 * Gives every tool request its answer and every answer its request, as
 * providers insist on: a cancelled run leaves requests behind, the window cuts
 * between them.
 */
function repaired(rows: MessageRow[]): MessageRow[] {
  const answered = new Map(rows.filter((row) => row.role === "tool").map((row) => [row.tool_call_id, row]));
  const out: MessageRow[] = [];
  for (const row of rows) {
    if (row.role === "tool") continue;
    out.push(row);
    for (const { tool_call_id } of row.tool_calls ?? []) {
      const content = JSON.stringify({ error: "This call was cancelled before it had a result" });
      out.push(answered.get(tool_call_id) ?? { ...row, role: "tool", content, tool_call_id, tool_calls: null });
    }
  }
  return out;
}

function systemMessage(agent: AgentConfig, facts: Record<string, unknown> | undefined, instructions = ""): string {
  const known = Object.entries(facts ?? {}).map(([name, value]) => `- ${name}: ${textOf(value)}`);
  const about = known.length === 0 ? "" : `What is known about the user:\n${known.join("\n")}`;
  return [agent.system_prompt, about, instructions].filter((part) => part !== "").join("\n\n");
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
