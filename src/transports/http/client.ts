/**
 * A gateway to a MUXI somewhere else: the typed client, made from the same declarations.
 *
 * @module
 */
import type { z } from "zod";
import type { Principal } from "../../domain/access.ts";
import { AppError, ERROR_STATUS, type ErrorName } from "../../domain/error.ts";
import type { CallOptions, Credentials, Gateway, ReadInput } from "../../operations/gateway.ts";
import type { Call, Duplex, Item, Operation, Stream, Visit } from "../../operations/operation.ts";
import { EventReader } from "./event_reader.ts";

/** What a {@linkcode HttpGateway} needs. */
export interface HttpGatewayOptions {
  /** The server's address, with its base path. */
  url: string;
  /** Empty where only what is public is used. */
  key: string;
  operations: ReadonlyMap<string, Operation>;
  /** For tests and proxies; the global one otherwise. */
  fetch?: typeof fetch;
  /** How often a stream that broke off is taken up again without anything new in between. */
  retries?: number;
}

interface Sent {
  input: Record<string, unknown>;
  last?: number;
}

const RETRY_MS = 200;

/** Speaks to a server over HTTP. A stream that breaks off is resumed after the last event seen. */
export class HttpGateway implements Gateway {
  readonly operations: ReadonlyMap<string, Operation>;
  #options: Required<HttpGatewayOptions>;

  constructor(options: HttpGatewayOptions) {
    this.#options = { fetch: globalThis.fetch, retries: 5, ...options };
    this.operations = options.operations;
  }

  /** The server decides who it is; here only the key is known. */
  identify(_credentials: Credentials): Promise<Principal> {
    return Promise.resolve({
      tenant_id: "default",
      key_id: "remote",
      access: "admin",
      scopes: [],
      may_assert_user: true,
    });
  }

  /** The server lets in who asks. */
  admit(): Promise<void> {
    return Promise.resolve();
  }

  async call<I extends z.ZodObject, O extends z.ZodType>(
    op: Call<I, O> | Stream<I, O>,
    read: ReadInput,
    visit: Visit,
    _options: CallOptions = {},
  ): Promise<z.output<O>> {
    const input = await read() as Record<string, unknown>;
    const response = await this.#send(op, { input }, visit, "application/json");
    if (op.kind === "call" && op.download) return toFile(response) as z.output<O>;
    if (response.status === 204) return null as z.output<O>;
    const value = await response.json().catch((cause) => {
      throw new AppError("UpstreamError", `Cannot read the server's answer to ${op.id}`, { cause });
    });
    // A collected answer that failed after its first white space comes with the status of success.
    if (isError(value)) throw toError(value, response.status);
    return op.output.parse(value);
  }

  async stream<I extends z.ZodObject, O extends z.ZodType>(
    op: Stream<I, O>,
    read: ReadInput,
    visit: Visit,
    _options: CallOptions = {},
  ): Promise<AsyncIterable<Item> | null> {
    const input = { ...await read() as Record<string, unknown>, ...op.flag && { [op.flag]: true } };
    const response = await this.#send(op, { input }, visit, "text/event-stream");
    if (response.status === 204) return null;
    return this.#follow(op, { input }, visit, response);
  }

  connect<I extends z.ZodObject, In, Out>(op: Duplex<I, In, Out>): Promise<AsyncIterable<Out>> {
    return Promise.reject(
      new AppError("ValidationError", `Cannot use ${op.id} over HTTP: it needs a connection of its own`),
    );
  }

  async *#follow(op: Operation, sent: Sent, visit: Visit, first: Response): AsyncGenerator<Item> {
    let response = first;
    let run_id: string | undefined;
    let failures = 0;
    for (;;) {
      let ended = false;
      try {
        for await (const item of new EventReader(response.body!, visit.signal)) {
          if (item.type === "error" && item.seq === undefined) {
            const value = JSON.parse(item.data);
            throw toError(value, value.statusCode);
          }
          failures = 0;
          sent.last = item.seq ?? sent.last ?? 0;
          run_id ??= JSON.parse(item.data).run_id ?? undefined;
          yield item;
          if (/^run\.(completed|failed|cancelled)$/.test(item.type)) return;
        }
        ended = true;
      } catch (thrown) {
        if (thrown instanceof AppError || visit.signal.aborted) throw thrown;
      }
      if (visit.signal.aborted) return;
      // What is no run's can only be asked for anew where that does the same, and is over when its stream ends.
      const repeatable = run_id !== undefined || isFollowing(op) || op.http.startsWith("GET ") ||
        visit.idempotency_key !== undefined;
      if (ended && !repeatable && op.limit !== "run") return;
      if (!repeatable || ++failures > this.#options.retries) {
        throw new AppError("UpstreamError", `The stream of ${op.id} broke off`, {
          details: { run_id, last: sent.last },
        });
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS * failures));
      const again = await this.#resume(op, sent, visit, run_id).catch((thrown) => {
        if (thrown instanceof AppError && thrown.name !== "UnavailableError" && thrown.name !== "UpstreamError") {
          throw thrown;
        }
        return undefined;
      });
      if (again?.status === 204) return;
      if (again) response = again;
    }
  }

  /** Whatever started a run, it is followed by its events. */
  #resume(op: Operation, sent: Sent, visit: Visit, run_id: string | undefined): Promise<Response> {
    const events = this.operations.get("run_events");
    const { input, last } = sent;
    if (isFollowing(op) || last === undefined || !events || run_id === undefined) {
      return this.#send(op, sent, visit, "text/event-stream");
    }
    const { user_id } = input;
    return this.#send(
      events,
      { input: { run_id, ...user_id !== undefined && { user_id } }, last },
      visit,
      "text/event-stream",
    );
  }

  async #send(op: Operation, { input, last }: Sent, visit: Visit, accept: string): Promise<Response> {
    const { url, key, fetch } = this.#options;
    const [method, line] = op.http.split(" ") as [string, string];
    const rest = { ...input };
    const path = line.replace("^", "").replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      const value = encodeURIComponent(String(rest[name] ?? ""));
      // An address would be made without it, and mean something else.
      if (/^\.{0,2}$/.test(value)) {
        throw new AppError("ValidationError", `Cannot use ${op.id}: ${name}: "${value}" can't be part of a path`);
      }
      delete rest[name];
      return value;
    });
    const target = new URL(`${url.replace(/\/$/, "")}/api/v1${path}`);
    const headers = new Headers({ accept, "x-request-id": visit.request_id });
    // An empty key is a wrong one; none at all opens what is public.
    if (key !== "") headers.set("authorization", `Bearer ${key}`);
    if (visit.idempotency_key !== undefined) headers.set("idempotency-key", visit.idempotency_key);
    if (last !== undefined) headers.set("last-event-id", String(last));
    const upload = op.upload === undefined ? undefined : rest[op.upload] as AsyncIterable<Uint8Array>;
    if (op.upload !== undefined) delete rest[op.upload];
    const inQuery = method === "GET" || method === "DELETE" || upload !== undefined;
    if (inQuery) {
      for (const [name, value] of Object.entries(rest)) {
        if (value !== undefined) target.searchParams.set(name, Array.isArray(value) ? value.join(",") : String(value));
      }
    } else headers.set("content-type", "application/json");
    const body = upload ? ReadableStream.from(upload) : inQuery ? null : JSON.stringify(rest);
    let response: Response;
    try {
      response = await fetch(target, { method, headers, body, signal: visit.signal });
    } catch (cause) {
      visit.signal.throwIfAborted();
      throw new AppError("UpstreamError", `Cannot reach the server at "${target.origin}"`, { cause });
    }
    if (response.ok) return response;
    const value = await response.json().catch(() => ({}));
    throw toError(isError(value) ? value : {}, response.status, Number(response.headers.get("retry-after") ?? 0));
  }
}

/** Whether `op` only follows what is there, from any place on. */
function isFollowing(op: Operation): boolean {
  return op.kind === "stream" && op.cursor !== undefined;
}

interface ErrorShape {
  error?: string;
  message?: string;
  details?: Record<string, unknown>;
}

function isError(value: unknown): value is ErrorShape {
  return typeof value === "object" && value !== null && "error" in value && "statusCode" in value;
}

function toError({ error, message, details }: ErrorShape, status: number, retry_after = 0): AppError {
  const name = error !== undefined && error in ERROR_STATUS
    ? error as ErrorName
    : (Object.keys(ERROR_STATUS) as ErrorName[]).find((name) => ERROR_STATUS[name] === status) ?? "UpstreamError";
  return new AppError(name, message ?? `The server answered ${status}`, {
    ...details && Object.keys(details).length > 0 && { details },
    ...retry_after > 0 && { retry_after },
  });
}

function toFile(response: Response) {
  const disposition = response.headers.get("content-disposition") ?? "";
  const name = /filename\*=UTF-8''([^;]+)/.exec(disposition)?.[1];
  return {
    name: name === undefined ? "file" : decodeURIComponent(name),
    media_type: response.headers.get("content-type") ?? "application/octet-stream",
    size: Number(response.headers.get("content-length") ?? 0),
    body: response.body!,
  };
}
