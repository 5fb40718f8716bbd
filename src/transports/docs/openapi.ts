/**
 * The OpenAPI 3.1 document of the operations.
 *
 * @module
 */
import type { ByHand, Operation } from "../../operations/operation.ts";
import { EVENT_DATA } from "../../domain/event.ts";
import { ERROR_SCHEMA, toEvents, type ToSchema } from "./answers.ts";
import type { OpenApi, OperationObject } from "./document.ts";
import { Examples } from "./example.ts";
import { type OperationOptions, toOperation, toOperationByHand } from "./operation_object.ts";
import { Schemas } from "./schemas.ts";
import { TAG_TEXT, tagOf } from "./tags.ts";

const DESCRIPTION = `An agent server: one event log behind every door.

Every path below \`/api/v1\` is also there below \`/v1\`. Keys go in \`Authorization: Bearer …\` or \`X-API-Key: …\`.
The events of streams, and how to take up a stream that broke, are described at \`/docs/events\`, errors at \`/docs/errors\`.`;

const SECURITY = {
  bearer: { type: "http", scheme: "bearer", description: "The user's or the admin's key, or a JWT" },
  header: {
    type: "apiKey",
    in: "header",
    name: "X-API-Key",
    description: "The same, where a proxy wants the other header",
  },
  ticket: {
    type: "apiKey",
    in: "query",
    name: "ticket",
    description: "Good for one request, from `POST /api/v1/tickets`",
  },
};

/** What the document is made with. */
export interface OpenApiOptions {
  version: string;
  /** Stands before every path. */
  base_path: string;
  /** What protocols shape, beside the operations. */
  byHand?: Iterable<ByHand>;
  /** The words of an operation on the command line. */
  commandOf?: (op: Operation) => string;
}

/** The document of `operations`, in their order. */
export function toOpenApi(
  operations: Iterable<Operation>,
  { version, base_path, byHand = [], commandOf }: OpenApiOptions,
): OpenApi {
  // Two flows at once are beyond what OpenAPI can describe.
  const shown = Array.from(operations).filter((op) => op.kind !== "duplex");
  const schemas = new Schemas(shown);
  const toSchema: ToSchema = (type, flow) => schemas.of(type, flow);
  const named: OpenApi["components"]["schemas"] = schemas.named;
  Object.assign(named, { Error: ERROR_SCHEMA, RunEvent: toEvents(EVENT_DATA, toSchema) });
  const examples = new Examples(named);
  const paths: OpenApi["paths"] = {};
  const tags = new Set<string>();
  const add = (op: Operation | ByHand, describe: (options: OperationOptions) => OperationObject) => {
    const [method, path] = op.http.split(" ") as [string, string];
    const full = path.startsWith("^") ? path.slice(1) : `/api/v1${path}`;
    tags.add(tagOf(op));
    (paths[full] ??= {})[method.toLowerCase()] = describe({ method, path: full, toSchema, examples });
  };
  for (const op of shown) {
    const command = commandOf?.(op);
    add(op, (options) => toOperation(op, { ...options, ...command !== undefined && { command } }));
  }
  for (const route of byHand) add(route, (options) => toOperationByHand(route, options));
  return {
    openapi: "3.1.0",
    info: { title: "MUXI", version, description: DESCRIPTION },
    servers: [{ url: base_path || "/" }],
    security: Object.keys(SECURITY).map((name) => ({ [name]: [] })),
    tags: [...tags].map((name) => ({ name, ...TAG_TEXT[name] !== undefined && { description: TAG_TEXT[name] } })),
    paths,
    components: { schemas: named, securitySchemes: SECURITY },
  };
}
