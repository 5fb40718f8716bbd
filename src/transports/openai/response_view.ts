/**
 * Responses that are there already: what their runs' logs tell, from any point on, to now or to the end.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Run } from "../../domain/run.ts";
import type { Clock } from "../../kit/clock.ts";
import type { CallOptions, Gateway } from "../../operations/gateway.ts";
import type { Item, Visit } from "../../operations/operation.ts";
import { runCancel, runDelete, runEvents, runGet } from "../../operations/runs.ts";
import { invalid } from "./errors.ts";
import { fromResponseId } from "./ids.ts";
import { type ResponseFacts, toFacts } from "./response_facts.ts";
import { tellResponse } from "./response_frames.ts";
import { ResponseLog } from "./response_log.ts";
import type { ResponseObject } from "./response_shape.ts";

/** How long the end of a response is waited for that was told to stop. */
const CANCEL_MS = 10_000;

/** Who looks. */
export interface Viewer {
  visit: Visit;
  user_id?: string | undefined;
  options?: CallOptions;
}

/** A response that was found. */
export interface Found {
  run: Run;
  facts: ResponseFacts;
}

/** A response that is followed. */
export interface Followed {
  items: AsyncIterable<Item>;
  log: ResponseLog;
}

/** Finds, shows, follows, cancels and deletes responses. */
export class ResponseView {
  #gateway: Gateway;
  #clock: Clock;

  constructor({ gateway, clock }: { gateway: Gateway; clock: Clock }) {
    this.#gateway = gateway;
    this.#clock = clock;
  }

  /** The response `id`, unless its caller wanted none to be kept. */
  async find(id: string, { visit, user_id, options }: Viewer): Promise<Found> {
    // Read once it is known who asks: a stranger learns nothing of ids.
    const read = () => {
      const run_id = fromResponseId(id);
      if (run_id === undefined) throw notFound(id);
      return { run_id, ...named(user_id) };
    };
    try {
      const run = await this.#gateway.call(runGet, read, visit, options);
      const facts = toFacts(run);
      if (!facts.store) throw notFound(id);
      return { run, facts };
    } catch (thrown) {
      throw thrown instanceof AppError && thrown.name === "RunNotFoundError" ? notFound(id) : thrown;
    }
  }

  /** A response as it is now. Once its deltas are no longer kept, its answer still is. */
  async show(found: Found, viewer: Viewer): Promise<ResponseObject> {
    return await this.#read(found, viewer, { follow: false });
  }

  /** The events of a response after number `starting_after`. Refuses a number that is beyond the last. */
  async follow({ run, facts }: Found, starting_after: number, viewer: Viewer): Promise<Followed> {
    const log = new ResponseLog(facts, run.conversation_id);
    let ahead: Item[] = [];
    let seq = 0;
    for await (const item of await this.#open(run.id, viewer, { follow: false })) {
      seq = item.seq!;
      const events = log.next(item);
      ahead = events.slice(events.length - Math.max(0, log.sequence - starting_after));
      if (log.sequence > starting_after) break;
    }
    if (starting_after > log.sequence) {
      throw invalid(
        `Cannot go on after event ${starting_after} of the response: its last one is ${log.sequence}`,
        { param: "starting_after" },
      );
    }
    const rest = log.over ? null : await this.#open(run.id, viewer, { follow: true, starting_after: seq });
    return { log, items: goOn(ahead, rest, log) };
  }

  /** Stops a response that is made in the background, and shows what came of it. Twice is as good as once. */
  async cancel(found: Found, viewer: Viewer): Promise<ResponseObject> {
    const { run, facts } = found;
    if (!facts.background) throw invalid("Cannot cancel a synchronous response: close its connection");
    if (run.status === "completed" || run.status === "failed") {
      throw invalid(`Cannot cancel a response that has ${run.status} already`);
    }
    const { visit, user_id } = viewer;
    try {
      await this.#gateway.call(runCancel, () => ({ run_id: run.id, ...named(user_id) }), visit);
    } catch (thrown) {
      if (!(thrown instanceof AppError) || thrown.name !== "ConflictError") throw thrown;
      throw invalid("Cannot cancel a response that has ended already");
    }
    const enough = new AbortController();
    using _ = this.#clock.after(CANCEL_MS, () => enough.abort());
    const signal = AbortSignal.any([visit.signal, enough.signal]);
    return await this.#read(found, { ...viewer, visit: { ...visit, signal } }, { follow: true });
  }

  /** Deletes a response that has ended. */
  async delete({ run }: Found, { visit, user_id }: Viewer): Promise<void> {
    try {
      await this.#gateway.call(runDelete, () => ({ run_id: run.id, ...named(user_id) }), visit);
    } catch (thrown) {
      if (!(thrown instanceof AppError) || thrown.name !== "ConflictError") throw thrown;
      throw invalid("Cannot delete an in-flight response: cancel it first");
    }
  }

  /** Reads the log from its beginning, or from where it is still kept, to where it ends now or for good. */
  async #read({ run, facts }: Found, viewer: Viewer, { follow }: { follow: boolean }): Promise<ResponseObject> {
    const log = new ResponseLog(facts, run.conversation_id);
    for await (const item of await this.#kept(run.id, viewer, follow)) {
      log.next(item);
      if (log.over) break;
    }
    return log.response!;
  }

  async #kept(run_id: string, viewer: Viewer, follow: boolean): Promise<AsyncIterable<Item>> {
    try {
      return await this.#open(run_id, viewer, { follow });
    } catch (thrown) {
      const first = thrown instanceof AppError && thrown.name === "GoneError" ? thrown.details?.first : undefined;
      if (typeof first !== "number") throw thrown;
      return await this.#open(run_id, viewer, { follow, starting_after: first });
    }
  }

  async #open(
    run_id: string,
    { visit, user_id }: Viewer,
    from: { follow: boolean; starting_after?: number },
  ): Promise<AsyncIterable<Item>> {
    const read = () => ({ run_id, ...from, ...named(user_id) });
    const items = await this.#gateway.stream(runEvents, read, visit);
    if (!items) throw new AppError("GoneError", `Cannot read the log of run "${run_id}": it is no longer kept`);
    return items;
  }
}

async function* goOn(ahead: Item[], rest: AsyncIterable<Item> | null, log: ResponseLog): AsyncGenerator<Item> {
  yield* ahead;
  if (rest) yield* tellResponse(rest, log);
}

function named(user_id: string | undefined): { user_id?: string } {
  return user_id === undefined ? {} : { user_id };
}

function notFound(id: string): AppError {
  return new AppError("NotFoundError", `Cannot find response "${id.slice(0, 100)}"`);
}
