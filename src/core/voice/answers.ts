/**
 * The answers of a talk, in the order in which they were asked for.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { Answer, type AnswerDeps } from "./answer.ts";
import type { Latency } from "./latency.ts";
import type { Utterance } from "./listening.ts";
import type { VoiceChoice } from "./speaking.ts";
import type { VoiceLoopDeps } from "./voice_parts.ts";

/** What {@linkcode Answers} need. */
export interface AnswersDeps
  extends
    Pick<VoiceLoopDeps, "brain" | "model" | "phrases" | "emit">,
    Pick<AnswerDeps, "speaking" | "rate" | "frame" | "ahead" | "onChange"> {
  /** Aborted when the call is over. */
  signal: AbortSignal;
  /** Told what is said. */
  onSentence(text: string): void;
  /** Told how whoever answers sounds. */
  onVoice(choice: VoiceChoice): void;
  /** Told when all are over, and nobody interrupted the last one. */
  onDone(): void;
}

/** See the module. */
export class Answers {
  readonly #deps: AnswersDeps;
  #all: Answer[] = [];
  #aloud = true;
  #interruptions = 0;
  #lastLatency: Latency | undefined;

  constructor(deps: AnswersDeps) {
    this.#deps = deps;
  }

  /** What is being said, or will be next. */
  get current(): Answer | undefined {
    return this.#all.find(({ active }) => active);
  }

  /** How many were interrupted. */
  get interruptions(): number {
    return this.#interruptions;
  }

  /** How long the stages of the last one took that is over. */
  get lastLatency(): Latency | undefined {
    return this.#lastLatency;
  }

  /** Begins one that nobody has words for yet. */
  open(turn_id: string, latency: Latency): Answer {
    const { model, emit, onSentence } = this.#deps;
    const answer: Answer = new Answer({
      ...this.#deps,
      model,
      turn_id,
      latency,
      onSentence: (text, { aloud }) => {
        onSentence(text);
        emit({ type: "agent.speaking", data: { turn_id, run_id: answer.run_id, text, aloud } });
      },
      onFailure: (error) => emit({ type: "error", data: error.toBody() }),
    });
    if (!this.#aloud) answer.speakAloud(false);
    this.#all.push(answer);
    return answer;
  }

  /** Begins one, and has it answered. */
  ask({ turn_id, text, latency }: Utterance): void {
    void this.#follow(this.open(turn_id, latency), text);
    this.#deps.onChange();
  }

  /** Leaves them as text, or not. */
  speakAloud(aloud: boolean): void {
    this.#aloud = aloud;
    for (const answer of [...this.#all]) answer.speakAloud(aloud);
  }

  /** Stops them. `heard_ms` is how much of the current one was heard, where the caller knows. */
  interrupt(heard_ms?: number): void {
    const { current } = this;
    const stopped = this.#all.filter(({ active }) => active);
    this.#all = this.#all.filter(({ active }) => !active);
    for (const answer of stopped) {
      const { turn_id, run_id } = answer;
      this.#interruptions++;
      const heard = answer.interrupt(answer === current ? heard_ms : undefined);
      this.#deps.emit({ type: "agent.interrupted", data: { turn_id, run_id, heard } });
    }
  }

  /** What seemed to be an interruption was none: the current one goes on. */
  resume(): void {
    const { current } = this;
    if (!current) return;
    const { turn_id, run_id } = current;
    current.rewind();
    this.#deps.emit({ type: "agent.resumed", data: { turn_id, run_id } });
  }

  /** Notes when the caller's end heard one, by its own clock. */
  heardAt(turn_id: string, ms: number): void {
    this.#all.find((answer) => answer.turn_id === turn_id)?.latency.heardAfter(ms);
  }

  /** Tells of those that are over. */
  settle(): void {
    for (const answer of this.#all.filter(({ over }) => over.aborted)) {
      this.#all = this.#all.filter((one) => one !== answer);
      const { turn_id, run_id, latency } = answer;
      this.#lastLatency = latency;
      this.#deps.emit({ type: "agent.done", data: { turn_id, run_id, latency: latency.figures } });
      if (this.#all.length === 0) this.#deps.onDone();
    }
  }

  /** Nobody listens any more. */
  close(): void {
    for (const answer of this.#all.splice(0)) answer.close();
  }

  async #follow(answer: Answer, text: string): Promise<void> {
    const { brain, phrases, signal, emit, onVoice, onChange } = this.#deps;
    const { turn_id } = answer;
    try {
      for await (const said of brain.answer(text, { turn_id, delivery: answer, signal })) {
        if (said.type === "started") {
          answer.run_id = said.run_id;
          if (said.voice) onVoice(said.voice);
        } else if (said.type === "text") answer.take(said.text);
        else {
          answer.aside(phrases.waiting);
          answer.waiting = true;
        }
        onChange();
      }
    } catch (thrown) {
      if (!signal.aborted && !answer.interrupted.aborted) {
        emit({ type: "error", data: AppError.from(thrown).toBody() });
        answer.aside(phrases.failed);
      }
    } finally {
      answer.finish();
    }
  }
}
