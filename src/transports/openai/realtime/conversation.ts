/**
 * What clients do with the items of their conversation.
 *
 * @module
 */
import type { GivenMessage } from "../../../domain/message.ts";
import type { CallMessage, RtcMessage } from "../../../domain/rtc_event.ts";
import { createId } from "../../../kit/id.ts";
import { invalid } from "../errors.ts";
import { fromArguments } from "../tools.ts";
import { type GivenItem, toGivenMessage } from "./client_events.ts";
import type { Emit } from "./emit.ts";
import type { HistoryMeter } from "./history_meter.ts";
import type { Item, ItemPlace, Items } from "./items.ts";
import type { Questions } from "./questions.ts";

/** What clients call the place before the first item. */
const ROOT = "root";

/** What a {@linkcode Conversation} needs. */
export interface ConversationDeps {
  emit: Emit;
  items: Items;
  questions: Questions;
  meter: HistoryMeter;
  /** Says something in the call. */
  say(message: RtcMessage): void;
}

/** A message that is to be read behind an item; null: before everything. */
interface PlacedMessage {
  item_id: string;
  message: CallMessage;
  behind: string | null;
}

/** The conversation of one call, as its clients change it. */
export class Conversation {
  readonly #deps: ConversationDeps;
  /** Behind what has no name yet, such as a message that is being said, or behind one another. */
  #held: PlacedMessage[] = [];

  constructor(deps: ConversationDeps) {
    this.#deps = deps;
  }

  /** The item `id`. Throws `ValidationError` that says what can't be done for want of it. */
  find(id: string, verb: "retrieve" | "delete" | "truncate"): Item {
    const item = this.#deps.items.get(id);
    if (item) return item;
    throw invalid(`Cannot ${verb} item "${id.slice(0, 100)}": it can't be found`, {
      param: "item_id",
      code: `item_${verb}_invalid_item_id`,
    });
  }

  /** Tells of an item, at the end unless it has another place. */
  add(item: Item, place?: ItemPlace): void {
    const { emit, items } = this.#deps;
    const previous_item_id = items.add(item, place);
    emit("conversation.item.added", { previous_item_id, item });
    emit("conversation.item.done", { previous_item_id, item });
  }

  /** Takes an item of a client's; `beside`: not that of who is in the call. Throws an `AppError`. */
  create(given: GivenItem, { previous, beside }: { previous: string | undefined; beside: boolean }): void {
    const { items, questions, meter, say } = this.#deps;
    const after = this.#placeBehind(previous);
    const id = given.id ?? createId("item");
    if (items.get(id)) throw invalid(`Cannot create item "${id}": it is there already`, { param: "item.id" });
    const item: Item = { ...given, id, object: "realtime.item", status: "completed" };
    if (given.type === "mcp_approval_response") {
      say(questions.answer(given, { beside }));
      return this.add(item, { after });
    }
    const message = given.type === "message" ? toGivenMessage(given) : this.#toCall(given);
    // The id may be another's later on, once this item was deleted.
    const name = createId("item");
    meter.bring(name, { placed: after !== undefined });
    this.#bring({ ...message, id: name }, { item_id: id, after });
    this.add(item, { name, after });
  }

  /** Deletes an item: the agent no longer reads it. Throws an `AppError`. */
  delete(item_id: string): void {
    const { items, meter, emit } = this.#deps;
    this.find(item_id, "delete");
    meter.change();
    const before = items.before(item_id);
    this.#held = this.#held.filter((held) => held.item_id !== item_id);
    for (const held of this.#held) if (held.behind === item_id) held.behind = before;
    items.delete(item_id);
    this.settle();
    emit("conversation.item.deleted", { item_id });
  }

  /** Brings what is held, as far as what it stands behind has a name by now. */
  settle(): void {
    const { items, say } = this.#deps;
    for (let next; (next = this.#held[0]);) {
      const { message, behind } = next;
      const after = behind && items.nameAt(behind);
      if (after === undefined) return;
      this.#held.shift();
      say({ type: "messages", messages: [message], after });
    }
  }

  #bring(message: CallMessage, { item_id, after }: { item_id: string; after: string | null | undefined }): void {
    if (after === undefined) return this.#deps.say({ type: "messages", messages: [message] });
    this.#held.push({ item_id, message, behind: after });
    this.settle();
  }

  /** A call of the client's own tool that it remembers, or what came of one. */
  #toCall(given: Extract<GivenItem, { type: "function_call" | "function_call_output" }>): GivenMessage {
    const { call_id: tool_call_id } = given;
    const whose = this.#deps.items.callOf(tool_call_id);
    const refuse = (message: string) => invalid(message, { param: "item.call_id" });
    if (given.type === "function_call") {
      if (whose) throw refuse(`Cannot create call "${tool_call_id}": it is there already`);
      const call = { tool_call_id, tool: given.name, arguments: fromArguments(given.arguments) };
      return { role: "assistant", content: "", attachments: [], tool_calls: [call] };
    }
    if (whose === "server") {
      throw refuse(`Cannot take the output of call "${tool_call_id}": it is of a tool of the server`);
    }
    if (!whose) throw refuse(`Cannot take the output of call "${tool_call_id}": there is no such call`);
    return { role: "tool", content: given.output, attachments: [], tool_call_id };
  }

  /** The item behind which another is to stand; undefined: at the end. */
  #placeBehind(previous: string | undefined): string | null | undefined {
    const { items } = this.#deps;
    if (previous === undefined || previous === items.last) return undefined;
    if (items.get(previous)) return previous;
    if (previous === ROOT) return items.last === null ? undefined : null;
    throw invalid(`Cannot put the item behind "${previous.slice(0, 100)}": it can't be found`, {
      param: "previous_item_id",
      code: "item_create_invalid_previous_item_id",
    });
  }
}
