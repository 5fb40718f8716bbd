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

/** Says what of a conversation is read, and in which order. */
export interface ConversationReading {
  /** What is read of `rows`, oldest first. */
  apply(rows: readonly MessageRow[]): MessageRow[];
}

/** Options for {@linkcode Context.build}. */
export interface ContextOptions {
  eyes?: Eyes | undefined;
  /** The newest messages, where they are not stored yet. */
  more?: readonly MessageRow[] | undefined;
  /** Absent: all of it, as it was said. */
  reading?: ConversationReading | undefined;
}

/** Puts together what a model reads. */
export class Context {
  #deps: ContextDeps;

  constructor(deps: ContextDeps) {
    this.#deps = deps;
  }

  /** The messages for the next step of `run`, oldest first, and what may be quoted. */
  async build(
    run: Pick<RunRow, "tenant_id" | "user_id" | "conversation_id" | "turn" | "options">,
    agent: AgentConfig,
    { eyes, more = [], reading }: ContextOptions = {},
  ): Promise<{ messages: ModelMessage[]; passages: Passage[] }> {
    const stored = await this.#deps.store.read({
      from: "messages",
      where: { conversation_id: run.conversation_id, turn: { lte: run.turn } },
      order: [["turn", "desc"], ["id", "desc"]],
      limit: MAX_MESSAGES,
    });
    const rows = [...more.toReversed(), ...stored].slice(0, MAX_MESSAGES).reverse();
    const spoken = window(reading?.apply(rows) ?? rows);
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

/** The newest rows that fit; the last one always does. */
function window(rows: MessageRow[]): MessageRow[] {
  let characters = 0;
  return rows.toReversed().filter((row, i) => {
    characters += row.content.length;
    return i === 0 || characters <= MAX_CHARACTERS;
  }).reverse();
}

/**
 * Gives every tool request its answer and every answer its request, as
 * providers insist on: a cancelled run leaves requests behind, the window cuts
 * between them. They also insist on a request by each id: a client may bring one that is there.
 */
function repaired(rows: MessageRow[]): MessageRow[] {
  const asked = new Set<string>();
  const out: MessageRow[] = [];
  for (const [at, row] of rows.entries()) {
    if (row.role === "tool") continue;
    const asks = row.tool_calls ?? [];
    const tool_calls = asks.filter(({ tool_call_id: id }) => !asked.has(id) && asked.add(id));
    if (asks.length === tool_calls.length) out.push(row);
    else if (row.content !== "" || tool_calls.length > 0) out.push({ ...row, tool_calls });
    for (const { tool_call_id } of tool_calls) {
      const content = JSON.stringify({ error: "This call was cancelled before it had a result" });
      out.push(answerTo(rows, tool_call_id, at) ?? { ...row, role: "tool", content, tool_call_id, tool_calls: null });
    }
  }
  return out;
}

/** The answer that comes next, or else the last one before. */
function answerTo(rows: MessageRow[], id: string, at: number): MessageRow | undefined {
  const answers = (row: MessageRow) => row.role === "tool" && row.tool_call_id === id;
  return rows.slice(at).find(answers) ?? rows.findLast(answers);
}

function systemMessage(agent: AgentConfig, facts: Record<string, unknown> | undefined, instructions = ""): string {
  const known = Object.entries(facts ?? {}).map(([name, value]) => `- ${name}: ${textOf(value)}`);
  const about = known.length === 0 ? "" : `What is known about the user:\n${known.join("\n")}`;
  return [agent.system_prompt, about, instructions].filter((part) => part !== "").join("\n\n");
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
