/**
 * The end of what a program said on its standard error.
 *
 * @module
 */

const MAX_BYTES = 8_192;
const MAX_LINES = 20;

/** Reads all of it, and keeps the last lines. */
export class ErrorTail {
  #tail = new Uint8Array();

  /** Until `stream` ends. */
  async drain(stream: ReadableStream<Uint8Array>): Promise<void> {
    try {
      for await (const chunk of stream) {
        const whole = new Uint8Array(this.#tail.length + chunk.length);
        whole.set(this.#tail);
        whole.set(chunk, this.#tail.length);
        this.#tail = whole.length > MAX_BYTES ? whole.slice(-MAX_BYTES) : whole;
      }
    } catch {
      // The program's end may cut it off.
    }
  }

  /** What was kept, as text. */
  text(): string {
    return new TextDecoder().decode(this.#tail).trimEnd().split("\n").slice(-MAX_LINES).join("\n");
  }
}
