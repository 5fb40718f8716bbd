/**
 * The door for programs that know OpenAPI and no MCP: every tool is a path, its arguments are the body.
 *
 * @module
 */
import type { Hono } from "@hono/hono";
import { AppError } from "../../domain/error.ts";
import type { Tool, ToolContent, ToolResult } from "../../domain/tool.ts";
import type { Gateway } from "../../operations/gateway.ts";
import { toolCall, toolList } from "../../operations/tools.ts";
import { type HttpContext, type HttpEnv, noting, visitOf } from "../request.ts";
import { toToolsDocument } from "./document.ts";

const PAGE = 100;

/** What this door needs. */
export interface ToolsDoorDeps {
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

async function describe(c: HttpContext, gateway: Gateway, { base_path, version }: ToolsDoorDeps): Promise<Response> {
  const server = c.req.param("server");
  const visit = await visitOf(c, gateway, toolList, c.req.raw.signal);
  const tools: Tool[] = [];
  let cursor: string | undefined;
  do {
    const input = { limit: PAGE, ...server !== undefined && { server }, ...cursor !== undefined && { cursor } };
    const page = await gateway.call(toolList, () => input, visit, noting(c));
    tools.push(...page.data);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  if (server !== undefined && tools.length === 0) {
    throw new AppError("NotFoundError", `Cannot describe the tools of server "${server}": there are none`);
  }
  const url = `${base_path}/tools${server === undefined ? "" : `/${server}`}`;
  return Response.json(toToolsDocument(tools, { url, title: server ?? "MUXI's tools", version }));
}

async function call(c: HttpContext, gateway: Gateway, { readJson }: ToolsDoorDeps): Promise<Response> {
  const tool_name = c.req.param("tool");
  const visit = await visitOf(c, gateway, toolCall, c.req.raw.signal);
  const read = async () => ({ tool_name, arguments: await readJson(c.req.raw) ?? {} });
  const { result } = await gateway.call(toolCall, read, visit, noting(c));
  return toResponse(result);
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
