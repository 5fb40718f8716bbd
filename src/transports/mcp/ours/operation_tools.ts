/**
 * Operations as tools.
 *
 * @module
 */
import type { CallToolResult, Tool } from "@modelcontextprotocol/server";
import { z } from "zod";
import { allows, type Principal } from "../../../domain/access.ts";
import type { Gateway } from "../../../operations/gateway.ts";
import type { Call, Operation, Stream } from "../../../operations/operation.ts";
import type { Ask, CallOutcome } from "../catalog.ts";
import { toJsonSchema } from "./json_schema.ts";
import type { RunTool } from "./run_tool.ts";

type Offered = Call | Stream;

/** Operations that say something and wait for the answer, and those that tell what happens meanwhile. */
const TOLD_BY: Readonly<Record<string, string>> = { chat_send: "chat_stream" };

/** The operations that opt in, under their ids. */
export class OperationTools {
  #gateway: Gateway;
  #runTool: RunTool;
  #offered: ReadonlyMap<string, { op: Offered; tool: Tool }>;

  constructor({ gateway, runTool }: { gateway: Gateway; runTool: RunTool }) {
    this.#gateway = gateway;
    this.#runTool = runTool;
    const offered = [...gateway.operations.values()].filter(isOffered);
    this.#offered = new Map(offered.map((op) => [op.id, { op, tool: toTool(op) }]));
  }

  /** Those that `principal` may use. */
  list(principal: Principal): Tool[] {
    return [...this.#offered.values()].filter(({ op }) => mayUse(op, principal)).map(({ tool }) => tool);
  }

  /** Whether `name` is one that `principal` may use. */
  has(name: string, principal: Principal): boolean {
    const offered = this.#offered.get(name);
    return offered !== undefined && mayUse(offered.op, principal);
  }

  /** Calls one. */
  async call(name: string, args: Record<string, unknown>, ask: Ask): Promise<CallOutcome> {
    const { op } = this.#offered.get(name)!;
    const teller = this.#gateway.operations.get(TOLD_BY[name] ?? "");
    if (teller) return await this.#runTool.call(teller as Stream, args, ask);
    return toResult(await this.#gateway.call(op, () => args, ask.visit));
  }
}

function isOffered(op: Operation): op is Offered {
  return op.mcp !== undefined && op.kind !== "duplex" && op.upload === undefined && !("download" in op);
}

function mayUse(op: Operation, principal: Principal): boolean {
  const hasScopes = principal.access === "admin" ||
    (op.scopes ?? []).every((scope) => principal.scopes.includes(scope));
  return allows(principal, op.access) && hasScopes;
}

function toTool(op: Offered): Tool {
  const { id: name, summary: description, input, output } = op;
  const { read_only = false, destructive = false, idempotent = false } = op.mcp!;
  const outputSchema = isObject(output) ? toJsonSchema(output, "output") : undefined;
  return {
    name,
    description,
    inputSchema: toJsonSchema(input, "input"),
    ...outputSchema && { outputSchema },
    annotations: {
      title: description,
      readOnlyHint: read_only,
      destructiveHint: destructive,
      idempotentHint: idempotent || read_only,
      openWorldHint: false,
    },
  };
}

function isObject(type: z.ZodType): boolean {
  return type instanceof z.ZodObject;
}

/** A value as an answer: as text for every client, as data for those that read it. */
function toResult(value: unknown): CallToolResult {
  const isData = typeof value === "object" && value !== null && !Array.isArray(value);
  return {
    content: [{ type: "text", text: value === null || value === undefined ? "Done" : JSON.stringify(value) }],
    ...isData && { structuredContent: value as Record<string, unknown> },
  };
}
