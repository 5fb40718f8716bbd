/**
 * The OpenAPI 3.1 document of the operations.
 *
 * @module
 */
import { z } from "zod";
import { ERROR_STATUS, type ErrorName } from "../../domain/error.ts";
import type { Operation } from "../../operations/operation.ts";

type Json = Record<string, unknown>;

/** Errors that any operation may answer with. */
const COMMON: readonly ErrorName[] = ["ValidationError", "TooManyRequestsError", "InternalError"];
/** Errors of reading a body. */
const OF_BODY: readonly ErrorName[] = ["TimeoutError", "PayloadTooLargeError", "UnsupportedMediaTypeError"];
const GUARDED: readonly ErrorName[] = [...COMMON, "UnauthorizedError", "ForbiddenError"];

const ErrorShape = {
  type: "object",
  required: ["error", "message", "statusCode", "timestamp", "details", "request_id"],
  properties: {
    error: { type: "string", enum: Object.keys(ERROR_STATUS) },
    message: { type: "string" },
    statusCode: { type: "integer" },
    timestamp: { type: "integer", description: "Milliseconds since 1970" },
    details: { type: "object" },
    request_id: { type: "string" },
  },
};

/** The document, with `prefix` before every path. */
export function toOpenApi(
  operations: Iterable<Operation>,
  { version, base_path }: { version: string; base_path: string },
): Json {
  const schemas: Json = { Error: ErrorShape };
  const toSchema = (type: z.ZodType, io: "input" | "output") => {
    const { $schema: _, $defs, ...schema } = z.toJSONSchema(type, { io, unrepresentable: "any" }) as Json;
    Object.assign(schemas, rewritten($defs ?? {}));
    return rewritten(schema) as Json;
  };
  const paths: Record<string, Json> = {};
  for (const op of operations) {
    if (op.kind === "duplex") continue;
    const [method, path] = op.http.split(" ") as [string, string];
    const full = path.startsWith("^") ? path.slice(1) : `/api/v1${path}`;
    (paths[full] ??= {})[method.toLowerCase()] = toPathItem(op, method, path, toSchema);
  }
  return {
    openapi: "3.1.0",
    info: { title: "MUXI", version, description: "An agent server: one event log behind every door" },
    servers: [{ url: base_path || "/" }],
    security: [{ key: [] }],
    paths,
    components: { schemas, securitySchemes: { key: { type: "http", scheme: "bearer" } } },
  };
}

type ToSchema = (type: z.ZodType, io: "input" | "output") => Json;

function toPathItem(
  op: Exclude<Operation, { kind: "duplex" }>,
  method: string,
  path: string,
  toSchema: ToSchema,
): Json {
  const input = toSchema(op.input, "input") as { properties?: Record<string, Json>; required?: string[] };
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  const inBody = method !== "GET" && method !== "DELETE";
  const { properties = {}, required = [] } = input;
  const parameters = Object.entries(properties).flatMap(([name, { description, ...schema }]) => {
    const place = names.includes(name) ? "path" : inBody ? undefined : "query";
    if (!place) return [];
    const needed = place === "path" || required.includes(name);
    return [{ name, in: place, required: needed, ...description !== undefined && { description }, schema }];
  });
  const fields = Object.fromEntries(
    Object.entries(properties).filter(([name]) => !names.includes(name) && name !== op.upload),
  );
  const needed = required.filter((name) => name in fields);
  const body = op.upload ? uploadBody() : {
    content: {
      "application/json": {
        schema: { type: "object", properties: fields, ...needed.length > 0 && { required: needed } },
      },
    },
    required: needed.length > 0,
  };
  return {
    operationId: op.id,
    summary: op.summary,
    tags: [op.id.slice(0, op.id.lastIndexOf("_"))],
    ...op.access === "public" && { security: [] },
    "x-access": op.access,
    ...parameters.length > 0 && { parameters },
    ...inBody && Object.keys(fields).length + Number(!!op.upload) > 0 && { requestBody: body },
    responses: { ...toSuccess(op, toSchema), ...toErrors(op) },
  };
}

function uploadBody(): Json {
  const bytes = { type: "string", contentMediaType: "application/octet-stream" };
  return {
    required: true,
    content: {
      "application/octet-stream": { schema: bytes },
      "multipart/form-data": { schema: { type: "object", properties: { file: bytes } } },
    },
  };
}

function toSuccess(op: Exclude<Operation, { kind: "duplex" }>, toSchema: ToSchema): Json {
  const status = op.status ?? 200;
  if (status === 204) return { 204: { description: "Done" } };
  if (op.kind === "call" && op.download) {
    return { 200: { description: "The bytes", content: { "*/*": { schema: { type: "string" } } } } };
  }
  const content: Json = {};
  if (!(op.kind === "stream" && op.always)) content["application/json"] = { schema: toSchema(op.output, "output") };
  if (op.kind === "stream") {
    const types = Object.entries(op.items as Record<string, z.ZodType>).map(([type, data]) => ({
      type: "object",
      properties: { id: { type: "integer" }, event: { const: type }, data: toSchema(data, "output") },
    }));
    content["text/event-stream"] = { schema: { oneOf: types } };
  }
  return { [status]: { description: "Done", content } };
}

function toErrors(op: Operation): Json {
  const byStatus = new Map<number, string[]>();
  const hasBody = !/^(GET|DELETE) /.test(op.http);
  const common = op.access === "public" ? COMMON : GUARDED;
  for (const name of [...common, ...hasBody ? OF_BODY : [], ...op.errors]) {
    const status = ERROR_STATUS[name];
    byStatus.set(status, [...new Set([...byStatus.get(status) ?? [], name])]);
  }
  const content = { "application/json": { schema: { $ref: "#/components/schemas/Error" } } };
  return Object.fromEntries(
    [...byStatus].map(([status, names]) => [status, { description: names.join(", "), content }]),
  );
}

/** Points references at where OpenAPI keeps schemas. */
function rewritten(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/'));
}
