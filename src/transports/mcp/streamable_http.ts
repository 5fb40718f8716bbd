/**
 * Streamable HTTP: every era on one address.
 *
 * @module
 */
import { classifyInboundRequest, isJsonContentType } from "@modelcontextprotocol/server";
import { AppError } from "../../domain/error.ts";
import type { Gateway } from "../../operations/gateway.ts";
import type { Visit } from "../../operations/operation.ts";
import type { HttpContext } from "../request.ts";
import { admit, letIn, refuse } from "./admission.ts";
import type { McpDeps } from "./door.ts";
import { MAX_BATCH } from "./batches.ts";
import { Legacy } from "./legacy.ts";
import { Modern } from "./modern.ts";
import { readPlainCall } from "./plain_call.ts";
import { toErrorResponse } from "./plain_error.ts";

const PARSE_ERROR = -32700;
const REFUSED = -32000;

/** See the module. */
export class StreamableHttp implements Disposable {
  #gateway: Gateway;
  #deps: McpDeps;
  #legacy: Legacy;
  #modern: Modern;

  constructor(gateway: Gateway, deps: McpDeps) {
    this.#gateway = gateway;
    this.#deps = deps;
    this.#legacy = new Legacy(deps);
    this.#modern = new Modern(deps);
  }

  /** How many sessions of the older era there are. */
  get sessions(): number {
    return this.#legacy.sessions;
  }

  /** Answers whatever comes to the address. */
  async answer(c: HttpContext): Promise<Response> {
    const { raw: request } = c.req;
    const { catalog } = this.#deps;
    try {
      const visit = await admit(c, this.#gateway, this.#deps);
      if (request.method === "GET") return await this.#legacy.get(request, visit);
      if (request.method === "DELETE") return await this.#legacy.delete(request, visit);
      if (!isJsonContentType(request.headers.get("content-type"))) {
        return toErrorResponse(415, { code: REFUSED, message: "Unsupported Media Type: expected application/json" });
      }
      const body = await this.#read(request);
      if (body instanceof Response) return body;
      const call = readPlainCall(request.headers, body);
      if (call && !catalog.mirrored(call.name, visit)) {
        this.#checkScope(call.name, visit);
        return await this.#modern.call(call, visit);
      }
      if (Array.isArray(body)) {
        // The first of them was counted when the request was let in.
        for (let i = 1; i < Math.min(body.length, MAX_BATCH); i++) await letIn(this.#gateway, visit);
        return await this.#legacy.post(request, body, visit);
      }
      const { kind } = classify(request, body);
      if (kind === "legacy") return await this.#legacy.post(request, body, visit);
      const { method, params } = body as { method?: unknown; params?: { name?: unknown } };
      if (method === "tools/call" && typeof params?.name === "string") this.#checkScope(params.name, visit);
      return await this.#modern.answer(request, body, visit);
    } catch (thrown) {
      return refuse(c, thrown, this.#deps);
    }
  }

  [Symbol.dispose](): void {
    this.#legacy[Symbol.dispose]();
    this.#modern[Symbol.dispose]();
  }

  async #read(request: Request): Promise<unknown> {
    try {
      const body = await this.#deps.readJson(request);
      if (body !== undefined) return body;
      return toErrorResponse(400, { code: PARSE_ERROR, message: "Parse error: the request has no body" });
    } catch (thrown) {
      const { name, message } = AppError.from(thrown);
      if (name !== "ValidationError") throw thrown;
      return toErrorResponse(400, { code: PARSE_ERROR, message: `Parse error: ${message}` });
    }
  }

  #checkScope(name: string, visit: Visit): void {
    const scope = this.#deps.catalog.missingScope(name, visit);
    if (scope === undefined) return;
    throw new AppError(
      "ForbiddenError",
      `Cannot call "${name.slice(0, 100)}" with this key: it lacks the scope "${scope}"`,
      {
        details: { scope },
      },
    );
  }
}

/** Which era a message belongs to. */
function classify({ method: httpMethod, headers }: Request, body: unknown): { kind: string } {
  const version = headers.get("mcp-protocol-version");
  const method = headers.get("mcp-method");
  return classifyInboundRequest({
    httpMethod,
    body,
    ...version !== null && { protocolVersionHeader: version },
    ...method !== null && { mcpMethodHeader: method },
  });
}
