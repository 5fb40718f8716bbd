/**
 * Turns that the caller begins and ends by hand, as with a button that is held.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { NewRtcEvent } from "../../domain/rtc_event.ts";
import type { Clock } from "../../kit/clock.ts";
import { FRAME_MS } from "../../ports/audio_codec.ts";
import type { SpeechToText } from "../../ports/speech_to_text.ts";
import { CallerTurn } from "./caller_turn.ts";
import { Latency } from "./latency.ts";
import type { Utterance } from "./listening.ts";
import { transcribeWith } from "./transcribing.ts";
import type { VoiceLimits } from "./voice_limits.ts";

/** The most turns that are ended and have no words yet: each may be a program or a paid request. */
const MAX_AWAITED = 8;

/** What a {@linkcode TurnsByHand} needs. */
export interface TurnsByHandDeps {
  clock: Clock;
  /** Absent: the agent is deaf. */
  stt: SpeechToText | undefined;
  limits: VoiceLimits;
  /** When the call began. */
  startedAt: number;
  language(): string | undefined;
  emit(event: NewRtcEvent): void;
  onUtterance(utterance: Utterance): void;
  /** Told when turns are said by hand from now on, or no longer. */
  onChange(): void;
}

/** Keeps what the caller says until it is said that this was all. */
export class TurnsByHand implements Disposable {
  readonly #deps: TurnsByHandDeps;
  #turn: CallerTurn | undefined;
  /** Those that were ended and have no words yet. */
  readonly #awaited = new Set<CallerTurn>();
  #frames = 0;
  #inForce = false;
  #pending: Promise<void> | undefined;
  /** How many turns were ended. */
  #ended = 0;
  #closed = false;

  constructor(deps: TurnsByHandDeps) {
    this.#deps = deps;
  }

  /** Resolves when the words of every turn that was ended are there; undefined when they are. */
  get pending(): Promise<void> | undefined {
    return this.#pending;
  }

  /** Whether turns are said by hand, instead of being found. */
  get inForce(): boolean {
    return this.#inForce;
  }

  /** Turns are said by hand from now on, or found. */
  use(inForce: boolean): void {
    if (inForce === this.#inForce) return;
    this.#inForce = inForce;
    this.clear();
    this.#deps.onChange();
  }

  /** Takes a frame, unless turns are found. Beyond the longest turn it is left out, which is told once. */
  take(frame: Int16Array): boolean {
    if (this.#inForce) this.#push(frame);
    return this.#inForce;
  }

  #push(frame: Int16Array): void {
    const { emit, limits: { max_turn_ms } } = this.#deps;
    const most = max_turn_ms / FRAME_MS;
    if (this.#frames++ >= most) {
      if (this.#frames - 1 > most) return;
      const message = `Cannot keep more than ${max_turn_ms} ms of a turn: what follows is left out until it is ended`;
      return emit({ type: "error", data: new AppError("PayloadTooLargeError", message).toBody() });
    }
    if (!this.#turn) {
      this.#turn = this.#open();
      emit({ type: "speech.started", data: { turn_id: this.#turn.id, at_ms: this.#sinceStart() } });
      this.#turn.begin([]);
    }
    this.#turn.push(frame);
  }

  /**
   * That was all: it is written down, and asked. Throws `ConflictError` when there is nothing, or turns are found, and
   * `TooManyRequestsError` while others wait for their words; the turn goes on then.
   */
  commit(): void {
    const { clock, stt, emit, startedAt } = this.#deps;
    if (!this.#inForce) throw new AppError("ConflictError", "Cannot end the turn by hand: turns are found here");
    if (!stt) throw new AppError("ConflictError", "Cannot end the turn: the agent can't hear");
    const turn = this.#turn;
    if (!turn) throw new AppError("ConflictError", "Cannot end the turn: nothing was said in it");
    if (this.#awaited.size >= MAX_AWAITED) {
      const message = `Cannot end the turn: ${MAX_AWAITED} before it have no words yet`;
      throw new AppError("TooManyRequestsError", message);
    }
    this.#forget();
    const latency = new Latency({ clock, since: clock.now() });
    latency.reach("turn_ms");
    emit({ type: "speech.stopped", data: { turn_id: turn.id, at_ms: clock.now() - startedAt } });
    const words = turn.end().catch((thrown) => {
      const data = { ...AppError.from(thrown).toBody(), turn_id: turn.id };
      if (!this.#closed) emit({ type: "error", data });
      return "";
    });
    this.#pending = this.#finish(turn, { words, before: this.#pending, latency });
  }

  /** Forgets what was said since the last turn was ended. */
  clear(): void {
    const turn = this.#turn;
    this.#forget();
    if (!turn) return;
    turn[Symbol.dispose]();
    if (!this.#closed) this.#tellWords(turn, "");
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.clear();
    for (const turn of this.#awaited) turn[Symbol.dispose]();
  }

  async #finish(
    turn: CallerTurn,
    { words, before, latency }: { words: Promise<string>; before: Promise<void> | undefined; latency: Latency },
  ): Promise<void> {
    const count = ++this.#ended;
    this.#awaited.add(turn);
    const text = await words;
    await before;
    this.#awaited.delete(turn);
    turn[Symbol.dispose]();
    if (this.#ended === count) this.#pending = undefined;
    if (this.#closed) return;
    latency.reach("transcript_ms");
    this.#tellWords(turn, text);
    if (text !== "") this.#deps.onUtterance({ turn_id: turn.id, text, latency });
  }

  #open(): CallerTurn {
    const { emit, language } = this.#deps;
    const turn: CallerTurn = new CallerTurn({
      transcribe: (partial) => transcribeWith({ ...this.#deps, stt: this.#deps.stt! }, partial),
      onPartial: (text) => {
        const spoken = turn.language ?? language() ?? null;
        emit({ type: "transcript.partial", data: { turn_id: turn.id, text, language: spoken } });
      },
    });
    return turn;
  }

  #tellWords(turn: CallerTurn, text: string): void {
    const { emit, language } = this.#deps;
    const spoken = turn.language ?? language() ?? null;
    emit({ type: "transcript.final", data: { turn_id: turn.id, text, language: spoken } });
  }

  #forget(): void {
    this.#turn = undefined;
    this.#frames = 0;
  }

  #sinceStart(): number {
    return this.#deps.clock.now() - this.#deps.startedAt;
  }
}
