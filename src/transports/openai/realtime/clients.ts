/**
 * Who is told of a call in this protocol's words.
 *
 * @module
 */
import { createId } from "../../../kit/id.ts";
import type { Emit } from "./emit.ts";

/** Takes the text of an event. */
export type Client = (frame: string) => void;

/** The clients of one call. */
export class Clients {
  /** Whether each is beside the call: not that of who is in it. */
  readonly #all = new Map<Client, boolean>();

  /** Adds one, until disposed. */
  add(client: Client, { beside }: { beside: boolean }): Disposable {
    this.#all.set(client, beside);
    return { [Symbol.dispose]: () => void this.#all.delete(client) };
  }

  /** Whether `client` is not that of who is in the call. */
  isBeside(client: Client): boolean {
    return this.#all.get(client) ?? true;
  }

  /** Tells everybody. */
  readonly emit: Emit = (type, fields = {}) => {
    const frame = toFrame(type, fields);
    for (const client of this.#all.keys()) client(frame);
  };

  /** Tells everybody no more. */
  clear(): void {
    this.#all.clear();
  }
}

/** Tells `client` alone. */
export function emitTo(client: Client): Emit {
  return (type, fields = {}) => client(toFrame(type, fields));
}

function toFrame(type: string, fields: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ type, event_id: createId("event"), ...fields });
}
