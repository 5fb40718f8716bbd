/**
 * Conversations and their messages.
 *
 * @module
 */
import { listableBy, ownerOf, type Principal, visibleTo } from "../../domain/access.ts";
import { AppError, CommitRefused } from "../../domain/error.ts";
import type { Attachment, Message, ToolRequest } from "../../domain/message.ts";
import { type Page, type PageRequest, toPage } from "../../domain/page.ts";
import type { ConversationRow, MessageRow } from "../../domain/table.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import { createId } from "../../kit/id.ts";
import type { Store, Write } from "../../ports/store.ts";
import type { Files } from "../files/files.ts";
import { claim } from "../journal/idempotency.ts";

/** What a new conversation may be given. */
export interface NewConversation {
  agent_id?: string | undefined;
  title?: string | undefined;
  metadata?: Record<string, unknown> | undefined;
}

/** What a new message holds. */
export interface NewMessage {
  role: Message["role"];
  content: string;
  attachments?: Attachment[] | undefined;
  tool_calls?: ToolRequest[] | undefined;
  tool_call_id?: string | undefined;
  metadata?: Record<string, unknown> | undefined;
}

/** Doing it once. */
export interface Once {
  operation: string;
  key: string | undefined;
}

/** What {@linkcode Conversations} needs. */
export interface ConversationsDeps {
  store: Store;
  clock: Clock;
  files: Files;
}

/** Creates, finds and deletes conversations; stores messages. */
export class Conversations {
  #deps: ConversationsDeps;

  constructor(deps: ConversationsDeps) {
    this.#deps = deps;
  }

  /** A row for a new conversation, not yet stored. */
  toRow(principal: Principal, given: NewConversation): ConversationRow {
    const now = toTime(this.#deps.clock.now());
    return {
      ...ownerOf(principal),
      id: createId("conv"),
      agent_id: given.agent_id ?? null,
      title: given.title ?? null,
      external_id: null,
      metadata: given.metadata ?? {},
      turns: 0,
      ephemeral: false,
      created_at: now,
      updated_at: now,
    };
  }

  /** A row for a new message, not yet stored. Rejects when an attachment can't be seen. */
  async toMessageRow(principal: Principal, conversation: ConversationRow, given: NewMessage): Promise<MessageRow> {
    for (const attachment of given.attachments ?? []) {
      if ("file_id" in attachment) await this.#deps.files.get(principal, attachment.file_id);
    }
    const { tenant_id, key_id, user_id } = conversation;
    return {
      tenant_id,
      key_id,
      user_id,
      id: createId("msg"),
      conversation_id: conversation.id,
      run_id: null,
      turn: null,
      role: given.role,
      content: given.content,
      attachments: given.attachments ?? [],
      tool_calls: given.tool_calls ?? null,
      tool_call_id: given.tool_call_id ?? null,
      citations: null,
      metadata: given.metadata ?? {},
      created_at: toTime(this.#deps.clock.now()),
    };
  }

  /** Makes a conversation. */
  async create(principal: Principal, given: NewConversation, once: Once): Promise<ConversationRow> {
    const row = this.toRow(principal, given);
    const resource = await this.#once(principal, once, given, row.id, [{ insert: "conversations", rows: [row] }]);
    return resource === row.id ? row : this.get(principal, resource);
  }

  /** The conversation `id`, if `principal` may see it. */
  async get(principal: Principal, id: string): Promise<ConversationRow> {
    const [row] = await this.#deps.store.read({
      from: "conversations",
      where: { id, ...visibleTo(principal) },
      limit: 1,
    });
    if (!row) throw new AppError("ConversationNotFoundError", `Cannot find conversation "${id}"`);
    return row;
  }

  /** A page of conversations, newest first unless asked otherwise. */
  async list(
    principal: Principal,
    { limit, cursor, order }: PageRequest,
    agent_id?: string,
  ): Promise<Page<ConversationRow>> {
    const rows = await this.#deps.store.read({
      from: "conversations",
      where: {
        ...listableBy(principal),
        ephemeral: false,
        ...agent_id !== undefined && { agent_id },
        ...cursor !== undefined && { id: order === "asc" ? { gt: cursor } : { lt: cursor } },
      },
      order: [["id", order]],
      limit: limit + 1,
    });
    return toPage(rows, limit, (row) => row.id);
  }

  /** Changes title or metadata. */
  async update(
    principal: Principal,
    id: string,
    change: { title?: string | null | undefined; metadata?: Record<string, unknown> | undefined },
  ): Promise<ConversationRow> {
    const row = await this.get(principal, id);
    const set = {
      ...change.title !== undefined && { title: change.title },
      ...change.metadata !== undefined && { metadata: change.metadata },
      updated_at: toTime(this.#deps.clock.now()),
    };
    await this.#deps.store.commit({ writes: [{ update: "conversations", where: { id }, set }] });
    return { ...row, ...set };
  }

  /** Stores a message and starts nothing. */
  async addMessage(principal: Principal, conversation_id: string, given: NewMessage, once: Once): Promise<MessageRow> {
    const conversation = await this.get(principal, conversation_id);
    const row = await this.toMessageRow(principal, conversation, given);
    const writes: Write[] = [
      { insert: "messages", rows: [row] },
      { update: "conversations", where: { id: conversation_id }, set: { updated_at: row.created_at } },
    ];
    const resource = await this.#once(principal, once, { conversation_id, ...given }, row.id, writes);
    if (resource === row.id) return row;
    const [made] = await this.#deps.store.read({ from: "messages", where: { id: resource }, limit: 1 });
    if (!made) throw new AppError("GoneError", `Cannot answer again: message "${resource}" was deleted`);
    return made;
  }

  /** A page of messages in the order they were said; those no run has taken yet come by their age, too. */
  async messages(
    principal: Principal,
    id: string,
    { limit, cursor, order }: PageRequest,
    run_id?: string,
  ): Promise<Page<MessageRow>> {
    await this.get(principal, id);
    const rows = await this.#deps.store.read({
      from: "messages",
      where: {
        conversation_id: id,
        ...run_id !== undefined && { run_id },
        ...cursor !== undefined && { id: order === "asc" ? { gt: cursor } : { lt: cursor } },
      },
      order: [["id", order]],
      limit: limit + 1,
    });
    return toPage(rows, limit, (row) => row.id);
  }

  /** Runs `writes` once for a caller's key. Returns the id of what exists now. */
  async #once(
    principal: Principal,
    { operation, key }: Once,
    body: unknown,
    id: string,
    writes: Write[],
  ): Promise<string> {
    const { store, clock } = this.#deps;
    if (key === undefined) {
      await store.commit({ writes });
      return id;
    }
    for (let attempt = 0;; attempt++) {
      const claimed = await claim({ store, clock }, { principal, operation, key, body });
      if (claimed.resource !== undefined) return claimed.resource;
      try {
        await store.commit({ writes: [...writes, claimed.toWrite(id)] });
        return id;
      } catch (error) {
        if (!(error instanceof CommitRefused) || attempt > 0) throw error;
      }
    }
  }
}
