/**
 * Tools as an OpenAPI document: one path for each.
 *
 * @module
 */
import type { Tool } from "../../domain/tool.ts";

/** JSON Schema as a server wrote it. */
type Schema = Record<string, unknown>;

/** A document with as much of OpenAPI 3.1 as stands in it. */
export interface ToolsDocument {
  openapi: "3.1.0";
  info: { title: string; version: string; description: string };
  servers: { url: string }[];
  security: Record<string, string[]>[];
  paths: Record<string, { post: unknown }>;
  components: { schemas: Record<string, Schema>; securitySchemes: Record<string, Record<string, string>> };
}

const ERRORS: Readonly<Record<number, string>> = {
  400: "The arguments don't fit",
  401: "The key is missing, or unknown",
  403: "The key lacks the scope `tools`, or a policy says no",
  404: "There is no such tool",
  429: "Too many calls",
  502: "The tool says that it failed, or its server can't be reached",
};

/** The document of `tools`, whose paths begin at `url`. */
export function toToolsDocument(
  tools: readonly Tool[],
  { url, title, version }: { url: string; title: string; version: string },
): ToolsDocument {
  const schemas: Record<string, Schema> = {};
  const paths: ToolsDocument["paths"] = {};
  for (const tool of tools) {
    schemas[tool.name] = placed(tool.parameters, tool.name);
    const answer = `${tool.name}.answer`;
    if (tool.output_schema) schemas[answer] = placed(tool.output_schema, answer);
    paths[`/${tool.name}`] = { post: toOperation(tool, tool.output_schema && answer) };
  }
  return {
    openapi: "3.1.0",
    info: { title, version, description: "Tools, one path for each. The key goes in `Authorization: Bearer …`." },
    servers: [{ url }],
    security: [{ bearer: [] }],
    paths,
    components: { schemas, securitySchemes: { bearer: { type: "http", scheme: "bearer" } } },
  };
}

function toOperation({ name, title, description, parameters }: Tool, answer: string | undefined) {
  const { required } = parameters;
  return {
    operationId: name,
    summary: title ?? name,
    description,
    requestBody: {
      required: Array.isArray(required) && required.length > 0,
      content: { "application/json": { schema: { $ref: `#/components/schemas/${name}` } } },
    },
    responses: {
      200: {
        description: "What the tool answers: its data, else its text, else its parts",
        content: {
          "application/json": { schema: answer === undefined ? {} : { $ref: `#/components/schemas/${answer}` } },
          ...answer === undefined && { "text/plain": { schema: { type: "string" } } },
        },
      },
      ...Object.fromEntries(Object.entries(ERRORS).map(([status, words]) => [status, { description: words }])),
    },
  };
}

/** A schema whose references to itself still lead there when it stands below `name`. */
function placed(schema: Schema, name: string): Schema {
  const { $schema: _, $id: __, ...rest } = schema;
  const place = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(place);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => {
        const own = key === "$ref" && typeof each === "string" && each.startsWith("#");
        return [key, own ? `#/components/schemas/${name}${each.slice(1)}` : place(each)];
      }),
    );
  };
  return place(rest) as Schema;
}
