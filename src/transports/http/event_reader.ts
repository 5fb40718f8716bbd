/**
 * Reading server-sent events (WHATWG HTML, section 9.2), as far as MUXI writes them.
 *
 * @module
 */
import type { Item } from "../../operations/operation.ts";

/** The most that one event may hold, in characters. */
const MAX_EVENT = 16_777_216;

/** The items of an event stream, in order. Comments are skipped. */
export class EventReader implements AsyncIterable<Item> {
  #body: ReadableStream<Uint8Array>;
  #signal: AbortSignal;

  /** `signal` ends the reading: the one that fetch was given may be forgotten once it has answered. */
  constructor(body: ReadableStream<Uint8Array>, signal: AbortSignal) {
    this.#body = body;
    this.#signal = signal;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item> {
    let text = "";
    for await (
      const chunk of this.#body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>, {
        signal: this.#signal,
      })
    ) {
      text += chunk;
      for (let end; (end = text.indexOf("\n\n")) >= 0;) {
        const item = toItem(text.slice(0, end));
        text = text.slice(end + 2);
        if (item) yield item;
      }
      if (text.length > MAX_EVENT) throw new RangeError("An event is too long");
    }
  }
}

function toItem(frame: string): Item | undefined {
  const item: { seq?: number; type?: string; data?: string } = {};
  for (const line of frame.split("\n")) {
    if (line.startsWith("id: ")) item.seq = Number(line.slice(4));
    else if (line.startsWith("event: ")) item.type = line.slice(7);
    else if (line.startsWith("data: ")) item.data = line.slice(6);
  }
  return item.data === undefined ? undefined : { ...item, type: item.type ?? "message", data: item.data };
}
