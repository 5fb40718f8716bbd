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
/** How many of those that were deleted may still get a name. */
const MAX_NAMELESS = 64;

/** What the call knows an item as; null: that is still to come. Undefined: it doesn't know it. */
type ItemName = string | null | undefined;

/** An item, and its name. */
interface KeptItem {
  item: Item;
  name: ItemName;
}

/** Where an item stands, and what it is. */
export interface ItemPlace {
  name?: ItemName;
  /** The item before it; null: it is the first. Absent: it is the last. */
  after?: string | null | undefined;
}

/** Who is told what of {@linkcode Items}. */
export interface ItemsDeps {
  /** Told what the call knows a deleted item as. */
  forget(name: string): void;
  /** Told that what the call knows an item as is no longer to come. */
  onNamed(): void;
}

/** The items of one call, in their order. */
export class Items {
  readonly #deps: ItemsDeps;
  #kept: KeptItem[] = [];
  /** Deleted before the call had a name for them. */
  readonly #nameless = new Set<Item>();

  constructor(deps: ItemsDeps) {
    this.#deps = deps;
  }

  /** The last one's id; null while there is none. */
  get last(): string | null {
    return this.#kept.at(-1)?.item.id ?? null;
  }

  /** The item `id`. */
  get(id: string): Item | undefined {
    return this.#kept.find(({ item }) => item.id === id)?.item;
  }

  /** Whether `item` itself is there, and no other of its id. */
  has(item: Item): boolean {
    return this.#find(item) !== undefined;
  }

  /** The id of the one before the item `id`; null: it is the first. */
  before(id: string): string | null {
    const at = this.#kept.findIndex(({ item }) => item.id === id);
    return this.#kept[at - 1]?.item.id ?? null;
  }

  /** Puts an item to its place. Returns the id of the one before. */
  add(item: Item, { name, after }: ItemPlace = {}): string | null {
    const at = after === undefined ? this.#kept.length : this.#kept.findIndex(({ item: { id } }) => id === after) + 1;
    const before = this.#kept[at - 1]?.item.id ?? null;
    this.#kept.splice(at, 0, { item, name });
    // What was just put first is not the oldest.
    if (this.#kept.length > MAX_ITEMS) this.#kept.splice(at === 0 ? 1 : 0, 1);
    return before;
  }

  /** The call knows `item` as `name`, or doesn't know it. */
  name(item: Item, name: string | undefined): void {
    const kept = this.#find(item);
    if (kept) kept.name = name;
    else if (name !== undefined && this.#nameless.delete(item)) this.#deps.forget(name);
    this.#deps.onNamed();
  }

  /** If the call has no name for `item` by now, none will come. */
  settle(item: Item): void {
    if (this.#find(item)?.name === null) this.name(item, undefined);
  }

  /**
   * What the call knows the item `id` as, or else the nearest before it that has a name; null: none has. Undefined: that
   * one's name is still to come.
   */
  nameAt(id: string): string | null | undefined {
    const at = this.#kept.findIndex(({ item }) => item.id === id);
    const nearest = this.#kept.slice(0, at + 1).findLast(({ name }) => name !== undefined);
    return nearest ? nearest.name ?? undefined : null;
  }

  /** Deletes the item `id`. */
  delete(id: string): void {
    const at = this.#kept.findIndex(({ item }) => item.id === id);
    const [kept] = at < 0 ? [] : this.#kept.splice(at, 1);
    if (!kept) return;
    if (typeof kept.name === "string") return this.#deps.forget(kept.name);
    this.#nameless.add(kept.item);
    const [oldest] = this.#nameless;
    if (this.#nameless.size > MAX_NAMELESS) this.#nameless.delete(oldest!);
  }

  /** Whose tool the call `call_id` is of; undefined: it isn't there. */
  callOf(call_id: string): "client" | "server" | undefined {
    for (const { item: { type, call_id: own }, name } of this.#kept) {
      if (type === "function_call" && own === call_id) return "client";
      if (type === "mcp_call" && name === call_id) return "server";
    }
    return undefined;
  }

  #find(item: Item): KeptItem | undefined {
    return this.#kept.find((kept) => kept.item === item);
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
