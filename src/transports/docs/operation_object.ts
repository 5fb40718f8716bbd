/**
 * One operation in the OpenAPI document.
 *
 * @module
 */
import { type ByHand, type Call, IDEMPOTENCY_KEY, type Stream } from "../../operations/operation.ts";
import { toResponses, toResponsesByHand, type ToSchema } from "./answers.ts";
import type { Content, OperationObject, Parameter, Schema } from "./document.ts";
import type { Examples } from "./example.ts";
import { toSamples } from "./samples/samples.ts";
import { tagOf } from "./tags.ts";

/** Where an operation is, and what describes it. */
export interface OperationOptions {
  method: string;
  path: string;
  toSchema: ToSchema;
  examples: Examples;
  /** Its words on the command line. */
  command?: string;
}

/** Describes `op`. */
export function toOperation(op: Call | Stream, options: OperationOptions): OperationObject {
  const { method, path, toSchema, command } = options;
  const input = toSchema(op.input, "input");
  const parameters = toParameters(op, input, options);
  const body = method === "GET" || method === "DELETE" ? undefined : toBody(op, input, options);
  const description = toDescription(op);
  const about = {
    method,
    path,
    parameters,
    ...body?.example !== undefined && { body: body.example },
    upload: op.upload !== undefined,
    ...op.kind === "call" && op.download !== undefined && { download: op.download },
    streams: op.kind === "stream" && (op.always === true || op.cursor !== undefined),
    access: op.access,
    answers: op.status !== 204,
  };
  return {
    operationId: op.id,
    summary: op.summary,
    ...description !== "" && { description },
    tags: [tagOf(op)],
    ...op.access === "public" && { security: [] },
    "x-access": op.access,
    ...op.kind === "stream" && { "x-stream": op.always ? "always" : "asked" },
    ...op.mcp && { "x-tool": true },
    ...command !== undefined && { "x-command": command },
    ...parameters.length > 0 && { parameters },
    ...body && { requestBody: { required: body.required, content: body.content } },
    responses: toResponses(op, toSchema),
    "x-codeSamples": toSamples(about),
  };
}

/** Describes a route that a protocol shapes. */
export function toOperationByHand(route: ByHand, options: OperationOptions): OperationObject {
  const { id, summary, uses: { access }, answer } = route;
  const { method, path, toSchema, examples } = options;
  const { properties = {}, required = [] } = toSchema(route.query, "input");
  const parameters = Object.entries(properties).map(([name, { description, ...schema }]): Parameter => {
    const needed = required.includes(name);
    const example = needed && { example: examples.field(name, schema) };
    return { name, in: "query", required: needed, ...description !== undefined && { description }, schema, ...example };
  });
  const schema = route.body && toSchema(route.body, "input");
  const body = schema && examples.body(id, schema);
  const [curl] = toSamples({
    method,
    path,
    parameters,
    ...body && { body },
    upload: false,
    streams: answer.items !== undefined,
    access,
    answers: answer.items !== undefined,
  });
  return {
    operationId: id,
    summary,
    tags: [tagOf(route)],
    "x-access": access,
    ...answer.items && { "x-stream": "always" },
    "x-by-hand": true,
    ...parameters.length > 0 && { parameters },
    ...schema && { requestBody: { required: true, content: { "application/json": { schema, example: body } } } },
    responses: toResponsesByHand(route, toSchema),
    // Programs use a client of the protocol.
    "x-codeSamples": [curl!],
  };
}

/** What the reader can't see from the schemas. */
function toDescription(op: Call | Stream): string {
  const sentences = [];
  if (op.kind === "stream" && !op.always) {
    sentences.push("With `Accept: text/event-stream` the answer comes as events");
    if (op.flag) sentences.push(`\`"${op.flag}": true\` in the body does the same`);
  }
  if (op.aliases) sentences.push(`Also at ${op.aliases.map((line) => `\`${line}\``).join(", ")}`);
  return sentences.map((text) => `${text}.`).join(" ");
}

function toParameters(op: Call | Stream, input: Schema, { method, path, examples }: OperationOptions): Parameter[] {
  const { properties = {}, required = [] } = input;
  const inPath = (name: string) => path.includes(`{${name}}`);
  const inQuery = method === "GET" || method === "DELETE" || op.upload !== undefined;
  const parameters = Object.entries(properties).flatMap(([name, { description, ...schema }]): Parameter[] => {
    const place = inPath(name) ? "path" : inQuery && name !== op.upload ? "query" : undefined;
    if (!place) return [];
    const needed = place === "path" || required.includes(name);
    return [{
      name,
      in: place,
      required: needed,
      ...description !== undefined && { description },
      schema,
      ...needed && { example: examples.field(name, schema) },
    }];
  });
  const header = (name: string, description: string): Parameter => {
    return { name, in: "header", required: false, description, schema: { type: "string" } };
  };
  if (op.once) {
    const schema = { type: "string", pattern: IDEMPOTENCY_KEY.source };
    const description = "Makes sure that this happens once, however often it is sent";
    parameters.push({ ...header("Idempotency-Key", description), schema });
  }
  if (op.kind === "stream" && op.cursor) {
    parameters.push(header("Last-Event-ID", `The id of the last event seen; the same as \`${op.cursor}\``));
  }
  return parameters;
}

function toBody(
  op: Call | Stream,
  { properties = {}, required = [] }: Schema,
  { path, examples }: OperationOptions,
): { required: boolean; content: Content; example?: unknown } | undefined {
  if (op.upload !== undefined) {
    const bytes = { type: "string", format: "binary" };
    return {
      required: true,
      content: {
        "application/octet-stream": { schema: bytes },
        "multipart/form-data": { schema: { type: "object", properties: { file: bytes } } },
      },
    };
  }
  const fields = Object.fromEntries(Object.entries(properties).filter(([name]) => !path.includes(`{${name}}`)));
  if (Object.keys(fields).length === 0) return undefined;
  const needed = required.filter((name) => name in fields);
  const schema: Schema = { type: "object", properties: fields, ...needed.length > 0 && { required: needed } };
  const example = examples.body(op.id, schema);
  return { required: needed.length > 0, content: { "application/json": { schema, example } }, example };
}
