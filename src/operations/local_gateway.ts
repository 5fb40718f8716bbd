/**
 * The gateway of this process: who, whether, how often, what, and only then the work.
 *
 * @module
 */
import { z } from "zod";
import { type CallSecrets, SECRET_PREFIX } from "../core/calls/secrets.ts";
import type { AttemptLimit } from "../core/identity/attempts.ts";
import type { Audit } from "../core/identity/audit.ts";
import type { Keys } from "../core/identity/keys.ts";
import type { Limits } from "../core/identity/limits.ts";
import type { Slots } from "../core/identity/slots.ts";
import { subjectOf } from "../core/identity/subject.ts";
import type { Tickets } from "../core/identity/tickets.ts";
import { actingFor, allows, ANONYMOUS, type Principal } from "../domain/access.ts";
import { AppError } from "../domain/error.ts";
import { joinSignals } from "../kit/joined_signal.ts";
import type { Log } from "../kit/log.ts";
import type { CallOptions, Credentials, Gateway, ReadInput } from "./gateway.ts";
import { toWords } from "./issue_words.ts";
import type { Bound, Call, Context, Duplex, Item, Opened, Operation, Stream, Visit } from "./operation.ts";

/** Refusals that are worth an audit row. */
const AUDITED = ["UnauthorizedError", "ForbiddenError", "TooManyRequestsError"];
const MAX_ISSUES = 20;
const MAX_MESSAGE = 500;

/** What a {@linkcode LocalGateway} needs. */
export interface LocalGatewayDeps {
  bound: readonly Bound[];
  keys: Keys;
  /** Knows what was made for calls alone. */
  secrets: Pick<CallSecrets, "identify">;
  tickets: Tickets;
  attempts: AttemptLimit;
  limits: Limits;
  slots: Slots;
  audit: Audit;
  log: Log;
  /** Whether admin operations may be used from an address. */
  adminFrom(address: string): boolean;
}

/** What is known of somebody who came in. */
interface Entered {
  subject: string;
  /** Aborts when the key is revoked. */
  revoked: AbortSignal;
  /** To be disposed when the input is read. */
  slot: Disposable;
}

/** Somebody with an input that was read. */
interface Admitted {
  subject: string;
  ctx: Context;
  input: unknown;
  /** To be disposed when what was admitted is over. */
  joined: Disposable | undefined;
}

/** See the module. */
export class LocalGateway implements Gateway {
  readonly operations: ReadonlyMap<string, Operation>;
  #deps: LocalGatewayDeps;
  #handlers: Map<string, Bound>;

  constructor(deps: LocalGatewayDeps) {
    this.#deps = deps;
    this.#handlers = new Map(deps.bound.map((bound) => [bound.op.id, bound]));
    this.operations = new Map(deps.bound.map(({ op }) => [op.id, op]));
  }

  async identify({ token, ticket, asked, address, request_id }: Credentials): Promise<Principal> {
    const { keys, secrets, tickets, attempts } = this.#deps;
    if (token === undefined && ticket === undefined) return ANONYMOUS;
    try {
      return await attempts.guard(
        address,
        () => {
          if (ticket !== undefined) return Promise.resolve().then(() => tickets.redeem(ticket, asked));
          return token?.startsWith(SECRET_PREFIX) ? secrets.identify(token) : keys.identify({ token });
        },
      );
    } catch (thrown) {
      throw this.#refused(thrown, "identify", { principal: ANONYMOUS, address, request_id });
    }
  }

  admit(op: Operation, visit: Visit, options: CallOptions = {}): Promise<void> {
    try {
      this.#enter(op, visit, options).slot[Symbol.dispose]();
      return Promise.resolve();
    } catch (thrown) {
      return Promise.reject(this.#refused(thrown, op.id, visit));
    }
  }

  async call<I extends z.ZodObject, O extends z.ZodType>(
    op: Call<I, O> | Stream<I, O>,
    read: ReadInput,
    visit: Visit,
    options: CallOptions = {},
  ): Promise<z.output<O>> {
    let slot: Disposable | undefined;
    let admitted: Admitted | undefined;
    try {
      admitted = await this.#admit(op, read, visit, options);
      const { ctx, input, subject } = admitted;
      if (op.kind === "stream") slot = this.#deps.slots.acquire("streams", subject);
      const answer = await this.#handle(op, input, ctx);
      this.#done(op, admitted);
      if (op.kind === "call") return this.#check(op, answer);
      const collected = await (answer as Opened<unknown>).collect({
        onCommitted: options.onCommitted ?? (() => {}),
      });
      return this.#check(op, collected);
    } catch (thrown) {
      throw this.#refused(thrown, op.id, visit);
    } finally {
      slot?.[Symbol.dispose]();
      admitted?.joined?.[Symbol.dispose]();
    }
  }

  async stream<I extends z.ZodObject, O extends z.ZodType>(
    op: Stream<I, O>,
    read: ReadInput,
    visit: Visit,
    options: CallOptions = {},
  ): Promise<AsyncIterable<Item> | null> {
    let slot: Disposable | undefined;
    let admitted: Admitted | undefined;
    try {
      admitted = await this.#admit(op, read, visit, options);
      const { ctx, input } = admitted;
      slot = this.#deps.slots.acquire("streams", admitted.subject);
      const { items } = await this.#handle(op, input, ctx) as Opened<unknown>;
      this.#done(op, admitted);
      if (items) {
        return new Guarded(items, {
          slot,
          joined: admitted.joined,
          map: (thrown) => this.#refused(thrown, op.id, visit),
        });
      }
      slot[Symbol.dispose]();
      admitted.joined?.[Symbol.dispose]();
      return null;
    } catch (thrown) {
      slot?.[Symbol.dispose]();
      admitted?.joined?.[Symbol.dispose]();
      throw this.#refused(thrown, op.id, visit);
    }
  }

  async connect<I extends z.ZodObject, In, Out>(
    op: Duplex<I, In, Out>,
    read: ReadInput,
    visit: Visit,
    incoming: AsyncIterable<In>,
  ): Promise<AsyncIterable<Out>> {
    let slot: Disposable | undefined;
    let admitted: Admitted | undefined;
    try {
      admitted = await this.#admit(op, read, visit, {});
      const { ctx, input } = admitted;
      slot = this.#deps.slots.acquire("streams", admitted.subject);
      const handler = this.#handlers.get(op.id)!.handler as (
        input: unknown,
        ctx: Context,
        incoming: AsyncIterable<In>,
      ) => AsyncIterable<Out> | Promise<AsyncIterable<Out>>;
      const map = (thrown: unknown) => this.#refused(thrown, op.id, visit);
      return new Guarded(await handler(input, ctx, incoming), { slot, joined: admitted.joined, map });
    } catch (thrown) {
      slot?.[Symbol.dispose]();
      admitted?.joined?.[Symbol.dispose]();
      throw this.#refused(thrown, op.id, visit);
    }
  }

  /** Whether and how often. */
  #enter(op: Operation, visit: Visit, { onLimits }: CallOptions): Entered {
    const { limits, slots, keys } = this.#deps;
    const { principal, address } = visit;
    this.#authorise(op, visit);
    const subject = subjectOf(principal, address);
    const report = limits.take(subject, op.id, op.limit);
    if (report) onLimits?.(report);
    const revoked = keys.signalFor(principal.key_id);
    if (revoked.aborted) throw revoked.reason;
    return { subject, revoked, slot: slots.acquire("requests", subject) };
  }

  async #admit(op: Operation, read: ReadInput, visit: Visit, options: CallOptions): Promise<Admitted> {
    const { idempotency_key, ...caller } = visit;
    const { principal } = caller;
    const { subject, revoked, slot } = this.#enter(op, visit, options);
    let input: unknown;
    try {
      input = parse(op, await read());
    } finally {
      slot[Symbol.dispose]();
    }
    const acting = actingFor(principal, (input as { user_id?: string }).user_id);
    // A call is short; a stream ends with its key.
    const joined = op.kind === "call" ? undefined : joinSignals(visit.signal, revoked);
    const ctx: Context = {
      ...caller,
      // What is not declared to happen once has nothing to keep a key with.
      ...op.once && idempotency_key !== undefined && { idempotency_key },
      principal: acting,
      signal: joined?.signal ?? visit.signal,
    };
    return { subject, ctx, input, joined };
  }

  #authorise(op: Operation, { principal, address }: Visit): void {
    if (!allows(principal, op.access)) {
      if (principal.access === "public") {
        throw new AppError(
          "UnauthorizedError",
          `Cannot use ${op.id} without a key: expected the header "Authorization: Bearer <key>"`,
        );
      }
      throw new AppError("ForbiddenError", `Cannot use ${op.id} with this key: it needs an ${op.access} key`);
    }
    if (principal.grant && op.access !== "public" && !principal.grant.operations.includes(op.id)) {
      throw new AppError("ForbiddenError", `Cannot use ${op.id} with this secret: it is for calls alone`);
    }
    const missing = op.scopes?.find((scope) => !principal.scopes.includes(scope));
    if (missing !== undefined && principal.access !== "admin") {
      const how = "Keys of the settings have those in auth.user_scopes (MUXI_AUTH_USER_SCOPES)";
      throw new AppError(
        "ForbiddenError",
        `Cannot use ${op.id} with this key: it lacks the scope "${missing}". ${how}`,
      );
    }
    if (op.access === "admin" && !this.#deps.adminFrom(address)) {
      throw new AppError("ForbiddenError", `Cannot use ${op.id} from this address: the settings don't allow it`);
    }
  }

  #handle(op: Operation, input: unknown, ctx: Context): Promise<unknown> {
    const { handler } = this.#handlers.get(op.id)!;
    return (handler as (input: unknown, ctx: Context) => Promise<unknown>)(input, ctx);
  }

  /** What an admin changes is on record. */
  #done(op: Operation, { ctx: { principal, address, request_id }, input }: Admitted): void {
    if (op.access !== "admin" || op.http.startsWith("GET ")) return;
    const details = targetOf(op, input);
    this.#deps.audit.record({ principal, action: op.id, outcome: "allowed", address, request_id, details });
  }

  #check<O extends z.ZodType>(op: Operation & { output: O }, answer: unknown): z.output<O> {
    const checked = op.output.safeParse(answer);
    if (checked.success) return checked.data;
    throw new Error(`The answer of ${op.id} is not as declared: ${z.prettifyError(checked.error)}`);
  }

  #refused(
    thrown: unknown,
    action: string,
    { principal, address, request_id, signal }: Omit<Visit, "signal"> & { signal?: AbortSignal },
  ): AppError {
    const gone = signal?.aborted && !(thrown instanceof AppError);
    const error = gone
      ? new AppError("CancelledError", "The request was cancelled", { cause: thrown })
      : AppError.from(thrown);
    const { log, audit } = this.#deps;
    if (error.name === "InternalError") {
      log.error("Operation failed", { operation: action, request_id, error: error.cause ?? error });
    }
    if (AUDITED.includes(error.name)) {
      audit.record({ principal, action, outcome: "refused", error: error.name, address, request_id });
    }
    return error;
  }
}

function parse(op: Operation, raw: unknown): unknown {
  const parsed = op.input.safeParse(raw ?? {});
  if (parsed.success) return parsed.data;
  const issues = (parsed.error as z.ZodError).issues.slice(0, MAX_ISSUES)
    .map((issue) => ({ field: issue.path.join("."), message: toWords(issue).slice(0, MAX_MESSAGE) }));
  const first = issues.slice(0, 3).map(({ field, message }) => field === "" ? message : `${field}: ${message}`);
  throw new AppError("ValidationError", `Cannot use ${op.id}: ${first.join("; ")}`.slice(0, MAX_MESSAGE * 2), {
    details: { issues },
  });
}

/** What an operation was done to: the parts of its path. */
function targetOf({ http }: Operation, input: unknown): Record<string, unknown> {
  const names = Array.from(http.matchAll(/\{(\w+)\}/g), ([, name]) => name!);
  return Object.fromEntries(names.map((name) => [name, (input as Record<string, unknown>)[name]]));
}

interface Guard {
  slot: Disposable;
  joined: Disposable | undefined;
  map: (thrown: unknown) => AppError;
}

/** Items on their way out: errors are mapped, and the slot is given back at the end. */
class Guarded<T> implements AsyncIterableIterator<T> {
  #source: AsyncIterator<T>;
  #guard: Guard;

  constructor(source: AsyncIterable<T>, guard: Guard) {
    this.#source = source[Symbol.asyncIterator]();
    this.#guard = guard;
  }

  async next(): Promise<IteratorResult<T>> {
    try {
      const result = await this.#source.next();
      if (result.done) this.#end();
      return result;
    } catch (thrown) {
      this.#end();
      throw this.#guard.map(thrown);
    }
  }

  async return(): Promise<IteratorResult<T>> {
    this.#guard.slot[Symbol.dispose]();
    // What waits for something else hears of the end by its signal.
    try {
      await this.#source.return?.();
    } finally {
      this.#end();
    }
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #end(): void {
    this.#guard.slot[Symbol.dispose]();
    this.#guard.joined?.[Symbol.dispose]();
  }
}
