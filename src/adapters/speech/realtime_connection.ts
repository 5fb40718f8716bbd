/**
 * A connection to a Realtime server that outlives its lines: renewed before their time is up, and when they break.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { abortable } from "../../kit/abortable.ts";
import { type Clock, sleep } from "../../kit/clock.ts";
import { joinSignals } from "../../kit/joined_signal.ts";
import type { RealtimeLine } from "./realtime_line.ts";

/** The first pause before a broken line is tried again, and the longest. */
const PAUSE_MS = { first: 500, most: 30_000 };
/** A line that breaks sooner is no success: a server may take every call and end it at once. */
const SOON_MS = 10_000;

/** What a {@linkcode RealtimeConnection} needs. */
export interface RealtimeConnectionDeps {
  clock: Clock;
  /** How long a line is good for. */
  renew_ms: number;
  /** How long a line that broke is waited for. */
  connect_ms: number;
  open(signal: AbortSignal): Promise<RealtimeLine>;
  /** Whether nothing is under way that a change of lines would disturb. */
  idle(): boolean;
  /** Another line is in force. */
  onLine(line: RealtimeLine): void;
  /** The line broke, with what was under way. */
  onBreak(error: Error): void;
  /** Told once when there is none, until there was one again. */
  onTrouble(error: AppError): void;
}

/** See the module. */
export class RealtimeConnection implements Disposable {
  readonly #deps: RealtimeConnectionDeps;
  readonly #closing = new AbortController();
  #line: RealtimeLine | undefined;
  /** The line that is to follow. */
  #spare: RealtimeLine | undefined;
  #attempt: Promise<RealtimeLine> | undefined;
  #failures = 0;
  #begunAt = 0;
  /** Lines in a row that broke soon. */
  #brief = 0;
  #brokenAt: number;
  #told = false;
  #due = false;
  #renewing = false;
  #timers = new Set<Disposable>();

  constructor(deps: RealtimeConnectionDeps) {
    this.#deps = deps;
    this.#brokenAt = deps.clock.now();
  }

  /** The line in force. */
  get line(): RealtimeLine | undefined {
    return this.#line;
  }

  /** Whether it was tried and there is none. */
  get down(): boolean {
    return this.#line === undefined && this.#failures > 0;
  }

  /** Begins to connect. */
  start(): void {
    this.#connect().catch(() => {});
  }

  /** The line in force, or the next one. Rejects when it can't be had soon. */
  async ready(signal: AbortSignal): Promise<RealtimeLine> {
    const { clock, connect_ms } = this.#deps;
    for (;;) {
      if (this.#line) return this.#line;
      try {
        return await abortable(this.#connect(), signal);
      } catch (error) {
        if (signal.aborted || this.#closing.signal.aborted) throw error;
        // Who was there a moment ago may be back in another.
        if (clock.now() - this.#brokenAt >= connect_ms) throw error;
        await sleep(clock, PAUSE_MS.first, signal);
      }
    }
  }

  /** Goes over to a new line at once. */
  async renew(signal: AbortSignal): Promise<RealtimeLine> {
    using either = joinSignals(signal, this.#closing.signal);
    return this.#use(await this.#deps.open(either.signal));
  }

  /** Nothing is under way: the time for a new line, if one is due. */
  settle(): void {
    if (this.#closing.signal.aborted || !this.#due || !this.#deps.idle()) return;
    if (this.#spare && !this.#spare.ended) return void this.#use(this.#spare);
    if (this.#renewing) return;
    this.#renewing = true;
    this.#deps.open(this.#closing.signal).then((line) => {
      // Another one may have come first.
      if (this.#closing.signal.aborted || !this.#due) line.close();
      else this.#spare = line;
    }, () => this.#after(PAUSE_MS.most, () => this.settle())).finally(() => {
      this.#renewing = false;
      if (this.#spare) this.settle();
    });
  }

  /** The line is of no use any more. */
  drop(): void {
    this.#line?.close();
  }

  [Symbol.dispose](): void {
    this.#closing.abort(new AppError("CancelledError", "The call is over"));
    for (const timer of this.#timers) timer[Symbol.dispose]();
    this.#timers.clear();
    const lines = [this.#line, this.#spare];
    this.#line = this.#spare = undefined;
    for (const line of lines) line?.close();
  }

  #connect(): Promise<RealtimeLine> {
    return this.#attempt ??= this.#try().finally(() => this.#attempt = undefined);
  }

  async #try(): Promise<RealtimeLine> {
    const { signal } = this.#closing;
    try {
      signal.throwIfAborted();
      return this.#use(await this.#deps.open(signal));
    } catch (error) {
      if (signal.aborted) throw error;
      this.#retry(this.#failures++);
      this.#complain(AppError.from(error));
      throw error;
    }
  }

  #use(line: RealtimeLine): RealtimeLine {
    const { signal } = this.#closing;
    if (signal.aborted) {
      line.close();
      throw signal.reason;
    }
    const before = this.#line;
    if (this.#spare !== line) this.#spare?.close();
    this.#line = line;
    this.#begunAt = this.#deps.clock.now();
    this.#spare = undefined;
    this.#due = this.#told = false;
    this.#failures = 0;
    for (const timer of this.#timers) timer[Symbol.dispose]();
    this.#timers.clear();
    this.#after(this.#deps.renew_ms, () => {
      this.#due = true;
      this.settle();
    });
    void line.over.then((error) => this.#line === line && this.#break(error));
    this.#deps.onLine(line);
    before?.close();
    return line;
  }

  #break(error: AppError): void {
    this.#line = undefined;
    this.#brokenAt = this.#deps.clock.now();
    this.#brief = this.#brokenAt - this.#begunAt < SOON_MS ? this.#brief + 1 : 0;
    this.#deps.onBreak(error);
    this.#complain(error);
    if (this.#brief > 1) this.#retry(this.#brief - 2);
    else this.start();
  }

  /** Tries again after a pause, the longer the more was tried in vain. */
  #retry(tried: number): void {
    const pause = Math.min(PAUSE_MS.first * 2 ** tried, PAUSE_MS.most);
    this.#after(pause, () => this.#line || this.start());
  }

  #complain(error: AppError): void {
    if (!this.#told) this.#deps.onTrouble(error);
    this.#told = true;
  }

  #after(ms: number, task: () => void): void {
    if (this.#closing.signal.aborted) return;
    const timer = this.#deps.clock.after(ms, () => {
      this.#timers.delete(timer);
      task();
    });
    this.#timers.add(timer);
  }
}
