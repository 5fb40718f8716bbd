/**
 * Where a run takes place: which conversation, and which messages it brings.
 *
 * @module
 */
import { ownerOf, type Principal, visibleTo } from "../../domain/access.ts";
import { ConversationId } from "../../domain/conversation.ts";
import { AppError } from "../../domain/error.ts";
import type { Attachment, InlineFile } from "../../domain/message.ts";
import type { ConversationRow, FileRow, MessageRow, RunRow } from "../../domain/table.ts";
import { createId } from "../../kit/id.ts";
import type { Precondition, Store, Write } from "../../ports/store.ts";
import type { Conversations, NewMessage } from "../conversations/conversations.ts";
import type { Files } from "../files/files.ts";

/** How many messages a copy of a conversation takes along: as many as a model reads. */
const MAX_COPIED = 200;

/** Where a run may be asked to take place. */
export interface PlaceRequest {
  /** A conversation that is there. */
  conversation_id?: string | undefined;
  /** The caller's own name of a conversation, or its id. One that isn't there by that name is made. */
  conversation?: string | undefined;
  /** The run behind which it goes on. */
  after_run_id?: string | undefined;
  /** Absent: answers what is stored and unanswered. */
  messages?: BroughtMessage[] | undefined;
  /** Whether a new conversation is for this answer only. */
  ephemeral?: boolean | undefined;
}

/** A message as it is brought: a file may be inside. */
export interface BroughtMessage extends Omit<NewMessage, "attachments"> {
  attachments?: (Attachment | InlineFile)[] | undefined;
}

/** A message whose files have been put away. */
interface Unpacked {
  given: NewMessage;
  /** All of its attachments, in their order. */
  attachments: Attachment[];
}

/** What a caller brings, its files put away. They have no rows yet. */
export interface Luggage {
  messages: Unpacked[];
  files: FileRow[];
}

/** The place of a run, not yet stored. */
export interface Place {
  conversation: ConversationRow;
  isNew: boolean;
  messages: MessageRow[];
  files: FileRow[];
  /** Messages of the conversation that a new one is a copy of. */
  copied: MessageRow[];
}

/** What a {@linkcode Placement} needs. */
export interface PlacementDeps {
  store: Store;
  conversations: Conversations;
  files: Files;
}

/** Finds places for runs. */
export class Placement {
  #deps: PlacementDeps;

  constructor(deps: PlacementDeps) {
    this.#deps = deps;
  }

  /** Puts the files inside `messages` away. Should they never get a row, retention removes them. */
  async unpack(principal: Principal, messages: readonly BroughtMessage[] = []): Promise<Luggage> {
    const files: FileRow[] = [];
    const unpacked: Unpacked[] = [];
    for (const { attachments = [], ...message } of messages) {
      const all: Attachment[] = [];
      const known: Attachment[] = [];
      for (const attachment of attachments) {
        if (!("data" in attachment)) {
          known.push(attachment);
          all.push(attachment);
          continue;
        }
        const row = await this.#deps.files.hold(principal, attachment, [Uint8Array.fromBase64(attachment.data)]);
        files.push(row);
        all.push({ file_id: row.id });
      }
      unpacked.push({ given: { ...message, attachments: known }, attachments: all });
    }
    return { messages: unpacked, files };
  }

  /** The place that `request` asks for. */
  async find(principal: Principal, request: PlaceRequest, { messages, files }: Luggage): Promise<Place> {
    const { conversation, isNew, copied } = await this.#conversation(principal, request);
    const pinned = request.conversation !== undefined && !isNew;
    const counting = pinned ? newest(messages) : messages;
    const { tenant_id, key_id, user_id, id: conversation_id } = conversation;
    const rows: MessageRow[] = [];
    for (const { given, attachments } of counting) {
      rows.push({ ...await this.#deps.conversations.toMessageRow(principal, conversation, given), attachments });
    }
    const named = new Set(counting.flatMap(({ attachments }) => attachments.map(fileIdOf)));
    return {
      conversation,
      isNew,
      copied,
      messages: rows,
      files: files.filter(({ id }) => named.has(id))
        .map((file) => ({ ...file, tenant_id, key_id, user_id, conversation_id })),
    };
  }

  async #conversation(
    principal: Principal,
    { conversation_id, conversation, after_run_id, ephemeral }: PlaceRequest,
  ): Promise<Pick<Place, "conversation" | "isNew" | "copied">> {
    const { conversations } = this.#deps;
    const made = (external_id: string | null = null) => ({
      conversation: { ...conversations.toRow(principal, {}), external_id, ephemeral: ephemeral ?? false },
      isNew: true,
      copied: [],
    });
    const kept = (row: ConversationRow) => ({ conversation: row, isNew: false, copied: [] });
    if (conversation_id !== undefined) return kept(await conversations.get(principal, conversation_id));
    if (after_run_id !== undefined) return await this.#behind(principal, after_run_id, made);
    if (conversation === undefined) return made();
    if (ConversationId.safeParse(conversation).success) return kept(await conversations.get(principal, conversation));
    const [known] = await this.#deps.store.read({
      from: "conversations",
      where: { ...ownerOf(principal), external_id: conversation },
      limit: 1,
    });
    return known ? kept(known) : made(conversation);
  }

  /** Where a run goes on behind `run_id`: in its conversation while nothing came after it, otherwise in a copy. */
  async #behind(
    principal: Principal,
    run_id: string,
    made: () => Pick<Place, "conversation" | "isNew" | "copied">,
  ): Promise<Pick<Place, "conversation" | "isNew" | "copied">> {
    const { store, conversations } = this.#deps;
    const [run] = await store.read({ from: "runs", where: { id: run_id, ...visibleTo(principal) }, limit: 1 });
    if (!run) throw new AppError("RunNotFoundError", `Cannot go on behind run "${run_id}": it can't be found`);
    const conversation = await conversations.get(principal, run.conversation_id);
    if (conversation.turns === run.turn) return { conversation, isNew: false, copied: [] };
    const copy = made();
    const messages = await store.read({
      from: "messages",
      where: { conversation_id: conversation.id, turn: { lte: run.turn } },
      order: [["turn", "desc"], ["id", "desc"]],
      limit: MAX_COPIED,
    });
    copy.conversation.turns = run.turn;
    const { tenant_id, key_id, user_id, id: conversation_id } = copy.conversation;
    // Messages are read by their turns, then by the age of their ids.
    const copied = messages.reverse()
      .map((row) => ({ ...row, tenant_id, key_id, user_id, conversation_id, id: createId("msg") }));
    return { ...copy, copied };
  }
}

/** What must hold when `place` is stored: nobody else made a conversation of that name meanwhile. */
export function preconditionsOf({ conversation, isNew }: Place): Precondition[] {
  const { tenant_id, key_id, user_id, external_id } = conversation;
  if (!isNew || external_id === null) return [];
  return [{ from: "conversations", where: { tenant_id, key_id, user_id, external_id }, exists: false }];
}

/** The rows of `place`, with `run` as the one that takes its messages. */
export function writesOf({ conversation, isNew, messages, files, copied }: Place, run: RunRow): Write[] {
  const { turn, id: run_id, created_at: updated_at } = run;
  const writes: Write[] = isNew ? [{ insert: "conversations", rows: [{ ...conversation, turns: turn }] }] : [
    { update: "conversations", where: { id: conversation.id }, set: { turns: turn, updated_at } },
    { update: "messages", where: { conversation_id: conversation.id, turn: null }, set: { turn, run_id } },
  ];
  if (files.length > 0) writes.push({ insert: "files", rows: files });
  const all = [...copied, ...messages.map((message) => ({ ...message, turn, run_id }))];
  if (all.length > 0) writes.push({ insert: "messages", rows: all });
  return writes;
}

/** In a conversation that is there only what follows its last answer counts. */
function newest(messages: Unpacked[]): Unpacked[] {
  return messages.slice(messages.findLastIndex(({ given }) => given.role === "assistant") + 1);
}

function fileIdOf(attachment: Attachment): string {
  return "file_id" in attachment ? attachment.file_id : "";
}
