/**
 * Our types as JSON Schema.
 *
 * @module
 */
import type { JSONObject } from "@modelcontextprotocol/server";
import { z } from "zod";

/** The schema of an object, as clients send (`input`) or get it (`output`). */
export function toJsonSchema(type: z.ZodType, io: "input" | "output"): JSONObject & { type: "object" } {
  const { $schema: _, ...schema } = z.toJSONSchema(type, { io, unrepresentable: "any" });
  return { ...schema as JSONObject, type: "object" };
}
