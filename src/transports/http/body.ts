/**
 * Reading a request's body: within a size, within a time, as JSON.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { type Clock, systemClock } from "../../kit/clock.ts";

/** The most that values may be nested. */
const MAX_DEPTH = 64;

/** The most of a body that is read at once: a third of what reading it piece by piece costs. */
const MAX_AT_ONCE = 65_536;

const decoder = new TextDecoder();
/** Throws `TypeError` where the other puts {@linkcode REPLACED}, and takes four times as long. */
const strictDecoder = new TextDecoder("utf-8", { fatal: true });
const REPLACED = "\uFFFD";

/** What is read as JSON. The last two are what `curl -d` and plain forms say when nobody tells them otherwise. */
const JSON_TYPES = ["application/json", "application/x-www-form-urlencoded", "text/plain"];

/** Bounds of a body. */
export interface BodyLimits {
  max_bytes: number;
  /** How long it may take to come, in milliseconds. */
  timeout_ms: number;
}

function tooLarge(max_bytes: number): AppError {
  return new AppError("PayloadTooLargeError", `Cannot read the request's body: it has more than ${max_bytes} bytes`, {
    details: { max_bytes },
  });
}

function tooSlow(timeout_ms: number): AppError {
  return new AppError("TimeoutError", `Cannot wait for the request's body any longer: ${timeout_ms / 1000} s passed`);
}

/** A body that says how small it is. Throws as {@linkcode boundedBody} does. */
async function smallBody(
  request: Request,
  { max_bytes, timeout_ms }: BodyLimits,
  clock: Clock,
): Promise<Uint8Array[]> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const limit = clock.after(timeout_ms, () => reject(tooSlow(timeout_ms)));
  try {
    request.bytes().then(resolve, reject);
    const bytes = await promise;
    if (bytes.length > max_bytes) throw tooLarge(max_bytes);
    return bytes.length === 0 ? [] : [bytes];
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown;
    throw new AppError("ValidationError", "Cannot read the request's body: it broke off", { cause: thrown });
  } finally {
    limit[Symbol.dispose]();
  }
}

/** The bytes of a body as they come. Throws `PayloadTooLargeError`, `TimeoutError`. */
export async function* boundedBody(
  request: Request,
  { max_bytes, timeout_ms }: BodyLimits,
  clock: Clock = systemClock,
): AsyncGenerator<Uint8Array> {
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > max_bytes) throw tooLarge(max_bytes);
  if (!request.body) return;
  const reader = request.body.getReader();
  const late = Promise.withResolvers<never>();
  late.promise.catch(() => {});
  using _ = clock.after(timeout_ms, () => late.reject(tooSlow(timeout_ms)));
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), late.promise]);
      if (done) return;
      size += value.byteLength;
      if (size > max_bytes) throw tooLarge(max_bytes);
      yield value;
    }
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown;
    throw new AppError("ValidationError", "Cannot read the request's body: it broke off", { cause: thrown });
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** Options of {@linkcode readJson}. */
export interface JsonOptions {
  /** Whether it may be a list, not only an object. */
  lists?: boolean;
}

/** A body of JSON; undefined when there is none. Throws `ValidationError`, `UnsupportedMediaTypeError`. */
export async function readJson(
  request: Request,
  limits: BodyLimits,
  { lists = false }: JsonOptions = {},
): Promise<unknown> {
  const encoding = request.headers.get("content-encoding")?.trim().toLowerCase() ?? "identity";
  if (encoding !== "identity") {
    throw new AppError(
      "UnsupportedMediaTypeError",
      `Cannot read a body in the encoding "${encoding.slice(0, 100)}": expected none`,
    );
  }
  const declared = Number(request.headers.get("content-length") ?? NaN);
  const chunks = declared <= Math.min(MAX_AT_ONCE, limits.max_bytes)
    ? await smallBody(request, limits, systemClock)
    : await Array.fromAsync(boundedBody(request, limits));
  if (chunks.length === 0) return undefined;
  const type = request.headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  if (type !== undefined && !JSON_TYPES.includes(type) && !type.endsWith("+json")) {
    throw new AppError(
      "UnsupportedMediaTypeError",
      `Cannot read a body of type "${type.slice(0, 100)}": expected application/json`,
    );
  }
  let value: unknown;
  try {
    const bytes = chunks.length === 1 ? chunks[0]! : new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
    const text = toText(bytes);
    if (text.trim() === "") return undefined;
    value = JSON.parse(text);
  } catch (thrown) {
    const reason = thrown instanceof TypeError ? "it is not UTF-8" : "it is not valid JSON";
    throw new AppError("ValidationError", `Cannot read the request's body: ${reason}`, { cause: thrown });
  }
  if (typeof value !== "object" || value === null || (Array.isArray(value) && !lists)) {
    throw new AppError("ValidationError", "Cannot read the request's body: expected a JSON object");
  }
  checkDepth(value);
  return value;
}

function toText(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  return text.includes(REPLACED) ? strictDecoder.decode(bytes) : text;
}

/** Refuses what is nested so deeply that walking it would be a danger. */
function checkDepth(value: object, depth = 1): void {
  if (depth > MAX_DEPTH) {
    throw new AppError(
      "ValidationError",
      `Cannot read the request's body: it is nested more than ${MAX_DEPTH} levels deep`,
    );
  }
  for (const name in value) {
    const inner = (value as Record<string, unknown>)[name];
    if (typeof inner === "object" && inner !== null) checkDepth(inner, depth + 1);
  }
}
