/**
 * Tools of all servers, to look at and to call directly.
 *
 * @module
 */
import { z } from "zod";
import type { Agents } from "../core/agents/agents.ts";
import type { Catalog } from "../core/tools/catalog.ts";
import type { DirectCalls, ReadyCall } from "../core/tools/direct_calls.ts";
import type { DirectQuestions } from "../core/tools/direct_questions.ts";
import { ownerOf } from "../domain/access.ts";
import { AgentId } from "../domain/agent.ts";
import { UserId } from "../domain/conversation.ts";
import { CAN_ANSWER, DirectQuestion, DirectReply } from "../domain/direct_question.ts";
import { McpServerName, McpServerTrouble } from "../domain/mcp_server.ts";
import { PageInput, pageOf } from "../domain/page.ts";
import { Tool, ToolResult } from "../domain/tool.ts";
import { type Bound, call, type Item, onCall, onStream, stream } from "./operation.ts";

const ToolName = z.string().regex(/^[\w-]{1,64}$/).describe("The tool's name: server__tool");
const Arguments = z.record(z.string(), z.unknown()).default({});
const ToolAnswer = z.object({
  tool_call_id: z.string(),
  result: ToolResult,
  duration_ms: z.number(),
}).meta({ id: "ToolAnswer" });
const CALL_ERRORS = [
  "NotFoundError",
  "TimeoutError",
  "TooManyRequestsError",
  "UpstreamError",
  "UnavailableError",
] as const;

/** Lists tools. */
export const toolList = call({
  id: "tool_list",
  summary: "List the tools of all servers, of one, or of an agent, and the servers that are not ready",
  access: "user",
  input: z.strictObject({
    ...PageInput,
    order: PageInput.order.unwrap().default("asc").describe("By name"),
    server: McpServerName.optional(),
    agent_id: AgentId.optional().describe("Only what this agent may use"),
  }),
  output: pageOf(Tool).extend({ servers: z.array(McpServerTrouble).describe("Whose tools may be missing") }),
  errors: ["AgentNotFoundError"],
  http: "GET /tools",
  mcp: { read_only: true },
  limit: "read",
});

const Change = z.object({ server: z.string().nullable() });

/** Follows what comes and goes. */
export const catalogWatch = stream({
  id: "catalog_watch",
  summary: "Follow tools, resources and prompts that come, go or change; without streaming: the next change",
  access: "user",
  input: z.strictObject({ follow: z.boolean().default(true).describe("False: wait for nothing") }),
  items: { "tools.changed": Change, "resources.changed": Change, "prompts.changed": Change },
  output: z.object({
    data: z.array(z.object({ kind: z.enum(["tools", "resources", "prompts"]), server: z.string().nullable() })),
  }),
  errors: [],
  http: "GET /tools/events",
  limit: "read",
});

/** Shows a tool. */
export const toolGet = call({
  id: "tool_get",
  summary: "Get a tool with the schemas of its arguments and of its answer",
  access: "user",
  input: z.strictObject({ tool_name: ToolName }),
  output: Tool,
  errors: ["NotFoundError", "UpstreamError"],
  http: "GET /tools/{tool_name}",
  mcp: { read_only: true },
  limit: "read",
});

/** Calls a tool, for testing. */
export const toolInvoke = call({
  id: "tool_invoke",
  summary: "Call a tool to test it, as an agent would or with all that policies leave to a person",
  access: "admin",
  input: z.strictObject({
    tool_name: ToolName,
    arguments: Arguments,
    agent_id: AgentId.optional().describe("Held to what this agent may"),
    user_id: UserId.optional(),
  }),
  output: ToolAnswer,
  errors: ["AgentNotFoundError", ...CALL_ERRORS],
  http: "POST /tools/{tool_name}/invoke",
  limit: "admin",
});

/** Calls a tool. */
export const toolCall = stream({
  id: "tool_call",
  summary: "Call a tool; streamed, it tells how far it is, and who leaves cancels it",
  access: "user",
  scopes: ["tools"],
  input: z.strictObject({
    tool_name: ToolName,
    arguments: Arguments,
    user_id: UserId.optional(),
    approve: z.boolean().default(false).describe("Confirms, as an admin, a call that a policy leaves to a person"),
    can_answer: z.array(z.enum(CAN_ANSWER)).max(CAN_ANSWER.length).default([])
      .describe("What the caller can be asked in the middle, when it is streamed: see tool_call_answer"),
  }),
  items: {
    "tool.call.question": DirectQuestion,
    "tool.call.progress": z.object({
      tool_call_id: z.string(),
      progress: z.number(),
      total: z.number().optional(),
      message: z.string().optional(),
    }),
    "tool.call.result": ToolAnswer,
  },
  output: ToolAnswer,
  errors: CALL_ERRORS,
  http: "POST /tools/{tool_name}/call",
  limit: "tool",
});

/** Answers a question in a call. */
export const toolCallAnswer = call({
  id: "tool_call_answer",
  summary: "Answer a question that came in the stream of a tool's call",
  access: "user",
  scopes: ["tools"],
  input: z.strictObject({
    tool_call_id: z.string().max(100),
    question_id: z.string().max(100),
    ...DirectReply.shape,
    user_id: UserId.optional().describe("As in the call"),
  }),
  output: z.null(),
  status: 204,
  errors: ["NotFoundError"],
  http: "POST /tools/calls/{tool_call_id}/answer",
  limit: "write",
});

/** Every operation of this file. */
export const toolOperations = [toolList, catalogWatch, toolGet, toolInvoke, toolCall, toolCallAnswer] as const;

/** Binds this file's operations. */
export function bindTools(
  { catalog, direct, questions, agents, collectMs }: {
    catalog: Catalog;
    direct: DirectCalls;
    questions: DirectQuestions;
    agents: Agents;
    collectMs: () => number;
  },
): Bound[] {
  const agentOf = async (tenant_id: string, agent_id: string | undefined) =>
    agent_id === undefined ? undefined : (await agents.get(tenant_id, agent_id)).config;
  return [
    onCall(toolList, async ({ server, agent_id, ...page }, { principal: { tenant_id } }) => {
      return await catalog.list(page, { tenant_id, server, agent: await agentOf(tenant_id, agent_id) });
    }),
    onStream(catalogWatch, ({ follow }, { principal: { tenant_id }, signal }) => {
      const collected = new AbortController();
      const until = { signal: AbortSignal.any([signal, collected.signal]) };
      return Promise.resolve({
        items: follow ? toItems(catalog.watch(tenant_id, until)) : nothing(),
        async collect() {
          using stack = new DisposableStack();
          stack.defer(() => collected.abort());
          return { data: follow ? await catalog.next(tenant_id, { ms: collectMs(), signal }) : [] };
        },
      });
    }),
    onCall(toolGet, ({ tool_name }, { principal }) => catalog.get(principal.tenant_id, tool_name)),
    onCall(toolInvoke, async ({ tool_name: tool, arguments: args, agent_id }, { principal, signal }) => {
      const agent = await agentOf(principal.tenant_id, agent_id);
      // Whoever tests a tool consents to the call.
      const ready = await direct.prepare(principal, { tool, arguments: args, agent, approve: true });
      return await ready.make({ signal });
    }),
    onStream(toolCall, async ({ tool_name: tool, arguments: args, ...given }, { principal, signal }) => {
      const ready = await direct.prepare(principal, { tool, arguments: args, ...given });
      return { items: made(ready, signal), collect: () => ready.make({ signal }) };
    }),
    onCall(toolCallAnswer, ({ tool_call_id, question_id, action, content, said }, { principal }) => {
      const reply = { action, ...content && { content }, ...said && { said } };
      questions.answer(ownerOf(principal), { tool_call_id, question_id, reply });
      return Promise.resolve(null);
    }),
  ];
}

async function* toItems(changes: ReturnType<Catalog["watch"]>): AsyncGenerator<Item> {
  for await (const { kind, server } of changes) {
    yield { type: `${kind}.changed`, data: JSON.stringify({ server }) };
  }
}

async function* nothing(): AsyncGenerator<Item> {}

/** Makes a call and tells how far it is, of which a slow reader is told the latest only, and what is asked. */
async function* made(ready: ReadyCall, signal: AbortSignal): AsyncGenerator<Item> {
  const { tool_call_id } = ready;
  let wake = Promise.withResolvers<void>();
  let latest: Item | undefined;
  const questions: Item[] = [];
  let over = false;
  const answer = ready.make({
    signal,
    onProgress: (progress) => {
      latest = { type: "tool.call.progress", data: JSON.stringify({ tool_call_id, ...progress }) };
      wake.resolve();
    },
    onQuestion: (question) => {
      questions.push({ type: "tool.call.question", data: JSON.stringify(question) });
      wake.resolve();
    },
  }).finally(() => {
    over = true;
    wake.resolve();
  });
  // Who leaves between two items leaves nobody to hear of a failure.
  answer.catch(() => {});
  while (!over) {
    await wake.promise;
    wake = Promise.withResolvers<void>();
    // More may come while this one is read.
    const now = latest;
    latest = undefined;
    if (now && !over) yield now;
    while (questions.length > 0 && !over) yield questions.shift()!;
  }
  yield { type: "tool.call.result", data: JSON.stringify(await answer) };
}
