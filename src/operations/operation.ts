/**
 * The shape of an operation, the unit every door is derived from.
 *
 * @module
 */
import { z } from "zod";
import type { Access, Principal } from "../domain/access.ts";
import type { ErrorName } from "../domain/error.ts";

/** Who came, from where, and until when. The only thing a door has to build. */
export interface Visit {
  principal: Principal;
  /** Aborts when the caller is gone. */
  signal: AbortSignal;
  request_id: string;
  /** The caller's network address, after trusted proxies. */
  address: string;
  /** The caller's own key for doing this once (`Idempotency-Key`). */
  idempotency_key?: string;
}

/** What may be a {@linkcode Visit.idempotency_key}: 1 to 255 visible ASCII characters. */
export const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/** What a handler gets besides its input. */
export type Context = Visit;

/** Classes of limits. */
export const LIMIT_CLASSES = ["read", "write", "run", "tool", "admin", "public"] as const;
/** One of {@linkcode LIMIT_CLASSES}. */
export type LimitClass = typeof LIMIT_CLASSES[number];

/** Hints for MCP clients. */
export interface McpHints {
  read_only?: boolean;
  destructive?: boolean;
  idempotent?: boolean;
}

/** What every operation declares. */
export interface Declaration<I extends z.ZodObject> {
  /** `{resource}_{action}`, unique, never reused. */
  id: string;
  summary: string;
  access: Access;
  scopes?: readonly string[];
  input: I;
  /** Classes to expect beyond `ValidationError`, `UnauthorizedError`, `ForbiddenError`, `TooManyRequestsError` and `InternalError`. */
  errors: readonly ErrorName[];
  /** `METHOD /path/{field}` below `/api/v1`, every field taken from `input`. `^` before the path: also without the prefix. */
  http: `${"GET" | "POST" | "PUT" | "PATCH" | "DELETE"} ${"" | "^"}/${string}`;
  /** Other paths for the same. */
  aliases?: readonly Declaration<I>["http"][];
  /** Present: offered as an MCP tool. */
  mcp?: McpHints;
  limit: LimitClass;
  /** The caller's key ({@linkcode Visit.idempotency_key}) makes sure that it happens once. */
  once?: true;
  /** A field of the input that carries the request's bytes; the door gives a `ReadableStream`. */
  upload?: string;
}

/** One question, one answer. */
export interface Call<I extends z.ZodObject = z.ZodObject, O extends z.ZodType = z.ZodType> extends Declaration<I> {
  kind: "call";
  output: O;
  /** The status of success where it isn't 200. */
  status?: 201 | 202 | 204;
  /** The answer is bytes, and the output a {@linkcode Download}. The name of such a file, as an example. */
  download?: string;
  /** Its {@linkcode Download} can also be read in part (`Range`). */
  ranges?: true;
}

/** Bytes as an answer. */
export const Download = z.object({
  name: z.string(),
  media_type: z.string(),
  size: z.number(),
  body: z.custom<ReadableStream<Uint8Array>>(),
  /** What the bytes are known by: others have another. */
  etag: z.string().optional(),
  /** Some of the bytes, for who doesn't want all, from `first` to `last`, both among them. */
  part: z.custom<(range: { first: number; last: number }) => Promise<ReadableStream<Uint8Array>>>().optional(),
});
/** See {@linkcode Download}. */
export type Download = z.infer<typeof Download>;

/** One item of a stream. `data` is JSON, made once for all readers. */
export interface Item {
  /** Its place, to resume after; absent when it can't be resumed from. */
  seq?: number;
  type: string;
  data: string;
}

/** One question, many items, and what they add up to. */
export interface Stream<I extends z.ZodObject = z.ZodObject, O extends z.ZodType = z.ZodType> extends Declaration<I> {
  kind: "stream";
  /** The data of each type of item. */
  items: Readonly<Record<string, z.ZodType>>;
  output: O;
  /** The input field that holds the cursor (`Last-Event-ID`). */
  cursor?: string;
  /** The status of the collected answer where it isn't 200. */
  status?: 202;
  /** Whether to stream even when the request accepts no events. */
  always?: boolean;
  /** An input field that asks for the stream. */
  flag?: string;
}

/** Two flows at once. Items are typed, never parsed: this is the media path. */
export interface Duplex<I extends z.ZodObject = z.ZodObject, In = unknown, Out = unknown> extends Declaration<I> {
  kind: "duplex";
  /** Both flows are texts, and offered over HTTP as a WebSocket. One without is for other doors. */
  texts?: true;
  /** Connecting alone begins something, so whoever can't go on is refused before it. */
  begins?: true;
  /** Only for types: what flows in and out. */
  flows?: { in: In; out: Out };
}

// deno-lint-ignore no-explicit-any -- the registry holds operations of every type
export type Operation = Call<any, any> | Stream<any, any> | Duplex<any, any, any>;

/**
 * A route that a protocol shapes by hand. Its door answers it, with the access,
 * the limit and the audit of an operation; here is what others are told of it.
 */
export interface ByHand extends Pick<Declaration<z.ZodObject>, "id" | "summary" | "http" | "errors"> {
  /** Whose access, limit and audit it has. */
  uses: Operation;
  /** What stands in the query. */
  query: z.ZodObject;
  /** What is sent as JSON; absent: nothing. */
  body?: z.ZodType;
  /** What success says, and the data of each type of event where it is a stream. */
  answer: { status: 200 | 202; text: string; items?: Stream["items"] };
  /** An error, as the protocol has it. */
  error: z.ZodType;
}

/** Declares a {@linkcode Call}. */
export function call<I extends z.ZodObject, O extends z.ZodType>(op: Omit<Call<I, O>, "kind">): Call<I, O> {
  return { kind: "call", ...op };
}

/** Declares a {@linkcode Stream}. */
export function stream<I extends z.ZodObject, O extends z.ZodType>(op: Omit<Stream<I, O>, "kind">): Stream<I, O> {
  return { kind: "stream", ...op };
}

/** Declares a {@linkcode Duplex}. */
export function duplex<I extends z.ZodObject, In, Out>(
  op: Omit<Duplex<I, In, Out>, "kind">,
): Duplex<I, In, Out> {
  return { kind: "duplex", ...op };
}

/** What a stream's handler opens. */
export interface Opened<O> {
  /** The items; null when there is nothing left and never will be (204). */
  items: AsyncIterable<Item> | null;
  /** What the items add up to, for callers that can't stream. Reads `items` itself. */
  collect(options: { onCommitted(): void }): Promise<O>;
}

/** A handler, bound to the core parts it uses. */
export type Handler =
  // deno-lint-ignore no-explicit-any -- typed where it is bound
  | ((input: any, ctx: Context) => Promise<any>)
  // deno-lint-ignore no-explicit-any -- typed where it is bound
  | ((input: any, ctx: Context, incoming: AsyncIterable<any>) => AsyncIterable<any> | Promise<AsyncIterable<any>>);

/** An operation with its handler. */
export interface Bound {
  op: Operation;
  handler: Handler;
}

/** Binds a call. */
export function onCall<I extends z.ZodObject, O extends z.ZodType>(
  op: Call<I, O>,
  handler: (input: z.output<I>, ctx: Context) => Promise<z.input<O>>,
): Bound {
  return { op, handler };
}

/** Binds a stream. Refusals reject before the first item. */
export function onStream<I extends z.ZodObject, O extends z.ZodType>(
  op: Stream<I, O>,
  open: (input: z.output<I>, ctx: Context) => Promise<Opened<z.input<O>>>,
): Bound {
  return { op, handler: open };
}

/** Binds a duplex. Refusals reject before anything flows. */
export function onDuplex<I extends z.ZodObject, In, Out>(
  op: Duplex<I, In, Out>,
  handler: (
    input: z.output<I>,
    ctx: Context,
    incoming: AsyncIterable<In>,
  ) => AsyncIterable<Out> | Promise<AsyncIterable<Out>>,
): Bound {
  return { op, handler };
}
