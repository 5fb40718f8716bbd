/**
 * The Model Context Protocol for those who speak only HTTP.
 *
 * @module
 */
import { z } from "zod";
import { UserId } from "../domain/conversation.ts";
import { type Bound, call, type Context, onCall } from "./operation.ts";

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
    user_id: UserId.optional(),
  }),
  output: z.record(z.string(), z.unknown()),
  errors: ["NotFoundError", "ConflictError", "TimeoutError", "UpstreamError", "UnavailableError"],
  http: "POST /mcp/request",
  limit: "read",
});

/** Every operation of this file. */
export const mcpOperations = [mcpTools, mcpRequest] as const;

/** Binds this file's operations. */
export function bindMcp({ bridge }: { bridge: McpBridge }): Bound[] {
  return [
    onCall(mcpTools, async ({ cursor }, ctx) => {
      const { tools, next_cursor } = await bridge.listTools(ctx, cursor);
      return { tools: tools as Record<string, unknown>[], next_cursor };
    }),
    onCall(mcpRequest, ({ method, params }, ctx) => bridge.request(ctx, method, params)),
  ];
}
