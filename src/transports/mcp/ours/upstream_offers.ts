/**
 * Resources and prompts of the servers behind this one, for who has the scope.
 *
 * @module
 */
import {
  type CompleteRequest,
  type CompleteResult,
  type GetPromptResult,
  type ListPromptsResult,
  type ListResourcesResult,
  type ReadResourceResult,
  ResourceNotFoundError,
  type ResourceTemplateType,
} from "@modelcontextprotocol/server";
import type { Proposals } from "../../../domain/proposals.ts";
import { AppError } from "../../../domain/error.ts";
import type { Prompt } from "../../../domain/prompt.ts";
import { fromResourceAddress, type Resource, toResourceAddress } from "../../../domain/resource.ts";
import type { Gateway } from "../../../operations/gateway.ts";
import type { Visit } from "../../../operations/operation.ts";
import { promptComplete, promptGet, promptList } from "../../../operations/prompts.ts";
import { resourceComplete, resourceList, resourceRead } from "../../../operations/resources.ts";
import { toContent, toContents } from "./content.ts";
import { missingScope } from "./scopes.ts";

const PAGE = 100;
/** The most pages of templates, which clients get in one. */
const MAX_PAGES = 10;

/** See the module. */
export class UpstreamOffers {
  #gateway: Gateway;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  /** A page of resources; none where the scope is missing. */
  async resources(cursor: string | undefined, visit: Visit): Promise<ListResourcesResult> {
    if (missingScope(resourceList, visit.principal) !== undefined) return { resources: [] };
    const input = { limit: PAGE, template: false, ...cursor !== undefined && { cursor } };
    const { data, next_cursor } = await this.#gateway.call(resourceList, () => input, visit);
    const resources = data.map((resource) => ({
      ...describe(resource),
      uri: toResourceAddress(resource.server, resource.uri),
      ...resource.size !== undefined && { size: resource.size },
    }));
    return { resources, ...next_cursor !== null && { nextCursor: next_cursor } };
  }

  /** All templates. */
  async templates(visit: Visit): Promise<ResourceTemplateType[]> {
    if (missingScope(resourceList, visit.principal) !== undefined) return [];
    const templates: ResourceTemplateType[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const input = { limit: PAGE, template: true, ...cursor !== undefined && { cursor } };
      const { data, next_cursor } = await this.#gateway.call(resourceList, () => input, visit);
      templates.push(...data.map((resource) => ({
        ...describe(resource),
        uriTemplate: toResourceAddress(resource.server, resource.uri),
      })));
      if (next_cursor === null) break;
      cursor = next_cursor;
    }
    return templates;
  }

  /** The contents of a resource; undefined where `address` is none of another server's. */
  async read(address: string, visit: Visit): Promise<ReadResourceResult | undefined> {
    const target = fromResourceAddress(address);
    if (target === undefined) return undefined;
    try {
      const { server, uri, contents } = await this.#gateway.call(resourceRead, () => target, visit);
      return { contents: toContents(server, uri, contents) };
    } catch (thrown) {
      const { status } = AppError.from(thrown);
      if (status !== 404 && status !== 400) throw thrown;
      throw new ResourceNotFoundError(address);
    }
  }

  /** A page of prompts. */
  async prompts(cursor: string | undefined, visit: Visit): Promise<ListPromptsResult> {
    if (missingScope(promptList, visit.principal) !== undefined) return { prompts: [] };
    const input = { limit: PAGE, ...cursor !== undefined && { cursor } };
    const { data, next_cursor } = await this.#gateway.call(promptList, () => input, visit);
    return { prompts: data.map(toPrompt), ...next_cursor !== null && { nextCursor: next_cursor } };
  }

  /** A prompt that is filled in; undefined where the scope is missing: then there are none. */
  async prompt(name: string, args: Record<string, string>, visit: Visit): Promise<GetPromptResult | undefined> {
    if (missingScope(promptGet, visit.principal) !== undefined) return undefined;
    const input = { prompt_name: name, arguments: args };
    const { description, messages } = await this.#gateway.call(promptGet, () => input, visit);
    const server = serverOf(name);
    return {
      ...description !== undefined && { description },
      messages: messages.map(({ role, content }) => ({ role, content: toContent(server, content) })),
    };
  }

  /** Values for an argument of a prompt, or of a template; undefined where the scope is missing. */
  async complete(
    { ref, argument, context }: CompleteRequest["params"],
    visit: Visit,
  ): Promise<CompleteResult | undefined> {
    const typed = { argument: argument.name, value: argument.value, arguments: context?.arguments ?? {} };
    if (ref.type === "ref/prompt") {
      if (missingScope(promptComplete, visit.principal) !== undefined) return undefined;
      return toCompleteResult(
        await this.#gateway.call(promptComplete, () => ({ prompt_name: ref.name, ...typed }), visit),
      );
    }
    const target = fromResourceAddress(ref.uri);
    if (target === undefined || missingScope(resourceComplete, visit.principal) !== undefined) return undefined;
    return toCompleteResult(await this.#gateway.call(resourceComplete, () => ({ ...target, ...typed }), visit));
  }
}

/** Proposed values in the protocol's own shape. */
export function toCompleteResult({ values, total, has_more }: Proposals): CompleteResult {
  return { completion: { values, hasMore: has_more, ...total !== undefined && { total } } };
}

/** The server in a name of the kind `server__tool`. */
export function serverOf(name: string): string {
  return name.slice(0, name.indexOf("__"));
}

function describe({ name, title, description, media_type }: Resource) {
  return {
    name,
    ...title !== undefined && { title },
    ...description !== undefined && { description },
    ...media_type !== undefined && { mimeType: media_type },
  };
}

function toPrompt({ name, title, description, arguments: args }: Prompt): ListPromptsResult["prompts"][number] {
  return {
    name,
    ...title !== undefined && { title },
    ...description !== undefined && { description },
    arguments: args.map(({ name, description, required }) => ({
      name,
      required,
      ...description !== undefined && { description },
    })),
  };
}
