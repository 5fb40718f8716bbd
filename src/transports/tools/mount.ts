/**
 * The door for programs that know OpenAPI and no MCP: every tool is a path, its arguments are the body.
 *
 * @module
 */
import type { Hono } from "@hono/hono";
import { AppError } from "../../domain/error.ts";
import type { McpServerTrouble } from "../../domain/mcp_server.ts";
import type { Tool, ToolContent, ToolResult } from "../../domain/tool.ts";
import type { Gateway } from "../../operations/gateway.ts";
import type { Operation, Visit } from "../../operations/operation.ts";
import { toolCall, toolList } from "../../operations/tools.ts";
import { type AssertedUserOptions, forAssertedUser } from "../asserted_user.ts";
import { type HttpContext, type HttpEnv, noting, visitOf } from "../request.ts";
import { toToolsDocument } from "./document.ts";

const PAGE = 100;

/** What this door needs. */
export interface ToolsDoorDeps extends AssertedUserOptions {
  /** Where the server stands below its host. */
  base_path: string;
  version: string;
  readJson(request: Request): Promise<unknown>;
}

/**
 * Adds `/tools/openapi.json`, `/tools/{server}/openapi.json` and the paths they name. Each uses access, limit and audit
 * of `tool_list` or `tool_call`.
 */
export function mountTools(app: Hono<HttpEnv>, gateway: Gateway, deps: ToolsDoorDeps): void {
  app.on("GET", ["/tools/openapi.json", "/tools/:server/openapi.json"], (c) => describe(c, gateway, deps));
  app.on("POST", ["/tools/:tool", "/tools/:server/:tool"], (c) => call(c, gateway, deps));
}

async function describe(c: HttpContext, gateway: Gateway, deps: ToolsDoorDeps): Promise<Response> {
  const { base_path, version } = deps;
  const server = c.req.param("server");
  const visit = await enter(c, gateway, { op: toolList, deps });
  const tools: Tool[] = [];
  let cursor: string | undefined;
  let trouble: McpServerTrouble | undefined;
  do {
    const input = { limit: PAGE, ...server !== undefined && { server }, ...cursor !== undefined && { cursor } };
    const page = await gateway.call(toolList, () => input, visit, noting(c));
    tools.push(...page.data);
    [trouble] = page.servers;
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  if (server !== undefined && tools.length === 0) {
    if (trouble) {
      const { state, reason } = trouble;
      const why = `it is not ready (${state})${reason === null ? "" : `: ${reason}`}`;
      throw new AppError("UpstreamError", `Cannot describe the tools of server "${server}": ${why}`);
    }
    throw new AppError("NotFoundError", `Cannot describe the tools of server "${server}": there are none`);
  }
  const url = `${base_path}/tools${server === undefined ? "" : `/${server}`}`;
  return Response.json(toToolsDocument(tools, { url, title: server ?? "MUXI's tools", version }));
}

async function call(c: HttpContext, gateway: Gateway, deps: ToolsDoorDeps): Promise<Response> {
  const tool_name = c.req.param("tool");
  const visit = await enter(c, gateway, { op: toolCall, deps });
  const read = async () => ({ tool_name, arguments: await deps.readJson(c.req.raw) ?? {} });
  const { result } = await gateway.call(toolCall, read, visit, noting(c));
  return toResponse(result);
}

/** Who comes, and for whom. */
async function enter(
  c: HttpContext,
  gateway: Gateway,
  { op, deps }: { op: Operation; deps: AssertedUserOptions },
): Promise<Visit> {
  const { headers, signal } = c.req.raw;
  return await forAssertedUser(await visitOf(c, gateway, op, signal), headers, deps);
}

function toResponse({ content, structured_content, is_error }: ToolResult): Response {
  if (is_error) {
    const texts = content.flatMap((part) => part.type === "text" ? [part.text] : []);
    throw new AppError("UpstreamError", texts.join("\n") || "The tool failed", {
      details: structured_content === undefined ? {} : { result: structured_content },
    });
  }
  if (structured_content !== undefined) return Response.json(structured_content);
  if (content.every((part) => part.type === "text")) {
    const text = content.map((part) => part.text).join("\n");
    return new Response(text, { headers: { "content-type": "text/plain; charset=utf-8" } });
  }
  return Response.json(content.map(toPart));
}

/** Pictures and sounds as the addresses that such programs show. */
function toPart(part: ToolContent): unknown {
  if (part.type === "image" || part.type === "audio") return `data:${part.media_type};base64,${part.data}`;
  return part.type === "text" ? part.text : part;
}
