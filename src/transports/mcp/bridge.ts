/**
 * Requests of the protocol for those who speak only HTTP.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { McpBridge } from "../../operations/mcp.ts";
import type { Visit } from "../../operations/operation.ts";
import type { Ask, Catalog } from "./catalog.ts";
import { type Answer, METHODS } from "./methods.ts";

/** Asks for nothing. */
const PING = "ping";

/** Makes it of a catalog. */
export function createBridge(open: () => Promise<Catalog>): McpBridge {
  return {
    async listTools(visit, cursor) {
      const { tools, nextCursor } = await (await open()).listTools(cursor, toAsk(visit));
      return { tools, next_cursor: nextCursor ?? null };
    },
    async request(visit, method, params) {
      if (method === PING) return {};
      const answer = Object.hasOwn(METHODS, method) ? METHODS[method as keyof typeof METHODS] as Answer : undefined;
      if (!answer) {
        const known = [PING, ...Object.keys(METHODS)].join(", ");
        throw new AppError("ValidationError", `Cannot answer "${method}": expected one of ${known}`);
      }
      checkParams(method, params);
      try {
        return { ...await answer(await open(), params as Parameters<Answer>[1], toAsk(visit)) };
      } catch (thrown) {
        // The protocol's library, whose errors these are, is not loaded for their class alone.
        const { code, message, data } = thrown as { code?: unknown; message: string; data?: { uri?: unknown } };
        if (thrown instanceof AppError || typeof code !== "number") throw thrown;
        // Only what isn't there is named by the error itself.
        throw new AppError(data?.uri === undefined ? "ValidationError" : "NotFoundError", message, {
          details: { code },
        });
      }
    },
  };
}

/** Nobody can be asked anything here. */
function toAsk(visit: Visit): Ask {
  return { visit, client: {}, log: () => {}, answers: {} };
}

const NEEDED: Readonly<Record<string, readonly string[]>> = {
  "tools/call": ["name"],
  "prompts/get": ["name"],
  "resources/read": ["uri"],
  "completion/complete": ["ref.type", "argument.name", "argument.value"],
};

/** What names each kind of thing that is completed. */
const REFERENCES: Readonly<Record<string, string>> = { "ref/prompt": "name", "ref/resource": "uri" };

function checkRef(ref: Record<string, unknown>): void {
  const name = REFERENCES[String(ref.type)];
  if (name !== undefined && typeof ref[name] === "string") return;
  throw new AppError(
    "ValidationError",
    `Cannot answer "completion/complete": expected params.ref to be a ref/prompt with a name, or a ref/resource with a uri`,
  );
}

function checkParams(method: string, params: Record<string, unknown>): void {
  for (const path of NEEDED[method] ?? []) {
    const value = path.split(".").reduce((at: unknown, name) => (at as Record<string, unknown> | null)?.[name], params);
    if (typeof value !== "string") {
      throw new AppError("ValidationError", `Cannot answer "${method}": expected params.${path} to be text`);
    }
  }
  if (method === "completion/complete") checkRef(params.ref as Record<string, unknown>);
  const { arguments: args, cursor } = params;
  if (args !== undefined && (typeof args !== "object" || args === null || Array.isArray(args))) {
    throw new AppError("ValidationError", `Cannot answer "${method}": expected params.arguments to be an object`);
  }
  if (cursor !== undefined && typeof cursor !== "string") {
    throw new AppError("ValidationError", `Cannot answer "${method}": expected params.cursor to be text`);
  }
}
