/**
 * The typed client: every operation of a MUXI somewhere else, by its declaration.
 *
 * @example Asking, and following
 * ```ts
 * import { createClient } from "./src/client.ts";
 * import { chatSend, chatStream } from "./src/operations/chat.ts";
 *
 * const muxi = createClient({ url: "http://127.0.0.1:8000", key: "sk_muxi_user_…" });
 * const answer = await muxi.call(chatSend, { message: "Hello" });
 * for await (const { type, data } of await muxi.stream(chatStream, { message: "Hello" }) ?? []) void [type, data];
 * void answer.message?.content;
 * ```
 *
 * @module
 */
import type { z } from "zod";
import { ANONYMOUS } from "./domain/access.ts";
import { createId } from "./kit/id.ts";
import type { Call, Item, Stream, Visit } from "./operations/operation.ts";
import { operations } from "./operations/mod.ts";
import { HttpGateway } from "./transports/http/client.ts";

/** Options of one request. */
export interface RequestOptions {
  signal?: AbortSignal;
  /** Makes sure that what is asked happens once, however often it is sent. */
  idempotency_key?: string;
}

/** A connection to a server. Every method throws `AppError`. */
export interface Client {
  /** One answer: of a call, or what a stream adds up to. */
  call<I extends z.ZodObject, O extends z.ZodType>(
    op: Call<I, O> | Stream<I, O>,
    input: z.input<I>,
    options?: RequestOptions,
  ): Promise<z.output<O>>;
  /** Events as they come; a connection that breaks is taken up again. Null when there is nothing left. */
  stream<I extends z.ZodObject, O extends z.ZodType>(
    op: Stream<I, O>,
    input: z.input<I>,
    options?: RequestOptions,
  ): Promise<AsyncIterable<Item> | null>;
}

/** Makes a client of the server at `url`. */
export function createClient({ url, key }: { url: string; key: string }): Client {
  const gateway = new HttpGateway({ url, key, operations });
  const toVisit = ({ signal, idempotency_key }: RequestOptions): Visit => ({
    principal: ANONYMOUS,
    address: "",
    request_id: createId("req"),
    signal: signal ?? new AbortController().signal,
    ...idempotency_key !== undefined && { idempotency_key },
  });
  return {
    call: (op, input, options = {}) => gateway.call(op, () => input, toVisit(options)),
    stream: (op, input, options = {}) => gateway.stream(op, () => input, toVisit(options)),
  };
}
