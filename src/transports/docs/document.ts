/**
 * The parts of an OpenAPI document that are made and shown here.
 *
 * @module
 */

/** JSON Schema, as zod writes it. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  title?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  propertyNames?: Schema;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  contentMediaType?: string;
  contentEncoding?: string;
}

/** A value in the path, the query or a header. */
export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required: boolean;
  description?: string;
  schema: Schema;
  example?: unknown;
}

/** What is sent or answered, by media type. */
export type Content = Record<string, { schema: Schema; example?: unknown }>;

/** An answer. */
export interface ResponseObject {
  description: string;
  headers?: Record<string, { description: string; schema: Schema }>;
  content?: Content;
}

/** Code that does an operation. */
export interface CodeSample {
  lang: string;
  label: string;
  source: string;
}

/** An operation. */
export interface OperationObject {
  operationId: string;
  summary: string;
  description?: string;
  tags: [string];
  security?: Record<string, string[]>[];
  parameters?: Parameter[];
  requestBody?: { required: boolean; content: Content };
  responses: Record<string, ResponseObject>;
  "x-access": string;
  /** `asked`: as events where the request accepts them; `always`; absent: no stream. */
  "x-stream"?: "asked" | "always";
  /** Offered as a tool. */
  "x-tool"?: true;
  /** Shaped by a protocol, whose clients know how to use it. */
  "x-by-hand"?: true;
  /** Its words on the command line. */
  "x-command"?: string;
  "x-codeSamples": CodeSample[];
}

/** An OpenAPI 3.1 document. */
export interface OpenApi {
  openapi: "3.1.0";
  info: { title: string; version: string; description: string };
  servers: { url: string }[];
  security: Record<string, string[]>[];
  tags: { name: string; description?: string }[];
  paths: Record<string, Record<string, OperationObject>>;
  components: { schemas: Record<string, Schema>; securitySchemes: Record<string, Record<string, string>> };
}

/** An operation with where it is found. */
export interface Found {
  method: string;
  path: string;
  op: OperationObject;
}

/** The operations of a document by their tags, in its order. */
export function byTag({ tags, paths }: OpenApi): { name: string; description?: string; operations: Found[] }[] {
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, op]) => ({ method: method.toUpperCase(), path, op }))
  );
  return tags.map((tag) => ({ ...tag, operations: all.filter(({ op }) => op.tags[0] === tag.name) }));
}

/** The name of the schema that `schema` refers to. */
export function refName({ $ref }: Schema): string | undefined {
  return $ref?.slice($ref.lastIndexOf("/") + 1);
}
