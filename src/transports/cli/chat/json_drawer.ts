/**
 * An answer for a machine: one line of JSON an event, and the collected answer as the last.
 *
 * @module
 */
import type { Answer } from "../../../domain/run.ts";
import type { Item } from "../../../operations/operation.ts";
import type { Drawer } from "./drawer.ts";
import { toSafeJson } from "./safe_text.ts";

/** Writes events as they come, or with `stream: false` only the answer. */
export class JsonDrawer implements Drawer {
  readonly #out: (text: string) => void;
  readonly #aside: (line: string) => void;
  readonly #stream: boolean;

  constructor({ out, aside, stream }: { out(text: string): void; aside(line: string): void; stream: boolean }) {
    this.#out = out;
    this.#aside = aside;
    this.#stream = stream;
  }

  item({ seq, type, data }: Item): void {
    if (this.#stream) this.#out(`${toSafeJson({ seq, type, data: JSON.parse(data) })}\n`);
  }

  draw(): void {}

  note(text: string): void {
    this.#aside(text);
  }

  status(text: string | null): void {
    if (text !== null) this.#aside(text);
  }

  rest(): void {}

  finish(answer: Answer): void {
    this.#out(`${toSafeJson(answer)}\n`);
  }
}
