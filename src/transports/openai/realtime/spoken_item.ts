/**
 * What an agent says, as an item that grows.
 *
 * @module
 */
import type { Emit } from "./emit.ts";
import type { Item, Items } from "./items.ts";
import type { Sound } from "./sound_format.ts";

/** What a {@linkcode SpokenItem} needs. */
export interface SpokenItemDeps {
  emit: Emit;
  items: Items;
  response_id: string;
  output_index: number;
  /** Whether it is said aloud, or only written. */
  aloud: boolean;
}

/** A message of the agent. Told as it comes, and closed once. */
export class SpokenItem {
  readonly item: Item;
  readonly #deps: SpokenItemDeps;
  #text = "";
  #open = true;
  #sound_ms = 0;

  constructor(id: string, deps: SpokenItemDeps) {
    this.#deps = deps;
    this.item = {
      id,
      object: "realtime.item",
      type: "message",
      status: "in_progress",
      role: "assistant",
      content: [],
    };
    const { emit, items, response_id, output_index } = deps;
    const previous_item_id = items.add(this.item, { name: null });
    emit("response.output_item.added", { response_id, output_index, item: this.item });
    emit("conversation.item.added", { previous_item_id, item: this.item });
    emit("response.content_part.added", { ...this.#place(), part: this.#part("") });
  }

  /** Whether more of it may come. */
  get open(): boolean {
    return this.#open;
  }

  /** What was said until now. */
  get text(): string {
    return this.#text;
  }

  /** More of it. */
  grow(delta: string): void {
    if (!this.#open || delta === "") return;
    this.#text += delta;
    this.#deps.emit(this.#name("delta"), { ...this.#place(), delta });
  }

  /** How much of its sound was told, in milliseconds. */
  get sound_ms(): number {
    return this.#sound_ms;
  }

  /** More of its sound. */
  sound({ data: delta, ms }: Sound): void {
    if (!this.#open) return;
    this.#sound_ms += ms;
    this.#deps.emit("response.output_audio.delta", { ...this.#place(), delta });
  }

  /** It is said: `text` in the end. `complete` is whether it was said to its end. */
  close(text: string, { complete }: { complete: boolean }): void {
    if (!this.#open) return;
    if (text.startsWith(this.#text)) this.grow(text.slice(this.#text.length));
    this.#open = false;
    this.#text = text;
    const { emit, aloud, response_id, output_index } = this.#deps;
    const place = this.#place();
    emit(this.#name("done"), { ...place, [aloud ? "transcript" : "text"]: text });
    if (aloud) emit("response.output_audio.done", place);
    emit("response.content_part.done", { ...place, part: this.#part(text) });
    this.#set(text, complete);
    emit("response.output_item.done", { response_id, output_index, item: this.item });
    if (this.#isKept) emit("conversation.item.done", { item: this.item });
  }

  /** The listener heard no more than `heard`. */
  truncate(heard: string, audio_end_ms: number): void {
    this.close(heard, { complete: false });
    this.#set(heard, false);
    if (!this.#isKept) return;
    this.#deps.emit("conversation.item.truncated", { item_id: this.item.id, content_index: 0, audio_end_ms });
  }

  /** Whether the client has not deleted it. */
  get #isKept(): boolean {
    return this.#deps.items.has(this.item);
  }

  #set(text: string, complete: boolean): void {
    const { aloud } = this.#deps;
    this.item.status = complete ? "completed" : "incomplete";
    this.item.content = [aloud ? { type: "output_audio", transcript: text } : { type: "output_text", text }];
  }

  #part(text: string): Record<string, string> {
    return this.#deps.aloud ? { type: "audio", transcript: text } : { type: "text", text };
  }

  #name(end: "delta" | "done"): string {
    return `response.${this.#deps.aloud ? "output_audio_transcript" : "output_text"}.${end}`;
  }

  #place() {
    const { response_id, output_index } = this.#deps;
    return { response_id, item_id: this.item.id, output_index, content_index: 0 };
  }
}
