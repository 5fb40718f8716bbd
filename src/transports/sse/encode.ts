/**
 * Items as frames of server-sent events (WHATWG HTML, section 9.2).
 *
 * @module
 */
import type { Item } from "../../operations/operation.ts";

const encoder = new TextEncoder();
const frames = new WeakMap<Item, Uint8Array>();

/** The frame of `item`, made once for all its readers. Data is JSON, so it is one line. */
export function toFrame(item: Item): Uint8Array {
  const known = frames.get(item);
  if (known) return known;
  const id = item.seq === undefined ? "" : `id: ${item.seq}\n`;
  const frame = encoder.encode(`${id}event: ${item.type}\ndata: ${item.data}\n\n`);
  frames.set(item, frame);
  return frame;
}
