/**
 * What a server remembers of a conversation, and what has to be said so that it remembers what was.
 *
 * @module
 */
import { toCreate, type WantedItem } from "./realtime_items.ts";
import type { RealtimeEvent } from "./realtime_line.ts";
import type { FinishedItem } from "./realtime_response.ts";

/** What a server remembers. */
interface Remembered {
  id: string;
  item: WantedItem;
  /** It was heard, not written: its words are not there yet, or what was understood. */
  heard?: { words: string | undefined };
  /** How long it sounded. */
  sound_ms?: number;
}

/** What a listener who stopped somebody leaves of a text ends so. */
const CUT = /\s*…$/;

/** See the module. */
export class RealtimeHistory {
  #items: Remembered[] = [];
  /** What the server calls our calls. */
  readonly #callIds = new Map<string, string>();
  #made = 0;

  /** The caller was heard. */
  hear(id: string): void {
    const item: WantedItem = { kind: "said", role: "user", text: "", parts: [] };
    this.#items.push({ id, item, heard: { words: undefined } });
  }

  /** What was heard was understood. */
  understand(id: string, words: string): void {
    const found = this.#items.find((item) => item.id === id);
    if (found?.heard) found.heard.words = words;
  }

  /** The server begins to say something: this is its place. */
  begin(id: string): void {
    this.#items.push({ id, item: { kind: "said", role: "assistant", text: "", parts: [] } });
  }

  /** The server has said something, or called a function, where it began. */
  finish({ id, said }: FinishedItem, { sound_ms }: { sound_ms: number }): void {
    const at = this.#items.findIndex((item) => item.id === id);
    if (at === -1) return;
    this.#items[at] = "text" in said
      ? { id, item: { kind: "said", role: "assistant", text: said.text, parts: [] }, sound_ms }
      : { id, item: { kind: "call", tool_call_id: said.call_id, name: said.name, arguments: said.args } };
  }

  /** Forgets what was heard and never understood, as that of a connection that broke. */
  forget(id: string): void {
    this.#items = this.#items.filter((item) => item.id !== id);
  }

  /** Whether the server remembers `wanted`, and nothing else. */
  remembers(wanted: readonly WantedItem[]): boolean {
    const [items, made] = [[...this.#items], this.#made];
    if (this.mend(wanted).length === 0) return true;
    [this.#items, this.#made] = [items, made];
    return false;
  }

  /** What makes the server remember `wanted`, and nothing else. */
  mend(wanted: readonly WantedItem[]): RealtimeEvent[] {
    const events: RealtimeEvent[] = [];
    // What a model looks back at moves on: the oldest is forgotten, the rest stays.
    const [first] = wanted;
    let known = first ? this.#items.findIndex((_, at) => this.#fit(first, at)) : -1;
    if (known === -1) known = this.#items.length;
    for (const { id } of this.#items.splice(0, known)) events.push(toDelete(id));
    let same = known = 0;
    while (same < wanted.length && known < this.#items.length) {
      const fit = this.#fit(wanted[same]!, known);
      if (!fit) break;
      if (fit.truncate) events.push(fit.truncate);
      same++;
      known += fit.count;
    }
    for (const { id } of this.#items.splice(known)) events.push(toDelete(id));
    return [...events, ...wanted.slice(same).map((item) => this.#create(item))];
  }

  /** What makes a server that knows nothing remember all of it; what was heard and not yet understood is left out. */
  replay(): RealtimeEvent[] {
    const items = this.#items.flatMap(({ item, heard }): WantedItem[] => {
      if (heard && item.kind === "said") return heard.words ? [{ ...item, text: heard.words }] : [];
      return item.kind === "said" && item.text === "" && item.parts.length === 0 ? [] : [item];
    });
    this.#items = [];
    return items.map((item) => this.#create(item));
  }

  #create(item: WantedItem): RealtimeEvent {
    const id = `item_muxi_${++this.#made}`;
    this.#items.push({ id, item });
    return toCreate(item, { id, callId: item.kind === "said" ? "" : this.#callId(item.tool_call_id) });
  }

  #callId(tool_call_id: string): string {
    // Theirs may have 32 characters at most.
    return this.#callIds.get(tool_call_id) ?? tool_call_id.slice(-32);
  }

  /** Whether what is remembered from `at` on is `wanted`: how many items it takes. */
  #fit(wanted: WantedItem, at: number): { count: number; truncate?: RealtimeEvent } | undefined {
    const { id, item, heard, sound_ms } = this.#items[at]!;
    if (heard) return wanted.kind === "said" && wanted.role === "user" ? this.#heardAs(wanted.text, at) : undefined;
    if (wanted.kind === "call" && item.kind === "call") {
      if (wanted.name !== item.name || !sameJson(wanted.arguments, item.arguments)) return undefined;
      this.#callIds.set(wanted.tool_call_id, this.#callId(item.tool_call_id));
      return { count: 1 };
    }
    if (wanted.kind !== "said" || item.kind !== "said") return sameItem(wanted, item) ? { count: 1 } : undefined;
    if (wanted.role !== item.role) return undefined;
    if (sameItem(wanted, item)) return { count: 1 };
    const rest = wanted.text.replace(CUT, "");
    if (sound_ms === undefined || rest === wanted.text || !item.text.startsWith(rest)) return undefined;
    // Who was interrupted remembers no more than what was heard.
    const audio_end_ms = Math.floor(sound_ms * rest.length / item.text.length);
    this.#items[at] = { id, item: wanted };
    return { count: 1, truncate: { type: "conversation.item.truncate", item_id: id, content_index: 0, audio_end_ms } };
  }

  /** A turn may have been heard in several parts. */
  #heardAs(text: string, at: number): { count: number } | undefined {
    let words = "";
    for (let count = 1; at + count <= this.#items.length; count++) {
      const { heard } = this.#items[at + count - 1]!;
      if (heard?.words === undefined) return undefined;
      words = `${words} ${heard.words}`.trim();
      if (words === text) return { count };
      if (!text.startsWith(words)) return undefined;
    }
    return undefined;
  }
}

function toDelete(item_id: string): RealtimeEvent {
  return { type: "conversation.item.delete", item_id };
}

function sameItem(a: WantedItem, b: WantedItem): boolean {
  if (a.kind !== b.kind) return false;
  if (a.kind !== "said" || b.kind !== "said") return JSON.stringify(a) === JSON.stringify(b);
  // Pictures are the same when they are the same message's.
  return a.role === b.role && a.text === b.text && a.parts.length === b.parts.length;
}

function sameJson(a: string, b: string): boolean {
  try {
    return JSON.stringify(JSON.parse(a)) === JSON.stringify(JSON.parse(b));
  } catch {
    return a === b;
  }
}
