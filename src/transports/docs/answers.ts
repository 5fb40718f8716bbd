/**
 * What an operation may answer, errors included, for the OpenAPI document.
 *
 * @module
 */
import type { z } from "zod";
import { ERROR_STATUS, type ErrorName } from "../../domain/error.ts";
import { EVENT_DATA } from "../../domain/event.ts";
import type { ByHand, Call, Operation, Stream } from "../../operations/operation.ts";
import type { Content, ResponseObject, Schema } from "./document.ts";

/** Turns a type into JSON Schema. */
export type ToSchema = (type: z.ZodType, io: "input" | "output") => Schema;

/** Errors that any operation may answer with. */
const COMMON: readonly ErrorName[] = ["ValidationError", "TooManyRequestsError", "InternalError"];
/** Errors of reading a body. */
const OF_BODY: readonly ErrorName[] = ["TimeoutError", "PayloadTooLargeError", "UnsupportedMediaTypeError"];
const GUARDED: readonly ErrorName[] = [...COMMON, "UnauthorizedError", "ForbiddenError"];

const RETRY_AFTER = { "retry-after": { description: "Seconds to wait", schema: { type: "integer" } } };
const LIMITS = Object.fromEntries([
  ["ratelimit-limit", "Requests that are allowed at once"],
  ["ratelimit-remaining", "Requests that are left now"],
  ["ratelimit-reset", "Seconds until all are allowed again"],
].map(([name, description]) => [name, { description: description!, schema: { type: "integer" } }]));

/** The schema of the one error shape. */
export const ERROR_SCHEMA: Schema = {
  type: "object",
  required: ["error", "message", "statusCode", "timestamp", "details", "request_id"],
  properties: {
    error: { type: "string", enum: Object.keys(ERROR_STATUS) },
    message: { type: "string", description: "What was attempted, and why it can't be" },
    statusCode: { type: "integer" },
    timestamp: { type: "integer", description: "Milliseconds since 1970" },
    details: { type: "object" },
    request_id: { type: "string", description: "Also in the header `x-request-id`, and in the server's log" },
  },
};

/** The answers to an operation by their status. */
export function toResponses(op: Call | Stream, toSchema: ToSchema): Record<string, ResponseObject> {
  return { ...toSuccess(op, toSchema), ...toErrors(op, { $ref: "#/components/schemas/Error" }) };
}

/** The answers to a route that a protocol shapes. */
export function toResponsesByHand(route: ByHand, toSchema: ToSchema): Record<string, ResponseObject> {
  const { uses: { access }, answer: { status, text, items }, error } = route;
  const content = items && { "text/event-stream": { schema: toEvents(items, toSchema) } };
  return {
    [status]: { description: text, headers: LIMITS, ...content && { content } },
    ...toErrors({ ...route, access }, toSchema(error, "output")),
  };
}

function toSuccess(op: Call | Stream, toSchema: ToSchema): Record<string, ResponseObject> {
  const headers = op.access === "public" ? {} : { headers: LIMITS };
  const status = op.status ?? 200;
  if (status === 204) return { 204: { description: "Done", ...headers } };
  if (op.kind === "call" && op.download) {
    const content: Content = { "application/octet-stream": { schema: { type: "string", format: "binary" } } };
    return {
      200: { description: "The bytes, as an attachment", ...headers, content },
      ...op.ranges && { 206: { description: "Those that the header `Range` names", ...headers, content } },
    };
  }
  const content: Content = {};
  if (!(op.kind === "stream" && op.always)) {
    content["application/json"] = { schema: toSchema(op.output, "output") };
  }
  if (op.kind === "stream") {
    const schema = op.items === EVENT_DATA ? { $ref: "#/components/schemas/RunEvent" } : toEvents(op.items, toSchema);
    content["text/event-stream"] = { schema };
  }
  const done = { [status]: { description: "Done", ...headers, content } };
  if (op.kind === "stream" && op.cursor) {
    return { ...done, 204: { description: "There is nothing left, and never will be: don't ask again" } };
  }
  return done;
}

/** The schema of every event of a stream: `id`, `event` and `data` of its frame. */
export function toEvents(items: Stream["items"], toSchema: ToSchema): Schema {
  return {
    oneOf: Object.entries(items).map(([type, data]) => ({
      type: "object",
      title: type,
      properties: {
        id: { type: "integer", description: "Its place in the run, to resume after" },
        event: { const: type },
        data: toSchema(data, "output"),
      },
      required: ["event", "data"],
    })),
  };
}

function toErrors(
  op: Pick<Operation, "access" | "http" | "errors">,
  schema: Schema,
): Record<string, ResponseObject> {
  const byStatus = new Map<number, Set<string>>();
  const hasBody = !/^(GET|DELETE) /.test(op.http);
  const common = op.access === "public" ? COMMON : GUARDED;
  for (const name of [...common, ...hasBody ? OF_BODY : [], ...op.errors]) {
    const status = ERROR_STATUS[name];
    byStatus.set(status, (byStatus.get(status) ?? new Set()).add(name));
  }
  const content = { "application/json": { schema } };
  return Object.fromEntries(
    [...byStatus].map(([status, names]) => [status, {
      description: [...names].join(", "),
      ...(status === 429 || status === 503) && { headers: RETRY_AFTER },
      content,
    }]),
  );
}
