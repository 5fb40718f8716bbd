/**
 * The caller's side of a talk: when a turn begins, whether it stops the agent, when it is over, and what was said.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { NewRtcEvent } from "../../domain/rtc_event.ts";
import type { TurnDetectionOptions } from "../../domain/voice.ts";
import type { Clock } from "../../kit/clock.ts";
import { FRAME_MS } from "../../ports/audio_codec.ts";
import type { SpeechToText } from "../../ports/speech_to_text.ts";
import type { TurnDetectorOf } from "../../ports/turn_detector.ts";
import type { VoiceActivityStream } from "../../ports/voice_activity.ts";
import { isBackchannel } from "./backchannel.ts";
import type { Brain } from "./brain.ts";
import { CallerTurn } from "./caller_turn.ts";
import type { EchoGuard } from "./echo_guard.ts";
import { countWords } from "./heard_words.ts";
import { Hearing } from "./hearing.ts";
import { Latency } from "./latency.ts";
import { Preparing } from "./preparing.ts";
import { transcribeWith } from "./transcribing.ts";
import { TurnTaking } from "./turn_taking.ts";
import { tunedLimits, type VoiceLimits } from "./voice_limits.ts";

/** How much of the talk a turn detector is shown, in utterances. */
const RECENT = 6;

/** What a caller said. */
export interface Utterance {
  turn_id: string;
  text: string;
  latency: Latency;
}

/** What {@linkcode Listening} needs. */
export interface ListeningDeps {
  clock: Clock;
  stt: SpeechToText | undefined;
  detector: VoiceActivityStream;
  echo: EchoGuard | undefined;
  turns: TurnDetectorOf;
  brain: Brain;
  limits: VoiceLimits;
  /** When the call began. */
  startedAt: number;
  language(): string | undefined;
  emit(event: NewRtcEvent): void;
  /** Whether speech that begins now would be an interruption. */
  answering(): boolean;
  onUtterance(utterance: Utterance): void;
  onInterruption(): void;
  /** The speech was no interruption. */
  onFalseInterruption(): void;
  onChange(): void;
}

/**
 * `turn`: the caller speaks. `barge`: the caller speaks while the agent answers. `awaiting`: the turn is over, its words
 * are not there yet.
 */
type Mode = "idle" | "turn" | "barge" | "awaiting";

/** Listens to a caller. */
export class Listening implements Disposable {
  readonly #deps: ListeningDeps;
  readonly #hearing: Hearing;
  readonly #taking: TurnTaking;
  #mode: Mode = "idle";
  /** What is being said; in `idle`, what was no interruption and may still turn out to be one. */
  #turn: CallerTurn | undefined;
  #interrupts = true;
  #turnFrames = 0;
  #pauses = 0;
  #endedAt = 0;
  #latency: Latency | undefined;
  /** Why the words of what was said last can't be understood, until it is over. */
  #failure: AppError | undefined;
  /** What was said over the agent's voice, where that asks for nothing: who said it may still go on. */
  #aside: string | undefined;
  /** Counts what makes earlier questions for a turn's words void. */
  #asked = 0;
  readonly #preparing: Preparing;
  #recent: string[] = [];

  constructor(deps: ListeningDeps) {
    const { detector, echo, limits, turns, brain } = deps;
    this.#deps = deps;
    this.#hearing = new Hearing({ activity: detector, echo, limits });
    this.#taking = new TurnTaking({ detector: turns({}), max_ms: limits.max_end_ms });
    const prepare = limits.preemptive ? brain.prepare?.bind(brain) : undefined;
    this.#preparing = new Preparing({ prepare });
  }

  /** Whether the caller speaks. */
  get hearing(): boolean {
    return this.#mode === "turn" || this.#mode === "barge";
  }

  /** Whether the caller's speech interrupts the agent. */
  get interrupts(): boolean {
    return this.#interrupts;
  }

  /** Whether the caller speaks while the agent answers. */
  get barging(): boolean {
    return this.#mode === "barge";
  }

  /** Whether the caller has spoken and the words are not there yet. */
  get awaiting(): boolean {
    return this.#mode === "awaiting";
  }

  /** Finds turns otherwise from now on. */
  tune(how: TurnDetectionOptions): void {
    const limits = tunedLimits(this.#deps.limits, how);
    this.#hearing.tune(limits);
    this.#taking.tune({ detector: this.#deps.turns(how), max_ms: limits.max_end_ms });
    this.#interrupts = how.interrupts ?? true;
    if (this.#interrupts || this.#mode !== "barge") return;
    this.drop();
    this.#deps.onFalseInterruption();
  }

  /** Takes a frame. */
  hear(frame: Int16Array): void {
    const change = this.#hearing.hear(frame);
    if (this.hearing) this.#turn?.push(frame);
    if (this.#mode === "turn") this.#inTurn(change);
    else if (this.#mode === "barge") this.#inBarge(change);
    else if (change === "started") this.#begin(this.#isBarge() ? "barge" : "turn");
  }

  /** Adds typed text to what is being said. False when nothing is. */
  type(text: string): boolean {
    if (this.#mode === "idle") return false;
    this.#turn!.type(text);
    // What was asked for before lacks it.
    if (this.#mode === "awaiting") this.#await();
    return true;
  }

  /** What is being said stops the agent, whatever it is. */
  insist(): void {
    if (this.#mode !== "barge") return;
    this.#deps.onInterruption();
    this.drop();
  }

  /** What is being said is no longer said over the agent's voice: it is a turn like any other. */
  drop(): void {
    if (this.#mode !== "barge") return;
    const turn = this.#turn!;
    this.#asked++;
    this.#enter("turn");
    // It is a pause of the turn that was one of the interruption.
    if (!turn.listening) this.#pause(turn);
  }

  /** Forgets what is being said, and what was said and has no words yet. */
  forget(): void {
    this.#hearing.reset();
    this.#hearing.takePreroll();
    const turn = this.#turn;
    if (!turn) return;
    this.#asked++;
    this.#taking.resume();
    this.#preparing.resume();
    this.#failure = undefined;
    this.#forget(turn, "");
    this.#enter("idle");
  }

  /** Keeps a line for those who judge whether a turn is over. */
  note(line: string): void {
    this.#recent.push(line);
    if (this.#recent.length > RECENT) this.#recent.shift();
  }

  [Symbol.dispose](): void {
    this.#asked++;
    this.#mode = "idle";
    this.#preparing[Symbol.dispose]();
    this.#taking[Symbol.dispose]();
    this.#turn?.[Symbol.dispose]();
  }

  /** Whether speech that begins now may stop the agent. */
  #isBarge(): boolean {
    return this.#mode === "idle" && this.#interrupts && this.#deps.answering();
  }

  /** Speech begins, or goes on before its words were there. */
  #begin(mode: "turn" | "barge"): void {
    this.#asked++;
    if (!this.#turn) this.#turnFrames = this.#pauses = 0;
    const turn = this.#turn ??= this.#open();
    turn.begin(this.#hearing.takePreroll());
    this.#taking.resume();
    this.#preparing.resume();
    this.#deps.emit({ type: "speech.started", data: { turn_id: turn.id, at_ms: this.#sinceStart() } });
    this.#enter(mode);
  }

  #inTurn(change: "started" | "paused" | undefined): void {
    const { limits } = this.#deps;
    const turn = this.#turn!;
    if (change === "started") {
      const before = this.#hearing.takePreroll();
      // A turn that listens has heard it already.
      if (!turn.listening) turn.begin(before);
      this.#asked++;
      this.#taking.resume();
      this.#preparing.resume();
    } else if (change === "paused") this.#pause(turn);
    const tooLong = ++this.#turnFrames * FRAME_MS >= limits.max_turn_ms;
    if (this.#taking.isOver(this.#hearing.quiet_ms) || tooLong) this.#endTurn();
  }

  /** Has it judged whether this was all, and an answer begun. */
  #pause(turn: CallerTurn): void {
    const { stt, language } = this.#deps;
    const pauses = ++this.#pauses;
    const judge = (text: string) => {
      this.#taking.pause({ text, language: language(), recent: this.#recent, pauses });
      this.#preparing.pause({ turn_id: turn.id, text });
    };
    if (!this.#taking.words || stt!.streaming) return judge(turn.partial);
    // What understands only what is complete understands the turn up to here; what goes wrong is told of at its end.
    const asked = ++this.#asked;
    turn.end().catch(() => "").then((text) => {
      if (asked !== this.#asked) return;
      if (text !== "") this.#tellPartial(turn, text);
      judge(text);
    });
  }

  #endTurn(): void {
    this.#stopped();
    this.#taking.resume();
    this.#latency = new Latency({ clock: this.#deps.clock, since: this.#endedAt });
    this.#latency.reach("turn_ms");
    this.#enter("awaiting");
    this.#await();
  }

  #await(): void {
    const turn = this.#turn!;
    this.#words(turn, (text) => this.#said(turn, text));
  }

  #inBarge(change: "started" | "paused" | undefined): void {
    const { limits } = this.#deps;
    const turn = this.#turn!;
    if (change === "started") {
      this.#asked++;
      turn.begin(this.#hearing.takePreroll());
    } else if (change === "paused") this.#words(turn, (text) => this.#bargeSaid(turn, text));
    const { voiced_ms, quiet_ms } = this.#hearing;
    const words = turn.partial;
    const enough = countWords(words) >= limits.min_interrupt_words && !isBackchannel(words);
    if (turn.listening && (voiced_ms >= limits.min_interrupt_ms || enough)) return this.insist();
    if (quiet_ms >= limits.false_interrupt_ms) {
      this.#stopped();
      this.#deps.onFalseInterruption();
      if (this.#aside !== undefined) this.#forget(turn, this.#aside);
      this.#enter("idle");
    }
  }

  /** The words that were said over the agent's voice are there, maybe after it went on. */
  #bargeSaid(turn: CallerTurn, text: string): void {
    const meant = text !== "" && !isBackchannel(text);
    // As long as the caller may go on, only words decide.
    if (!meant && this.#mode === "barge") return void (this.#aside = text);
    if (meant) {
      this.#deps.onInterruption();
      this.#latency = new Latency({ clock: this.#deps.clock, since: this.#endedAt });
      if (this.#mode === "barge") this.#stopped();
      return this.#said(turn, text);
    }
    this.#forget(turn, text);
  }

  #said(turn: CallerTurn, text: string): void {
    const latency = this.#latency!;
    latency.reach("transcript_ms");
    this.#forget(turn, text);
    if (text === "") this.#preparing.resume();
    else {
      this.#preparing.release();
      this.note(text);
      this.#deps.onUtterance({ turn_id: turn.id, text, latency });
    }
    this.#enter("idle");
  }

  #forget(turn: CallerTurn, text: string): void {
    const { emit } = this.#deps;
    const { id: turn_id } = turn;
    if (this.#failure) emit({ type: "error", data: { ...this.#failure.toBody(), turn_id } });
    this.#failure = undefined;
    const language = turn.language ?? this.#deps.language() ?? null;
    emit({ type: "transcript.final", data: { turn_id, text, language } });
    turn[Symbol.dispose]();
    this.#turn = undefined;
  }

  /** Ends the speech of `turn` and gives its words to `then`, unless it goes on first. */
  #words(turn: CallerTurn, then: (text: string) => void): void {
    this.#endedAt = this.#deps.clock.now() - this.#hearing.quiet_ms;
    const asked = ++this.#asked;
    this.#aside = this.#failure = undefined;
    turn.end().catch((thrown) => {
      if (asked === this.#asked) this.#failure = AppError.from(thrown);
      return "";
    }).then((text) => {
      if (asked === this.#asked) then(text);
    });
  }

  #stopped(): void {
    this.#endedAt = this.#deps.clock.now() - this.#hearing.quiet_ms;
    const at_ms = this.#endedAt - this.#deps.startedAt;
    this.#deps.emit({ type: "speech.stopped", data: { turn_id: this.#turn!.id, at_ms } });
    this.#hearing.reset();
  }

  #open(): CallerTurn {
    const turn: CallerTurn = new CallerTurn({
      transcribe: (onPartial) => transcribeWith({ ...this.#deps, stt: this.#deps.stt! }, onPartial),
      onPartial: (text) => {
        this.#tellPartial(turn, text);
        this.#preparing.understood({ turn_id: turn.id, text });
      },
    });
    return turn;
  }

  #tellPartial(turn: CallerTurn, text: string): void {
    const language = turn.language ?? this.#deps.language() ?? null;
    this.#deps.emit({ type: "transcript.partial", data: { turn_id: turn.id, text, language } });
  }

  #sinceStart(): number {
    return this.#deps.clock.now() - this.#deps.startedAt;
  }

  #enter(mode: Mode): void {
    this.#mode = mode;
    this.#deps.onChange();
  }
}
