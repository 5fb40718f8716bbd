/**
 * The items of a conversation, as this protocol's clients know them.
 *
 * @module
 */

/** A part of a message. */
export interface ItemPart {
  type: string;
  text?: string;
  /** Of sound; null until it is known. */
  transcript?: string | null;
  [field: string]: unknown;
}

/** An item. */
export interface Item {
  id: string;
  object: "realtime.item";
  type: string;
  status?: "in_progress" | "completed" | "incomplete";
  role?: string;
  content?: ItemPart[];
  [field: string]: unknown;
}

/** How many items can still be asked for: the oldest are forgotten. */
const MAX_ITEMS = 1000;

/** The items of one call, in their order. */
export class Items {
  #items = new Map<string, Item>();
  #last: string | null = null;

  /** The last one's id; null while there is none. */
  get last(): string | null {
    return this.#last;
  }

  /** The item `id`. */
  get(id: string): Item | undefined {
    return this.#items.get(id);
  }

  /** Puts an item at the end. Returns the id of the one before. */
  add(item: Item): string | null {
    const before = this.#last;
    this.#items.set(item.id, item);
    this.#last = item.id;
    if (this.#items.size > MAX_ITEMS) this.#items.delete(this.#items.keys().next().value!);
    return before;
  }

  /** Whether one of them is a call of the client's own tool. */
  hasCall(call_id: string): boolean {
    return this.#items.values().some((item) => item.type === "function_call" && item.call_id === call_id);
  }
}

/** A message that the caller said, or typed. What was said may have no words yet. */
export function toCallerItem(id: string, text: string | null, { spoken }: { spoken: boolean }): Item {
  return {
    id,
    object: "realtime.item",
    type: "message",
    status: "completed",
    role: "user",
    content: [spoken ? { type: "input_audio", transcript: text } : { type: "input_text", text: text ?? "" }],
  };
}
