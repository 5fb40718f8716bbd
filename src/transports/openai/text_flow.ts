/**
 * Text that was sent can't be taken back.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";

/**
 * Decides what of a run's text may be sent where nothing can be taken back.
 *
 * The texts of steps follow each other with a blank line between. A step that
 * begins anew is compared with what was sent of it: as long as it says the
 * same, nothing is sent; when it says something else, the answer is over. Held
 * text waits for the end of the message, for answers that are of use only whole.
 */
export class TextFlow {
  readonly #hold: boolean;
  #step: string | undefined;
  /** What was sent of the step. */
  #sent = "";
  /** What the step has said since it began anew, while that is not beyond what was sent. */
  #again: string | undefined;
  /** Where the step's text begins in all of it. */
  #base = 0;

  constructor({ hold }: { hold: boolean }) {
    this.#hold = hold;
  }

  /** Where the text of the step under way begins, in characters of all that was sent. */
  get base(): number {
    return this.#base;
  }

  /** The step says `text`. Returns what may be sent. */
  delta(step_id: string, text: string): string {
    if (this.#hold || text === "") return "";
    const gap = step_id === this.#step ? "" : this.#begin(step_id);
    if (this.#again === undefined) {
      this.#sent += text;
      return gap + text;
    }
    this.#again += text;
    return this.#catchUp(this.#again);
  }

  /** What the step has said is void. */
  restart(step_id: string): void {
    if (step_id === this.#step) this.#again = "";
  }

  /** The step's message is `content`, whatever was said before. Returns what is left to send. */
  complete(step_id: string, content: string): string {
    const gap = step_id === this.#step || content === "" ? "" : this.#begin(step_id);
    if (step_id !== this.#step) return "";
    if (content.length < this.#sent.length) throw diverged();
    return gap + this.#catchUp(content);
  }

  #begin(step_id: string): string {
    if (this.#again !== undefined && this.#again !== this.#sent) throw diverged();
    const end = this.#base + this.#sent.length;
    const gap = end === 0 ? "" : "\n\n";
    this.#step = step_id;
    this.#sent = "";
    this.#again = undefined;
    this.#base = end + gap.length;
    return gap;
  }

  #catchUp(text: string): string {
    const sent = this.#sent;
    if (text.length < sent.length ? !sent.startsWith(text) : !text.startsWith(sent)) throw diverged();
    if (text.length < sent.length) return "";
    this.#sent = text;
    this.#again = undefined;
    return text.slice(sent.length);
  }
}

function diverged(): AppError {
  return new AppError(
    "UpstreamError",
    "Cannot go on with the answer: the model began it anew, and says something else than what was sent already",
    { details: { code: "answer_restarted" } },
  );
}
