/**
 * The calls under way at a server, and in which of them it asks.
 *
 * Over Streamable HTTP the stream says that. Elsewhere a server of the older era
 * asks without a word about the call, and nobody may be shown the question of
 * another: then it waits until only one audience is left that it can be for. From
 * then on, calls of several audiences stand in line. A call that was given up
 * leaves its owner only in question: they may see what is asked in any of theirs.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Clock } from "../../kit/clock.ts";
import { Lines } from "../../kit/lines.ts";
import { ASKED_IN_MS, GIVEN_UP_MS, LINE_MS } from "./limits.ts";

/** A call of a tool, who would be asked in it, and whose it is. */
export interface OpenCall {
  tool_call_id: string;
  audience?: string | undefined;
  owner?: string | undefined;
}

/** In which call a server asks, or in which it could be. */
export interface AskedIn {
  tool_call_id?: string;
  among?: readonly string[];
}

/** A call that is noted. Disposing it ends it; one that has no answer by then may go on at the server. */
export class NotedCall implements Disposable {
  #isAnswered = false;
  readonly #onEnd: (isAnswered: boolean) => void;

  constructor(onEnd: (isAnswered: boolean) => void) {
    this.#onEnd = onEnd;
  }

  /** Notes that the server has answered it. */
  answered(): void {
    this.#isAnswered = true;
  }

  [Symbol.dispose](): void {
    this.#onEnd(this.#isAnswered);
  }
}

/** Parts of {@linkcode OpenCalls}. */
export interface OpenCallsDeps {
  /** Whose calls they are. */
  server: string;
  /** Servers that have asked without saying in which call. */
  askers: Set<string>;
  clock: Clock;
}

interface Parties {
  audience: string;
  owner: string;
}

/** See the module. */
export class OpenCalls {
  readonly #deps: OpenCallsDeps;
  /** Calls by name, the oldest first. */
  readonly #open = new Map<string, Parties>();
  /** Calls in which a question is open. */
  readonly #asked = new Set<string>();
  /** Calls that nobody waits for any more, and until when the server may still ask in them. */
  readonly #givenUp = new Map<string, { owner: string; until: number }>();
  /** Whoever waits for a call to end, or to be asked something. */
  readonly #waiting = new Set<() => void>();
  /** Questions of which nobody knows yet in which call they are asked. */
  #unclear = 0;
  /** Of these one is looked at after the other: when it is clear, or given up, the next may be clear, too. */
  readonly #lines = new Lines();

  constructor(deps: OpenCallsDeps) {
    this.#deps = deps;
  }

  /** Notes a call until disposed. At a server that asks without saying in which call, others' calls end first. */
  async enter(
    { tool_call_id, audience = tool_call_id, owner = audience }: OpenCall,
    signal: AbortSignal,
  ): Promise<NotedCall> {
    this.#forget();
    const { server, askers } = this.#deps;
    const isHeldUp = () => askers.has(server) && this.#runs(audience);
    const begin = () => isHeldUp() ? undefined : this.#begin(tool_call_id, { audience, owner });
    const begun = begin() ?? await this.#until(begin, { ms: LINE_MS, signal });
    if (begun) return begun;
    const why = "it asks people without saying in which call, and calls of others are still under way";
    throw new AppError("UnavailableError", `Cannot call tool server "${server}" now: ${why}`, {
      retry_after: 5,
    });
  }

  /** Does `work` in the call `known`, or else in the only one that a question can belong to. */
  async asking<T>(
    { known, signal }: { known: string | undefined; signal: AbortSignal },
    work: (asked: AskedIn) => Promise<T>,
  ): Promise<T> {
    const tool_call_id = known ?? await this.#findNext(signal);
    if (tool_call_id === undefined) return await work({ among: [...this.#open.keys()] });
    const isFirst = !this.#asked.has(tool_call_id);
    this.#asked.add(tool_call_id);
    this.#tell();
    try {
      return await work({ tool_call_id });
    } finally {
      if (isFirst) this.#asked.delete(tool_call_id);
    }
  }

  #begin(tool_call_id: string, parties: Parties): NotedCall {
    this.#open.set(tool_call_id, parties);
    return new NotedCall((isAnswered) => {
      this.#open.delete(tool_call_id);
      const until = this.#deps.clock.now() + GIVEN_UP_MS;
      if (!isAnswered) this.#givenUp.set(tool_call_id, { owner: parties.owner, until });
      this.#tell();
    });
  }

  #forget(): void {
    const now = this.#deps.clock.now();
    for (const [id, { until }] of this.#givenUp) if (until <= now) this.#givenUp.delete(id);
  }

  /** Whether a call of another audience is under way that isn't held up by a question. */
  #runs(audience: string): boolean {
    return this.#open.entries().some(([id, other]) => other.audience !== audience && !this.#asked.has(id));
  }

  async #findNext(signal: AbortSignal): Promise<string | undefined> {
    const { server, askers } = this.#deps;
    askers.add(server);
    this.#unclear++;
    this.#tell();
    return await this.#lines.run("", async () => {
      try {
        return await this.#find(signal);
      } finally {
        this.#unclear--;
      }
    });
  }

  async #find(signal: AbortSignal): Promise<string | undefined> {
    const isOver = () => this.#isClear() || this.#isStuck();
    if (!isOver()) await this.#until(() => isOver() || undefined, { ms: ASKED_IN_MS, signal });
    return this.#isClear() ? this.#open.keys().next().value : undefined;
  }

  #isClear(): boolean {
    this.#forget();
    const [first, ...others] = this.#open.values();
    return others.every(({ audience }) => audience === first!.audience) &&
      this.#givenUp.values().every(({ owner }) => owner === first?.owner);
  }

  /** Whether every call waits for the answer to a question that nobody can place. */
  #isStuck(): boolean {
    return this.#unclear >= this.#open.size;
  }

  /** What `look` finds once it does; undefined when `ms` pass before. */
  async #until<T>(
    look: () => T | undefined,
    { ms, signal }: { ms: number; signal: AbortSignal },
  ): Promise<T | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<T | undefined>();
    // Once it is over nobody looks on: what is found is taken.
    const over = (settle: () => void) => {
      this.#waiting.delete(again);
      settle();
    };
    const again = () => {
      const found = look();
      if (found !== undefined) over(() => resolve(found));
    };
    const stop = () => over(() => reject(signal.reason));
    this.#waiting.add(again);
    signal.addEventListener("abort", stop, { once: true });
    using _ = this.#deps.clock.after(ms, () => over(() => resolve(undefined)));
    if (signal.aborted) stop();
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  #tell(): void {
    if (this.#waiting.size === 0) return;
    for (const again of [...this.#waiting]) again();
  }
}
