/**
 * How an answer is shown: to a person on a terminal, as plain text, or to a machine.
 *
 * @module
 */
import type { Answer } from "../../../domain/run.ts";
import type { Item } from "../../../operations/operation.ts";
import type { Part } from "./story.ts";

/** Shows one answer after the other. */
export interface Drawer {
  /** An event as it came. */
  item(item: Item): void;
  /** What it tells. */
  draw(part: Part): void;
  /** Something the program has to say itself. */
  note(text: string): void;
  /** The same, as long as it is so; null once it isn't any more. */
  status(text: string | null): void;
  /** Makes room for whatever else is written: nothing is in the middle of a line. */
  rest(): void;
  /** No event comes any more: the answer that was collected. */
  finish(answer: Answer): void;
}
