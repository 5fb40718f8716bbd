/**
 * The one door to the inside. Doors hold a gateway and nothing else.
 *
 * @module
 */
import type { z } from "zod";
import type { Principal } from "../domain/access.ts";
import type { Call, Duplex, Item, Operation, Stream, Visit } from "./operation.ts";

/** What somebody shows to be let in. */
export interface Credentials {
  /** The token of `Authorization: Bearer`, or of `X-API-Key`. */
  token?: string;
  /** A ticket (`?ticket=`): for one request, or for reading one path. */
  ticket?: string;
  /** What is asked for; without it only tickets for one request are good. */
  asked?: { method: string; path: string };
  /** The caller's network address, after trusted proxies. */
  address: string;
  request_id: string;
}

/**
 * Reads the input as sent. Called once the operation is authorised and within
 * its limits, so that no body is read for somebody who may not send it.
 */
export type ReadInput = () => Promise<unknown> | unknown;

/** What the answer's headers say about the limits. */
export interface LimitReport {
  limit: number;
  remaining: number;
  reset_seconds: number;
  /** Set when little is left: the first step of the graduated response. */
  warning?: string;
}

/** Options of one call. */
export interface CallOptions {
  onLimits?(report: LimitReport): void;
  /** Called when a collected answer has begun, and can no more become an error. */
  onCommitted?(): void;
}

/**
 * The operations, ready to use: in this process, or somewhere else over HTTP.
 * Every method throws `AppError` and nothing else.
 */
export interface Gateway {
  readonly operations: ReadonlyMap<string, Operation>;
  /** Decides who it is. No credentials at all make an anonymous principal. */
  identify(credentials: Credentials): Promise<Principal>;
  /** Lets in who may use `op` now, as its call would, and counts it: for a door that has other operations do the work. */
  admit(op: Operation, visit: Visit, options?: CallOptions): Promise<void>;
  /** One answer: of a call, or what a stream adds up to. */
  call<I extends z.ZodObject, O extends z.ZodType>(
    op: Call<I, O> | Stream<I, O>,
    read: ReadInput,
    visit: Visit,
    options?: CallOptions,
  ): Promise<z.output<O>>;
  /** Many items; null when there is nothing left and never will be. Refusals reject before the first item. */
  stream<I extends z.ZodObject, O extends z.ZodType>(
    op: Stream<I, O>,
    read: ReadInput,
    visit: Visit,
    options?: CallOptions,
  ): Promise<AsyncIterable<Item> | null>;
  /** Two flows. Admitted once, never parsed per item. */
  connect<I extends z.ZodObject, In, Out>(
    op: Duplex<I, In, Out>,
    read: ReadInput,
    visit: Visit,
    incoming: AsyncIterable<In>,
  ): Promise<AsyncIterable<Out>>;
}
