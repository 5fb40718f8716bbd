/**
 * The Model Context Protocol for those who speak only HTTP.
 *
 * @module
 */
import { z } from "zod";
import { UserId } from "../domain/conversation.ts";
import { type Bound, type ByHand, call, type Context, onCall } from "./operation.ts";

/** Answers what an MCP client would ask; the door that speaks the protocol does it. */
export interface McpBridge {
  listTools(ctx: Context, cursor: string | undefined): Promise<{ tools: unknown[]; next_cursor: string | null }>;
  /** Resolves with the result; rejects with what the protocol would call an error. */
  request(ctx: Context, method: string, params: Record<string, unknown>): Promise<Record<string, unknown>>;
}

/** Lists tools. */
export const mcpTools = call({
  id: "mcp_tools",
  summary: "List what MCP clients are offered as tools, as they see it",
  access: "user",
  input: z.strictObject({
    cursor: z.string().max(300).optional().describe("`next_cursor` of the page before"),
    user_id: UserId.optional(),
  }),
  output: z.object({ tools: z.array(z.record(z.string(), z.unknown())), next_cursor: z.string().nullable() }),
  errors: [],
  http: "GET /mcp/tools",
  limit: "read",
});

/** Sends a request. */
export const mcpRequest = call({
  id: "mcp_request",
  summary: "Send one request of the Model Context Protocol and get its result",
  access: "user",
  input: z.strictObject({
    method: z.string().min(1).max(100).describe("Such as tools/call"),
    params: z.record(z.string(), z.unknown()).default({}).describe("As the protocol has them, without _meta"),
    jsonrpc: z.literal("2.0").optional().describe("With it, or an id, the answer is { jsonrpc, id, result }"),
    id: z.union([z.string().max(200), z.number().int()]).optional(),
    user_id: UserId.optional(),
  }),
  output: z.record(z.string(), z.unknown()),
  errors: ["NotFoundError", "ConflictError", "TimeoutError", "UpstreamError", "UnavailableError"],
  http: "POST /mcp/request",
  limit: "read",
});

/** Every operation of this file. */
export const mcpOperations = [mcpTools, mcpRequest] as const;

const Message = z.looseObject({ jsonrpc: z.literal("2.0") }).describe("A message of JSON-RPC");
const McpError = z.object({
  jsonrpc: z.literal("2.0"),
  id: z.null(),
  error: z.object({ code: z.int(), message: z.string(), data: z.object({ error: z.string() }) }),
}).meta({ id: "McpError", description: "An error of the server, as the Model Context Protocol has it" });
const shared = { uses: mcpRequest, error: McpError };

/** Opens a stream of the protocol's oldest transport. */
export const mcpStream: ByHand = {
  ...shared,
  id: "mcp_stream",
  summary: "Connect an MCP client by HTTP with SSE, the transport of 2024-11-05",
  query: z.strictObject({ user_id: UserId.optional() }),
  answer: {
    status: 200,
    text: "Events until the client leaves. The first says where to send messages",
    items: { endpoint: z.string().describe("The path of mcp_message, for this stream"), message: Message },
  },
  errors: ["UnavailableError"],
  http: "GET /mcp/stream",
};

/** Takes a message for such a stream. */
export const mcpMessage: ByHand = {
  ...shared,
  id: "mcp_message",
  summary: "Send a message of an MCP client whose answers come in its stream",
  query: z.strictObject({
    session_id: z.string().describe("The stream's, as its first event has it"),
    user_id: UserId.optional(),
  }),
  body: Message,
  answer: { status: 202, text: "Accepted: what there is to answer comes in the stream" },
  errors: ["NotFoundError"],
  http: "POST /mcp/message",
};

/** Every route of the protocol's door that has a name. */
export const mcpByHand = [mcpStream, mcpMessage] as const;

/** Binds this file's operations. */
export function bindMcp({ bridge }: { bridge: McpBridge }): Bound[] {
  return [
    onCall(mcpTools, async ({ cursor }, ctx) => {
      const { tools, next_cursor } = await bridge.listTools(ctx, cursor);
      return { tools: tools as Record<string, unknown>[], next_cursor };
    }),
    onCall(mcpRequest, async ({ method, params, jsonrpc, id }, ctx) => {
      const result = await bridge.request(ctx, method, params);
      return jsonrpc === undefined && id === undefined ? result : { jsonrpc: "2.0", id: id ?? null, result };
    }),
  ];
}
