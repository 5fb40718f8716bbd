/**
 * Events as they come, for a person.
 *
 * @module
 */
import { type EventType, isFinal } from "../../../domain/event.ts";
import type { Item } from "../../../operations/operation.ts";
import { toSafe, toSafeJson, toSafeLine } from "../chat/safe_text.ts";
import { cutTo } from "../chat/text_width.ts";
import { padTo } from "../layout.ts";
import type { Style } from "../style.ts";
import { isEmpty, toShort } from "./format.ts";

/** Fields that say what the line says already, or that nobody reads. */
const SILENT = new Set(["run_id", "step_id", "time"]);

/** An item as a line of JSON. */
export function toJsonLine({ seq, type, data }: Item): string {
  return `${toSafeJson({ ...seq !== undefined && { seq }, type, data: JSON.parse(data) })}\n`;
}

/** Tells events in lines; text that comes in pieces flows between them. */
export class EventView {
  readonly #style: Style;
  readonly #columns: number;
  readonly #write: (text: string) => void;
  /** The kind of text that is flowing. */
  #flowing: string | undefined;
  /** Steps whose text was shown. */
  readonly #spoken = new Set<string>();

  constructor({ style, columns, write }: { style: Style; columns: number; write: (text: string) => void }) {
    this.#style = style;
    this.#columns = columns;
    this.#write = write;
  }

  /** Tells one. */
  show({ seq, type, data: json }: Item): void {
    const data = JSON.parse(json) as Record<string, unknown>;
    if (/\bdelta$/.test(type) && typeof data.text === "string") return this.#flow(type, data.text, data.step_id);
    this.end();
    const head = `${padTo(seq === undefined ? "" : String(seq), 4, true)}  `;
    const name = toSafeLine(type);
    const color = type === "run.failed"
      ? this.#style.red
      : isFinal(type as EventType)
      ? this.#style.green
      : this.#style.cyan;
    const room = this.#columns - head.length - name.length - 2;
    const told = this.#toSummary(type, data);
    const behind = told === "" || room < 8 ? "" : `  ${cutTo(told, room)}`;
    this.#write(`${this.#style.dim(head)}${color(name)}${behind}\n`);
  }

  /** Ends a text that is flowing. */
  end(): void {
    if (this.#flowing !== undefined) this.#write("\n");
    this.#flowing = undefined;
  }

  #flow(type: string, text: string, step_id: unknown): void {
    if (this.#flowing !== undefined && this.#flowing !== type) this.end();
    this.#flowing = type;
    if (typeof step_id === "string") this.#spoken.add(step_id);
    const safe = toSafe(text);
    this.#write(type === "model.delta" ? safe : this.#style.dim(safe));
  }

  #toSummary(type: string, data: Record<string, unknown>): string {
    const { message, step_id } = data;
    if (typeof message === "object" && message !== null && "content" in message) {
      // Who watched it being written has read it.
      const read = isFinal(type as EventType) || this.#spoken.has(String(step_id));
      return read ? toShort(data.usage ?? "", 0) : toSafeLine(String(message.content));
    }
    if (type === "step.completed") return toShort(data.usage ?? "", 0);
    return Object.entries(data).filter(([name, value]) => !SILENT.has(name) && !isEmpty(value)).map(([name, value]) => {
      const plain = typeof value !== "object" || value === null;
      return plain ? `${toSafeLine(name)}=${toSafeLine(String(value))}` : `${toSafeLine(name)} ${toSafeJson(value)}`;
    }).join(" ");
  }
}
