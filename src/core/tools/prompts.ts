/**
 * The prompts of all servers.
 *
 * @module
 */
import type { Principal } from "../../domain/access.ts";
import type { Proposals, Typed } from "../../domain/proposals.ts";
import { AppError } from "../../domain/error.ts";
import { type Page, type PageRequest, toPage } from "../../domain/page.ts";
import type { FilledPrompt, Prompt } from "../../domain/prompt.ts";
import { toToolName } from "../../domain/tool.ts";
import type { OfferedPrompt } from "../../ports/mcp_client.ts";
import { withoutSecrets } from "./result.ts";
import type { ServerReads } from "./server_reads.ts";

const READING = "prompts/get";

/** What is kept of a prompt beside its messages' contents. */
interface Frame {
  description?: string | undefined;
  roles: FilledPrompt["messages"][number]["role"][];
}

/** Lists prompts and fills them in. */
export class Prompts {
  readonly #reads: ServerReads;

  constructor({ reads }: { reads: ServerReads }) {
    this.#reads = reads;
  }

  /** A page of them, by their names. */
  async list(
    principal: Principal,
    { limit, cursor, order }: PageRequest,
    { server }: { server?: string | undefined } = {},
  ): Promise<Page<Prompt>> {
    const sign = order === "asc" ? 1 : -1;
    const all = await this.#all(principal);
    const after = (name: string) => cursor === undefined || (name !== cursor && (name > cursor ? 1 : -1) === sign);
    const rows = all.filter((prompt) => (server === undefined || prompt.server === server) && after(prompt.name))
      .sort((a, b) => (a.name < b.name ? -1 : 1) * sign);
    return toPage(rows, limit, ({ name }) => name);
  }

  /** Fills one in. */
  async get(
    principal: Principal,
    { name, arguments: args, signal }: { name: string; arguments: Record<string, string>; signal: AbortSignal },
  ): Promise<FilledPrompt> {
    const prompt = await this.#find(principal, name);
    const missing = prompt.arguments.find(({ name, required }) => required && args[name] === undefined);
    if (missing) {
      throw new AppError("ValidationError", `Cannot fill in prompt "${name}": it needs the argument "${missing.name}"`);
    }
    const { content, structured_content } = await this.#reads.read(principal, {
      server: prompt.server,
      reading: READING,
      // A prompt may have an argument of this name, and the policy's word is about the prompt.
      arguments: { ...args, prompt: prompt.own_name },
      signal,
      async work(upstream, options) {
        const { messages, ...rest } = await upstream.prompt(prompt.own_name, args, options);
        const frame: Frame = { ...rest, roles: messages.map(({ role }) => role) };
        return { content: messages.map(({ content }) => content), structured_content: frame, is_error: false };
      },
    });
    const { roles, ...rest } = structured_content as Frame;
    return { ...rest, messages: content.map((content, i) => ({ role: roles[i]!, content })) };
  }

  /** Values for an argument of one. */
  async complete(
    principal: Principal,
    { name, signal, ...typed }: Typed & { name: string; signal: AbortSignal },
  ): Promise<Proposals> {
    const { server, own_name, arguments: known } = await this.#find(principal, name);
    if (!known.some((one) => one.name === typed.argument)) {
      throw new AppError("NotFoundError", `Cannot find the argument "${typed.argument}" of prompt "${name}"`);
    }
    return await this.#reads.complete(principal, {
      server,
      reading: READING,
      arguments: { ...typed.arguments, prompt: own_name },
      signal,
      typed: { of: { prompt: own_name }, ...typed },
    });
  }

  async #find(principal: Principal, name: string): Promise<Prompt> {
    const prompt = (await this.#all(principal)).find((one) => one.name === name);
    if (!prompt) throw new AppError("NotFoundError", `Cannot find prompt "${name}"`);
    return prompt;
  }

  async #all(principal: Principal): Promise<Prompt[]> {
    const servers = await this.#reads.serversFor(principal, READING);
    const all = servers.flatMap(({ definition: { name }, offers, secrets }) =>
      offers.prompts.map((prompt) => withoutSecrets(toPrompt(name, prompt), secrets))
    );
    // The first of two that are called the same is the one that is meant.
    return [...new Map(all.toReversed().map((prompt) => [prompt.name, prompt])).values()];
  }
}

function toPrompt(server: string, { name: own_name, ...rest }: OfferedPrompt): Prompt {
  return { name: toToolName(server, own_name), own_name, server, ...rest };
}
