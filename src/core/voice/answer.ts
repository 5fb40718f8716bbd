/**
 * One answer of the agent, on its way from text to ears.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { abortable } from "../../kit/abortable.ts";
import { joinSignals } from "../../kit/joined_signal.ts";
import type { Model } from "../../ports/model.ts";
import type { Delivery } from "../orchestrator/execution.ts";
import { cutText } from "./heard_words.ts";
import type { Latency } from "./latency.ts";
import { Piece } from "./piece.ts";
import { type Sentence, Sentences } from "./sentences.ts";
import type { Speaking } from "./speaking.ts";

/** How many sentences are made into sound ahead of the one that is played. */
const AHEAD = 2;
/** How many sentences that were sent can still turn out not to have been heard. */
const MAX_PAST = 20;
/** After how many failures in a row the rest is left as text. */
const MAX_FAILURES = 2;

/** What an {@linkcode Answer} needs. */
export interface AnswerDeps {
  turn_id: string;
  /** Absent: nothing is said aloud. */
  speaking: Speaking | undefined;
  /** Absent: the agent's own answers. */
  model: Model | undefined;
  /** Samples a second, and of a frame. */
  rate: number;
  frame: number;
  latency: Latency;
  /** How many samples were taken that nobody has heard yet. */
  ahead(): number;
  /** Told when a sentence begins, aloud or as text alone. */
  onSentence(text: string, options: { aloud: boolean }): void;
  /** Told when a sentence can't be said. */
  onFailure(error: AppError): void;
  /** Told when it may have become over, or able to go on. */
  onChange(): void;
}

/** Says the text of a run, and knows what was heard of it. */
export class Answer implements Delivery {
  readonly turn_id: string;
  readonly latency: Latency;
  /** The run that answers, once it is known. */
  run_id: string | null = null;
  /** Whether a person has to decide before it goes on. */
  waiting = false;
  /** Whether anything of it was heard. */
  began = false;
  readonly #deps: AnswerDeps;
  readonly #sentences = new Sentences();
  readonly #interrupted = new AbortController();
  readonly #over = new AbortController();
  #pieces: Piece[] = [];
  /** The newest of the message that is being said, all of whose sound was taken. */
  #past: Piece[] = [];
  /** Samples of that message that were taken. */
  #taken = 0;
  /** The message that is being said, and where it begins in all that was. */
  #message = "";
  #from = 0;
  /** Up to where everything was heard. */
  #heardTo = 0;
  /** What comes again, since it was known before. */
  #skip = 0;
  #finished = false;
  #aloud: boolean;
  #failures = 0;
  #making: AbortController | undefined;
  #wake = Promise.withResolvers<void>();

  constructor(deps: AnswerDeps) {
    this.#deps = deps;
    this.turn_id = deps.turn_id;
    this.latency = deps.latency;
    this.#aloud = deps.speaking !== undefined;
  }

  get model(): Model | undefined {
    return this.#deps.model;
  }

  get interrupted(): AbortSignal {
    return this.#interrupted.signal;
  }

  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Whether something is to be said, or may be any moment. */
  get active(): boolean {
    return !this.over.aborted && (this.#pieces.length > 0 || !this.waiting);
  }

  /** More text. */
  take(text: string): void {
    const skipped = Math.min(this.#skip, text.length);
    this.#skip -= skipped;
    this.waiting = false;
    if (this.interrupted.aborted || this.over.aborted || skipped === text.length) return;
    this.latency.reach("first_token_ms");
    this.#grow(text.slice(skipped));
  }

  async heard(text: string, { signal }: { signal: AbortSignal }): Promise<string> {
    if (this.over.aborted) return text;
    // What the log tells comes a moment later than what the model has said.
    const rest = text.startsWith(this.#message) ? text.slice(this.#message.length) : "";
    if (!this.interrupted.aborted && rest !== "") this.take(rest);
    this.#skip += rest.length;
    this.#add(this.#sentences.flush());
    const to = this.#from + text.length;
    using enough = joinSignals(signal, this.interrupted, this.over);
    try {
      while (this.#heardTo < to) await abortable(this.#wake.promise, enough.signal);
    } catch {
      // Told to stop: what was heard until now is what was heard.
    }
    const heard = cutText(text, this.#position() - this.#from);
    // A run that was stopped says nothing more.
    if (signal.aborted) this.close();
    this.#from = to;
    this.#message = "";
    this.#past = [];
    this.#taken = 0;
    return heard;
  }

  /** The next frame of sound; null when there is none now. */
  frame(): Int16Array | null {
    for (let piece; (piece = this.#pieces[0]);) {
      const frame = piece.take(this.#deps.frame);
      if (frame) {
        this.#begin(piece, { aloud: true });
        this.#taken += frame.length;
        this.began = true;
        this.latency.reach("first_sound_ms");
        return frame;
      }
      // The last one is heard to its end before it ends.
      if (!piece.over || (this.#pieces.length === 1 && this.#deps.ahead() > 0)) return null;
      this.#end(piece);
    }
    return null;
  }

  /** Goes back to the beginning of the word that was being heard. */
  rewind(): void {
    this.#pieces[0]?.rewind();
  }

  /** Everything is left as text from now on; or said aloud again. */
  speakAloud(aloud: boolean): void {
    this.#aloud = aloud && this.#deps.speaking !== undefined;
    if (this.#aloud) return;
    this.#making?.abort(new AppError("CancelledError", "The agent is muted"));
    this.#showAll();
  }

  /** Says something that is not part of the answer. */
  aside(text: string): void {
    if (text === "") return;
    const sentences = this.#sentences.flush();
    const to = this.#from + this.#message.length;
    this.#add([...sentences, { text, raw: "", from: to, to }]);
  }

  /** No more text will come. */
  finish(): void {
    this.#finished = true;
    this.#add(this.#sentences.flush());
    this.#settle();
  }

  /**
   * The listener wants no more. Returns what was heard of the message: what was sent by now, or its first `heard_ms`
   * where the listener knows better.
   */
  interrupt(heard_ms?: number): string {
    const said = heard_ms === undefined ? Infinity : heard_ms * this.#deps.rate / 1000;
    const position = this.#position(Math.max(this.#deps.ahead(), this.#taken - said));
    const heard = cutText(this.#message, position - this.#from);
    this.#stop(this.#interrupted, position);
    return heard;
  }

  /** Nobody listens any more. */
  close(): void {
    this.#stop(this.#over);
  }

  #stop(controller: AbortController, position = this.#position()): void {
    this.#heardTo = position;
    this.#pieces = [];
    this.#past = [];
    const reason = new AppError("CancelledError", "The caller wants to hear no more");
    this.#making?.abort(reason);
    controller.abort(reason);
    this.#settle();
  }

  #grow(text: string): void {
    this.#message += text;
    this.#add(this.#sentences.push(text));
  }

  #add(sentences: Sentence[]): void {
    if (this.interrupted.aborted || this.over.aborted) return;
    for (const sentence of sentences) this.#pieces.push(new Piece(sentence, { rate: this.#deps.rate }));
    if (!this.#aloud) this.#showAll();
    this.#make();
  }

  /** Makes the next sound, unless enough is there. */
  #make(): void {
    const { speaking } = this.#deps;
    const next = this.#pieces.slice(0, AHEAD + 1).find(({ requested }) => !requested);
    if (!next || this.#making || !speaking) return;
    next.requested = true;
    if (next.sentence.text === "") {
      next.complete = true;
      if (next === this.#pieces[0]) this.#end(next);
      return this.#make();
    }
    const making = this.#making = new AbortController();
    speaking.speak(next, { signal: making.signal }).then(
      () => this.#failures = 0,
      (error) => making.signal.aborted || this.#failed(AppError.from(error)),
    ).then(() => {
      this.#making = undefined;
      this.#make();
      this.#settle();
    });
  }

  /** A sentence that can't be said is shown. */
  #failed(error: AppError): void {
    this.#deps.onFailure(error);
    if (++this.#failures >= MAX_FAILURES) this.speakAloud(false);
  }

  #showAll(): void {
    for (const piece of [...this.#pieces]) this.#end(piece);
  }

  #begin(piece: Piece, { aloud }: { aloud: boolean }): void {
    if (piece.begun) return;
    piece.begun = true;
    if (piece.sentence.text !== "") this.#deps.onSentence(piece.sentence.text, { aloud });
  }

  #end(piece: Piece): void {
    this.#begin(piece, { aloud: false });
    this.#pieces.shift();
    if (piece.played > 0) {
      piece.forget();
      this.#past = [...this.#past.slice(1 - MAX_PAST), piece];
    }
    this.#heardTo = piece.sentence.to;
    this.#make();
    this.#settle();
  }

  /** Up to where it was heard, `unheard` samples of what was taken aside. */
  #position(unheard = this.#deps.ahead()): number {
    const [current] = this.#pieces;
    const begun = current?.begun ? current : undefined;
    if (unheard <= 0 || this.#past.length === 0) return begun?.heardTo(unheard) ?? this.#heardTo;
    let left = unheard;
    for (const piece of [...begun ? [begun] : [], ...this.#past.toReversed()]) {
      if (left < piece.played) return piece.heardTo(left);
      left -= piece.played;
    }
    return this.#past[0]!.sentence.from;
  }

  /** Tells whoever waits for something to have changed. */
  #settle(): void {
    if (this.#finished && this.#pieces.length === 0 && !this.over.aborted) {
      this.#over.abort(new AppError("CancelledError", "All was said"));
    }
    const { resolve } = this.#wake;
    this.#wake = Promise.withResolvers();
    resolve();
    this.#deps.onChange();
  }
}
