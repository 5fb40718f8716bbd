/**
 * What the caller says, from its beginning to its words.
 *
 * @module
 */
import type { Emit } from "./emit.ts";
import { type Item, type Items, toCallerItem } from "./items.ts";

/** What {@linkcode CallerTurns} need. */
export interface CallerTurnsDeps {
  emit: Emit;
  items: Items;
  /** Tells of an item, and puts it at the end. */
  add(item: Item): void;
  /** Whether the client says itself where turns end. */
  byHand(): boolean;
}

/** Tells of the caller's turns. */
export class CallerTurns {
  readonly #deps: CallerTurnsDeps;
  /** Turns that were spoken, and those of them that are items whose words are still to come. */
  #spoken = new Set<string>();
  #committed = new Set<string>();

  constructor(deps: CallerTurnsDeps) {
    this.#deps = deps;
  }

  /** The caller has begun to speak. */
  started(turn_id: string, audio_start_ms: number): void {
    this.#spoken.add(turn_id);
    if (this.#deps.byHand()) return;
    this.#deps.emit("input_audio_buffer.speech_started", { item_id: toTurnItem(turn_id), audio_start_ms });
  }

  /** The caller is silent. */
  stopped(turn_id: string, audio_end_ms: number): void {
    if (!this.#deps.byHand()) {
      return this.#deps.emit("input_audio_buffer.speech_stopped", { item_id: toTurnItem(turn_id), audio_end_ms });
    }
    this.#committed.add(turn_id);
    this.#commit(toTurnItem(turn_id), null);
  }

  /** What the caller said is known. Noise has no words, and is no item unless the client said that it is one. */
  transcribed(turn_id: string, text: string): void {
    const { items, add } = this.#deps;
    const spoken = this.#spoken.delete(turn_id);
    const item_id = toTurnItem(turn_id);
    if (this.#committed.delete(turn_id)) {
      const item = items.get(item_id);
      if (item) item.content = toCallerItem(item_id, text, { spoken }).content!;
      return this.#written(item_id, text);
    }
    if (text === "" || items.get(item_id)) return;
    if (!spoken) return add(toCallerItem(item_id, text, { spoken }));
    this.#commit(item_id, text);
    this.#written(item_id, text);
  }

  #commit(item_id: string, text: string | null): void {
    const { emit, items, add } = this.#deps;
    emit("input_audio_buffer.committed", { item_id, previous_item_id: items.last });
    add(toCallerItem(item_id, text, { spoken: true }));
  }

  #written(item_id: string, text: string): void {
    const place = { item_id, content_index: 0 };
    this.#deps.emit("conversation.item.input_audio_transcription.delta", { ...place, delta: text });
    this.#deps.emit("conversation.item.input_audio_transcription.completed", { ...place, transcript: text });
  }
}

function toTurnItem(turn_id: string): string {
  return `item_${turn_id}`;
}
