/**
 * What was said to the server and isn't acknowledged yet. A connection that is gone takes along what was sent over it, so
 * everything is sent again over each new way; the server does what has one `id` once.
 *
 * @module
 */
import type { ErrorBody } from "../../src/domain/error.ts";
import type { RtcMessage } from "../../src/domain/rtc_event.ts";

/** How many wait at most: then the oldest is given up. */
const MAX_WAITING = 64;
/** The longest that may be written in one message, in characters. */
const MAX_TEXT = 100_000;
/**
 * From how many characters on nothing is sent behind a message before it is acknowledged: no server takes less, but one
 * that doesn't take more ends the way, and says why only to who has sent nothing since.
 */
const LONG = 1024;
const ID_BYTES = 12;

/** What waits, in the order in which it was said. */
export class Outbox {
  readonly #onGivenUp: (error: ErrorBody) => void;
  readonly #waiting = new Map<string, string>();

  /** `onGivenUp` is told why something will not be sent again. */
  constructor({ onGivenUp }: { onGivenUp(error: ErrorBody): void }) {
    this.#onGivenUp = onGivenUp;
  }

  /** Whether everything is acknowledged. */
  get empty(): boolean {
    return this.#waiting.size === 0;
  }

  /** What is to be sent now, and again over each new way: nothing behind the first long one. */
  get texts(): readonly string[] {
    const texts = [...this.#waiting.values()];
    const long = texts.findIndex(isLong);
    return long < 0 ? texts : texts.slice(0, long + 1);
  }

  /** Keeps a message until it is acknowledged; returns what is to be sent now, if anything is. */
  add(message: RtcMessage): string | undefined {
    if (message.type === "text" && message.text.length > MAX_TEXT) {
      this.#tellTooLong();
      return undefined;
    }
    const id = createId();
    const text = JSON.stringify({ ...message, id });
    const mustWait = this.#long !== undefined;
    this.#waiting.set(id, text);
    if (this.#waiting.size > MAX_WAITING) {
      this.#waiting.delete(this.#waiting.keys().next().value!);
      const why = `Cannot send a message: ${MAX_WAITING} after it wait as well`;
      this.#onGivenUp({ error: "UnavailableError", message: why });
    }
    return mustWait ? undefined : text;
  }

  /** The server has done a message, or refused it. Returns whether what was behind it may be sent now. */
  acknowledge(id: string): boolean {
    const text = this.#waiting.get(id);
    this.#waiting.delete(id);
    return text !== undefined && isLong(text);
  }

  /** The server doesn't take the long one that was sent: sent again, it would end each way. */
  giveUpLong(): void {
    if (this.#long !== undefined && this.#waiting.delete(this.#long)) this.#tellTooLong();
  }

  /** The id of the first long one. */
  get #long(): string | undefined {
    for (const [id, text] of this.#waiting) if (isLong(text)) return id;
    return undefined;
  }

  #tellTooLong(): void {
    const message = "Cannot send the message: it is longer than the server takes";
    this.#onGivenUp({ error: "PayloadTooLargeError", message });
  }
}

function isLong(text: string): boolean {
  return text.length > LONG;
}

/** Pages without HTTPS have no `randomUUID`. */
function createId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(ID_BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
