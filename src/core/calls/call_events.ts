/**
 * What is said about a call, told to everybody who follows it: on data channels, and to readers with a cursor.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { RunEvent } from "../../domain/event.ts";
import type { NewRtcEvent, RtcEvent, RtcEventType } from "../../domain/rtc_event.ts";
import type { Channel } from "../../ports/peers.ts";
import { Tail } from "../journal/tail.ts";

/** What a slow channel can do without: it is said again, or only tells how things stand. */
const EXPENDABLE: readonly RtcEventType[] = ["transcript.partial", "session.limits", "stats"];

/** How the events of a call are followed. */
export interface FollowCallOptions {
  /** The last event seen. */
  cursor: number | undefined;
  signal: AbortSignal;
  /** Whether to wait for what is still to come. */
  follow?: boolean;
}

/** An event as one message of a channel. */
export function toFrame({ seq, type, data }: RtcEvent): string {
  return `{"seq":${seq},"type":"${type}","data":${data}}`;
}

/** The events of one call: the newest 256, or 64 KB, are kept for those who come later. */
export class CallEvents {
  readonly #call_id: string;
  readonly #tail = new Tail<RtcEvent>(0);
  readonly #channels = new Set<Channel>();
  /** The offer that waits for its answer. */
  #offer: number | undefined;

  constructor(call_id: string) {
    this.#call_id = call_id;
  }

  /** The `seq` of the last one. */
  get last(): number {
    return this.#tail.last;
  }

  /** Tells of something. */
  emit({ type, data }: NewRtcEvent): void {
    this.#push(type, JSON.stringify(data));
  }

  /** Tells of an offer, null that none waits any more: whoever reads of one later must not answer it. */
  offer(sdp: string | null): void {
    this.#offer = sdp === null ? undefined : this.last + 1;
    if (sdp !== null) this.emit({ type: "session.offer", data: { sdp } });
  }

  /** Passes on what a run's log says, as it stands there. */
  emitRunEvent(run_id: string, { seq, type, data }: RunEvent): void {
    this.#push("run.event", `{"run_id":"${run_id}","seq":${seq},"event":"${type}","data":${data}}`);
  }

  /** Sends `channel` what is kept and what comes, until it is disposed. */
  send(channel: Channel): Disposable {
    for (const event of this.#tail.after(this.#tail.start)!) this.#sendOne(channel, event);
    this.#channels.add(channel);
    return { [Symbol.dispose]: () => void this.#channels.delete(channel) };
  }

  /**
   * What follows `cursor`, to the end of the call; without one, from the oldest that is kept. Throws `ConflictError`
   * for a cursor beyond the last event, and `GoneError` for one behind what is kept.
   */
  follow({ cursor, signal, follow = true }: FollowCallOptions): AsyncGenerator<RtcEvent> {
    const { start, last } = this.#tail;
    if (cursor !== undefined && cursor > last) {
      throw new AppError(
        "ConflictError",
        `Cannot resume call "${this.#call_id}" after event ${cursor}: the last one is ${last}`,
        { details: { cursor, last } },
      );
    }
    if (cursor !== undefined && cursor < start) throw this.#gone(cursor);
    return this.#follow(cursor ?? start, { signal, follow });
  }

  /** Nothing more comes. */
  end(): void {
    this.#tail.closed = true;
    this.#tail.wake();
    this.#channels.clear();
  }

  #push(type: RtcEventType, data: string): void {
    if (this.#tail.closed) return;
    const event = { seq: this.last + 1, type, data };
    this.#tail.push([event]);
    for (const channel of this.#channels) this.#sendOne(channel, event);
  }

  /** A channel that misses what matters is closed, so that its client asks again from where it is. */
  #sendOne(channel: Channel, event: RtcEvent): void {
    if (channel.send(toFrame(this.#asOfNow(event))) || EXPENDABLE.includes(event.type)) return;
    this.#channels.delete(channel);
    channel.close();
  }

  #asOfNow(event: RtcEvent): RtcEvent {
    return event.type !== "session.offer" || event.seq === this.#offer ? event : { ...event, data: '{"sdp":null}' };
  }

  async *#follow(
    cursor: number,
    { signal, follow }: { signal: AbortSignal; follow: boolean },
  ): AsyncGenerator<RtcEvent> {
    let resolve = () => {};
    const stop = () => resolve();
    signal.addEventListener("abort", stop, { once: true });
    try {
      while (!signal.aborted) {
        const events = this.#tail.after(cursor);
        if (!events) throw this.#gone(cursor);
        for (const event of events) {
          cursor = event.seq;
          yield this.#asOfNow(event);
          if (signal.aborted) return;
        }
        if (events.length > 0) continue;
        if (this.#tail.closed || !follow) return;
        await new Promise<void>((done) => this.#tail.wait(resolve = done));
      }
    } finally {
      this.#tail.leave(resolve);
      signal.removeEventListener("abort", stop);
    }
  }

  #gone(cursor: number): AppError {
    const { start } = this.#tail;
    const message = `Cannot resume call "${this.#call_id}" after event ${cursor}: events up to ${start} are gone`;
    return new AppError("GoneError", message, { details: { cursor, first: start } });
  }
}
