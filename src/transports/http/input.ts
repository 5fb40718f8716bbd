/**
 * The input of an operation, from path, query and body.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { ReadInput } from "../../operations/gateway.ts";
import { IDEMPOTENCY_KEY, type Operation } from "../../operations/operation.ts";
import type { HttpContext } from "../request.ts";
import { type BodyLimits, readJson } from "./body.ts";
import { createCoercion } from "./coerce.ts";
import { readUpload } from "./upload.ts";

/** Bounds of what may be sent. */
export interface InputLimits {
  json: BodyLimits;
  upload: BodyLimits;
}

/** Makes readers of inputs from query, body and path, which may not contradict each other. */
export function createInputReader(op: Operation, limits: InputLimits): (c: HttpContext) => ReadInput {
  const coerce = createCoercion(op.input);
  const hasBody = !op.http.startsWith("GET ");
  const cursor = op.kind === "stream" ? op.cursor : undefined;
  return (c) => async () => {
    const known = c.get("input");
    if (known !== undefined) return known;
    // Without a prototype, "__proto__" is a name like any other, which the schema refuses.
    const input: Record<string, unknown> = Object.create(null);
    for (const [name, texts] of Object.entries(c.req.queries())) {
      if (name !== "ticket") input[name] = coerce(name, texts);
    }
    if (cursor !== undefined) {
      const last = c.req.raw.headers.get("last-event-id");
      if (last !== null && last !== "") input[cursor] = coerce(cursor, [last]);
    }
    if (op.upload) Object.assign(input, await upload(c, op.upload, limits));
    else if (hasBody) merge(input, await json(c, limits));
    merge(input, Object.fromEntries(Object.entries(c.req.param()).map(([name, text]) => [name, coerce(name, [text])])));
    return input;
  };
}

/** A proxy may have looked at one place only, so that letting another win would get around it. */
function merge(input: Record<string, unknown>, more: object): void {
  for (const [name, value] of Object.entries(more)) {
    if (name in input && JSON.stringify(input[name]) !== JSON.stringify(value)) {
      throw new AppError("ValidationError", `Cannot read the request: it says "${name}" twice, and not the same`);
    }
    input[name] = value;
  }
}

async function json(c: HttpContext, limits: InputLimits): Promise<object> {
  const key = c.req.raw.headers.get("idempotency-key");
  if (key !== null && !IDEMPOTENCY_KEY.test(key)) {
    throw new AppError("ValidationError", "Cannot use the idempotency key: expected 1 to 255 visible ASCII characters");
  }
  return await readJson(c.req.raw, limits.json) as object ?? {};
}

async function upload(c: HttpContext, field: string, limits: InputLimits): Promise<object> {
  const found = await readUpload(c.req.raw, limits.upload);
  if (!found) return {};
  const { bytes, ...named } = found;
  // A type that can't be right is the same as none.
  if (named.media_type !== undefined && !/^[\w.+-]+\/[\w.+-]+$/.test(named.media_type)) delete named.media_type;
  return { ...named, [field]: bytes };
}
