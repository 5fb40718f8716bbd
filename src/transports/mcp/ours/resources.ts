/**
 * Conversations and runs as resources, and those of the servers behind this one.
 *
 * @module
 */
import {
  type CompleteResult,
  type ListResourcesResult,
  type ListResourceTemplatesResult,
  type ReadResourceResult,
  ResourceNotFoundError,
} from "@modelcontextprotocol/server";
import { ConversationId } from "../../../domain/conversation.ts";
import { AppError } from "../../../domain/error.ts";
import { RunId } from "../../../domain/run.ts";
import { conversationGet, conversationList } from "../../../operations/conversations.ts";
import type { Gateway } from "../../../operations/gateway.ts";
import type { Visit } from "../../../operations/operation.ts";
import { resourceList } from "../../../operations/resources.ts";
import { runGet, runList, runSteps } from "../../../operations/runs.ts";
import { missingScope } from "./scopes.ts";
import type { UpstreamOffers } from "./upstream_offers.ts";

const JSON_TYPE = "application/json";
const PAGE = 50;
const MAX_VALUES = 100;
const ADDRESS = /^muxi:\/\/(conversations|runs)\/([^/?#]{1,100})$/;
const CONVERSATIONS = "conversations";
const RUNS = "runs";
const SERVERS = "servers";

const TEMPLATES = [
  {
    uriTemplate: "muxi://conversations/{conversation_id}",
    name: "conversation",
    title: "Conversation",
    description: "A conversation with its messages",
    mimeType: JSON_TYPE,
  },
  {
    uriTemplate: "muxi://runs/{run_id}",
    name: "run",
    title: "Run",
    description: "A run with its steps and tool calls",
    mimeType: JSON_TYPE,
  },
];

/** The run that an address stands for. */
export function runOf(uri: string): string | undefined {
  const [, kind, id] = ADDRESS.exec(uri) ?? [];
  return kind === RUNS && RunId.safeParse(id).success ? id : undefined;
}

function mayReadOthers({ principal }: Visit): boolean {
  return missingScope(resourceList, principal) === undefined;
}

/** See the module. */
export class Resources {
  #gateway: Gateway;

  #offers: UpstreamOffers;

  constructor(gateway: Gateway, offers: UpstreamOffers) {
    this.#gateway = gateway;
    this.#offers = offers;
  }

  /** Conversations, newest first, then runs, then what other servers let read. */
  async list(cursor: string | undefined, visit: Visit): Promise<ListResourcesResult> {
    const resources: ListResourcesResult["resources"] = [];
    let next = cursor;
    do {
      const page = await this.#page(next, visit);
      resources.push(...page.resources);
      next = page.nextCursor;
      // Many clients read the first page only: it is filled with what comes next.
    } while (next !== undefined && resources.length < PAGE);
    return { resources, ...next !== undefined && { nextCursor: next } };
  }

  /** How other addresses are made. */
  async templates(visit: Visit): Promise<ListResourceTemplatesResult> {
    return { resourceTemplates: [...TEMPLATES, ...await this.#offers.templates(visit)] };
  }

  /** The contents of an address. */
  async read(uri: string, visit: Visit): Promise<ReadResourceResult> {
    const read = await this.#offers.read(uri, visit);
    if (read) return read;
    return { contents: [{ uri, mimeType: JSON_TYPE, text: JSON.stringify(await this.#value(uri, visit)) }] };
  }

  /** Values for what stands in braces in a template. */
  async complete(name: string, begin: string, visit: Visit): Promise<CompleteResult> {
    const page = { limit: MAX_VALUES };
    const { data }: { data: { id: string }[] } = name === "conversation_id"
      ? await this.#gateway.call(conversationList, () => page, visit)
      : name === "run_id"
      ? await this.#gateway.call(runList, () => page, visit)
      : { data: [] };
    const ids = data.map(({ id }) => id);
    const values = ids.filter((id) => id.startsWith(begin));
    return { completion: { values, hasMore: ids.length === MAX_VALUES } };
  }

  /** A page of one kind. */
  async #page(cursor: string | undefined, visit: Visit): Promise<ListResourcesResult> {
    const [, kind, at] = /^(\w+):(.*)$/.exec(cursor ?? `${CONVERSATIONS}:`) ?? [];
    const page = { limit: PAGE, ...at !== undefined && at !== "" && { cursor: at } };
    if (kind === CONVERSATIONS) {
      const { data, next_cursor } = await this.#gateway.call(conversationList, () => page, visit);
      const resources = data.map(({ id, title, updated_at }) => ({
        uri: `muxi://conversations/${id}`,
        name: id,
        title: title ?? `Conversation of ${updated_at}`,
        mimeType: JSON_TYPE,
        annotations: { lastModified: updated_at },
      }));
      return { resources, nextCursor: next_cursor === null ? `${RUNS}:` : `${CONVERSATIONS}:${next_cursor}` };
    }
    if (kind === SERVERS) {
      const { resources, nextCursor } = await this.#offers.resources(at || undefined, visit);
      return { resources, ...nextCursor !== undefined && { nextCursor: `${SERVERS}:${nextCursor}` } };
    }
    if (kind !== RUNS) throw new AppError("ValidationError", "Cannot list resources: the cursor is not from here");
    const { data, next_cursor } = await this.#gateway.call(runList, () => page, visit);
    const resources = data.map(({ id, agent_id, status, created_at, ended_at }) => ({
      uri: `muxi://runs/${id}`,
      name: id,
      title: `Run of ${agent_id}, ${status}`,
      mimeType: JSON_TYPE,
      annotations: { lastModified: ended_at ?? created_at },
    }));
    if (next_cursor !== null) return { resources, nextCursor: `${RUNS}:${next_cursor}` };
    return { resources, ...mayReadOthers(visit) && { nextCursor: `${SERVERS}:` } };
  }

  async #value(uri: string, visit: Visit): Promise<unknown> {
    const [, kind, id = ""] = ADDRESS.exec(uri) ?? [];
    try {
      if (kind === CONVERSATIONS && ConversationId.safeParse(id).success) {
        return await this.#gateway.call(conversationGet, () => ({ conversation_id: id }), visit);
      }
      const run_id = runOf(uri);
      if (run_id !== undefined) {
        const run = await this.#gateway.call(runGet, () => ({ run_id }), visit);
        const { data: steps } = await this.#gateway.call(runSteps, () => ({ run_id }), visit);
        return { ...run, steps };
      }
    } catch (thrown) {
      if (AppError.from(thrown).status !== 404) throw thrown;
    }
    throw new ResourceNotFoundError(uri);
  }
}
