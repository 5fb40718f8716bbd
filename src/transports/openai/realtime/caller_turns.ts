/**
 * What the caller says, from its beginning to its words.
 *
 * @module
 */
import type { AppError } from "../../../domain/error.ts";
import { toOpenAiError } from "../errors.ts";
import type { Emit } from "./emit.ts";
import { type Item, type ItemPlace, type Items, toCallerItem } from "./items.ts";

/** What {@linkcode CallerTurns} need. */
export interface CallerTurnsDeps {
  emit: Emit;
  items: Items;
  /** Tells of an item, and puts it at the end. */
  add(item: Item, place: ItemPlace): void;
  /** Whether the client says itself where turns end. */
  byHand(): boolean;
}

/** Tells of the caller's turns. */
export class CallerTurns {
  readonly #deps: CallerTurnsDeps;
  /** Turns that were spoken, and the items of those that have one before their words are there. */
  #spoken = new Set<string>();
  #committed = new Map<string, Item>();

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
    this.#committed.set(turn_id, this.#commit(turn_id, null));
  }

  /** The caller has said nothing for too long, which is an item, too: the agent goes on from there. */
  missed(turn_id: string, { audio_start_ms, audio_end_ms }: { audio_start_ms: number; audio_end_ms: number }): void {
    const item_id = toTurnItem(turn_id);
    this.#deps.emit("input_audio_buffer.timeout_triggered", { item_id, audio_start_ms, audio_end_ms });
    this.#commit(turn_id, "");
  }

  /** What the caller said is known. Noise has no words, and is no item unless the client said that it is one. */
  transcribed(turn_id: string, text: string): void {
    const { items } = this.#deps;
    const spoken = this.#spoken.delete(turn_id);
    const item_id = toTurnItem(turn_id);
    const item = this.#take(turn_id);
    if (item) {
      if (text === "") items.name(item, undefined);
      if (!items.has(item)) return;
      item.content = toCallerItem(item_id, text, { spoken }).content!;
      return this.#written(item_id, text);
    }
    if (text === "" || items.get(item_id)) return;
    if (!spoken) return void this.#add(turn_id, text, { spoken });
    this.#commit(turn_id, text);
    this.#written(item_id, text);
  }

  /** What the caller said can't be written down. It is an item all the same. */
  failed(turn_id: string, error: AppError): void {
    const { emit, items } = this.#deps;
    const item_id = toTurnItem(turn_id);
    const item = this.#take(turn_id) ?? this.#commit(turn_id, null);
    items.name(item, undefined);
    if (!items.has(item)) return;
    const { error: { type, code, message } } = toOpenAiError(error);
    const told = { type, message, ...code !== null && { code } };
    emit("conversation.item.input_audio_transcription.failed", { item_id, content_index: 0, error: told });
  }

  #take(turn_id: string): Item | undefined {
    const item = this.#committed.get(turn_id);
    this.#committed.delete(turn_id);
    return item;
  }

  #commit(turn_id: string, text: string | null): Item {
    const { emit, items } = this.#deps;
    emit("input_audio_buffer.committed", { item_id: toTurnItem(turn_id), previous_item_id: items.last });
    return this.#add(turn_id, text, { spoken: true });
  }

  /** What has no words is no message of the call's. */
  #add(turn_id: string, text: string | null, how: { spoken: boolean }): Item {
    const item = toCallerItem(toTurnItem(turn_id), text, how);
    this.#deps.add(item, { name: text === "" ? undefined : turn_id });
    return item;
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
