/**
 * Prompts of all servers: texts that people begin with.
 *
 * @module
 */
import { z } from "zod";
import type { Prompts } from "../core/tools/prompts.ts";
import { Proposals } from "../domain/proposals.ts";
import { UserId } from "../domain/conversation.ts";
import { McpServerName } from "../domain/mcp_server.ts";
import { PageInput, pageOf } from "../domain/page.ts";
import { FilledPrompt, Prompt } from "../domain/prompt.ts";
import { type Bound, call, onCall } from "./operation.ts";

const PromptName = z.string().regex(/^[\w-]{1,64}$/).describe("The prompt's name: server__prompt");
const shared = { access: "user", scopes: ["tools"] } as const;

/** Lists prompts. */
export const promptList = call({
  ...shared,
  id: "prompt_list",
  summary: "List the prompts that tool servers offer",
  input: z.strictObject({
    ...PageInput,
    order: PageInput.order.unwrap().default("asc").describe("By name"),
    server: McpServerName.optional(),
  }),
  output: pageOf(Prompt),
  errors: [],
  http: "GET /prompts",
  limit: "read",
});

/** Fills a prompt in. */
export const promptGet = call({
  ...shared,
  id: "prompt_get",
  summary: "Fill in a prompt of a tool server, as its policy's rules for `prompts/get` allow",
  input: z.strictObject({
    prompt_name: PromptName,
    arguments: z.record(z.string().max(200), z.string().max(100_000)).default({}),
    user_id: UserId.optional(),
  }),
  output: FilledPrompt,
  errors: ["NotFoundError", "TimeoutError", "UpstreamError"],
  http: "POST /prompts/{prompt_name}/get",
  limit: "tool",
});

/** Completes an argument of a prompt. */
export const promptComplete = call({
  ...shared,
  id: "prompt_complete",
  summary: "Propose values for an argument of a prompt, as its server does",
  input: z.strictObject({
    prompt_name: PromptName,
    argument: z.string().min(1).max(200).describe("The argument's name"),
    value: z.string().max(2000).default("").describe("How it begins"),
    arguments: z.record(z.string().max(200), z.string().max(2000)).default({}).describe("Those that are filled in"),
    user_id: UserId.optional(),
  }),
  output: Proposals,
  errors: ["NotFoundError", "TimeoutError", "UpstreamError"],
  http: "POST /prompts/{prompt_name}/complete",
  limit: "read",
});

/** Every operation of this file. */
export const promptOperations = [promptList, promptGet, promptComplete] as const;

/** Binds this file's operations. */
export function bindPrompts({ prompts }: { prompts: Prompts }): Bound[] {
  return [
    onCall(promptList, ({ server, ...page }, { principal }) => prompts.list(principal, page, { server })),
    onCall(promptGet, ({ prompt_name: name, arguments: args }, { principal, signal }) => {
      return prompts.get(principal, { name, arguments: args, signal });
    }),
    onCall(promptComplete, ({ prompt_name: name, user_id: _, ...typed }, { principal, signal }) => {
      return prompts.complete(principal, { name, ...typed, signal });
    }),
  ];
}
