/**
 * One caller and one agent, talking.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { TurnDetectionOptions } from "../../domain/voice.ts";
import { createId } from "../../kit/id.ts";
import type { OpusDecoder, OpusEncoder } from "../../ports/audio_codec.ts";
import type { MediaPacket } from "../../ports/peers.ts";
import type { VoiceActivityStream } from "../../ports/voice_activity.ts";
import { Absence } from "./absence.ts";
import { Answers } from "./answers.ts";
import { Ears } from "./ears.ts";
import { EchoGuard } from "./echo_guard.ts";
import { ExpectedLoss } from "./expected_loss.ts";
import { frameLength } from "./framing.ts";
import { Idling } from "./idling.ts";
import { Latency } from "./latency.ts";
import { Listening, type Utterance } from "./listening.ts";
import { Playout } from "./playout.ts";
import { Speaking, type VoiceChoice } from "./speaking.ts";
import { transit, type VoiceState } from "./state.ts";
import { HEARING_RATE } from "./transcribing.ts";
import { TurnsByHand } from "./turns_by_hand.ts";
import type { VoiceLoopDeps, VoiceStats } from "./voice_parts.ts";

/** Samples a second of what is sent. */
const SPEAKING_RATE = 24_000;
/** What the agent is asked when the caller says nothing. */
const SILENCE = "(Nothing is heard of the caller.)";

interface Opened {
  encoder: OpusEncoder;
  decoder: OpusDecoder;
  detector: VoiceActivityStream;
}

/**
 * Hears packets, takes turns, has questions answered and says the answers. Has no timers beyond its clock's, and nothing
 * is left of it once it is disposed.
 */
export class VoiceLoop implements Disposable {
  /** For callers who say where turns begin and end. */
  readonly byHand: TurnsByHand;
  readonly #deps: VoiceLoopDeps;
  readonly #stack = new DisposableStack();
  readonly #closing = new AbortController();
  readonly #ears: Ears;
  readonly #absence = new Absence();
  readonly #echo = new EchoGuard();
  readonly #listening: Listening;
  readonly #answers: Answers;
  readonly #idling = new Idling();
  readonly #playout: Playout;
  readonly #loss: ExpectedLoss;
  readonly #startedAt: number;
  readonly #nothing = new Int16Array(frameLength(HEARING_RATE));
  #state: VoiceState = "listening";
  #choice: VoiceChoice;
  #muted = { caller: false, agent: false };
  #held = false;
  #greeted = false;

  /** Opens what it needs. */
  static async open(deps: VoiceLoopDeps): Promise<VoiceLoop> {
    const { codec, activity, limits } = deps;
    using opened = new DisposableStack();
    const encoder = opened.use(await codec.createEncoder({ rate: SPEAKING_RATE, bitrate: limits.bitrate }));
    const decoder = opened.use(await codec.createDecoder({ rate: HEARING_RATE }));
    await activity.load();
    const loop = new VoiceLoop(deps, { encoder, decoder, detector: opened.use(activity.open()) });
    loop.#stack.use(opened.move());
    return loop;
  }

  private constructor(deps: VoiceLoopDeps, { encoder, decoder, detector }: Opened) {
    const { clock, tts, limits, voice, company, sendAudio } = deps;
    this.#deps = deps;
    this.#startedAt = clock.now();
    this.#loss = new ExpectedLoss(encoder);
    this.#choice = voice;
    this.#ears = new Ears({ decoder, rate: HEARING_RATE, reorder_ms: limits.reorder_ms });
    this.#listening = new Listening({
      ...deps,
      detector,
      echo: limits.echo_guard ? this.#echo : undefined,
      language: () => this.#choice.language,
      startedAt: this.#startedAt,
      onUtterance: (utterance) => this.#ask(utterance),
      onInterruption: () => {
        // Words may come after it was said that they interrupt nothing.
        if (this.#listening.interrupts) this.#interruptAll();
      },
      onFalseInterruption: () => {
        this.resume();
        company?.resume();
      },
      answering: () => this.#answers.current !== undefined || company?.speaking === true,
      onChange: () => this.#settle(),
    });
    this.byHand = this.#stack.use(
      new TurnsByHand({
        ...deps,
        startedAt: this.#startedAt,
        language: () => this.#choice.language,
        onUtterance: (utterance) => this.#ask(utterance),
        onChange: () => this.#listening.forget(),
      }),
    );
    const { speech_ms } = limits;
    const choice = () => this.#choice;
    this.#answers = new Answers({
      ...deps,
      speaking: tts && new Speaking({ tts, clock, rate: SPEAKING_RATE, speech_ms, choice }),
      rate: SPEAKING_RATE,
      frame: frameLength(SPEAKING_RATE),
      signal: this.#closing.signal,
      ahead: () => this.#playout.ahead_ms * SPEAKING_RATE / 1000,
      onSentence: (text) => this.#listening.note(text),
      onVoice: (choice) => this.setVoice(choice),
      onDone: () => this.#idling.answered(),
      onChange: () => this.#settle(),
    });
    this.#playout = this.#stack.use(
      new Playout({
        clock,
        encoder,
        frame: frameLength(SPEAKING_RATE),
        way: deps.playout,
        next: () => this.#next(),
        send: sendAudio,
        onFrame: (level) => this.#played(level),
      }),
    );
  }

  /** Where the talk is. */
  get state(): VoiceState {
    return this.#state;
  }

  /** Whether an answer is being heard. */
  get speaking(): boolean {
    return this.#answers.current?.began === true;
  }

  /** Whether the caller speaks. */
  get hearing(): boolean {
    return this.#listening.hearing;
  }

  /** Whether the caller may be interrupting. */
  get barging(): boolean {
    return this.#listening.barging;
  }

  /** What was counted. */
  get stats(): VoiceStats {
    const { stale, concealed } = this.#ears.stats;
    return {
      packets_stale: stale,
      frames_concealed: concealed,
      expected_loss_percent: this.#loss.percent,
      interruptions: this.#answers.interruptions,
      answer_latency_ms: this.#answers.lastLatency?.figures.first_sound_ms ?? null,
    };
  }

  /** Begins to send, the first time with the greeting, or goes on after {@linkcode pause}. */
  start(): void {
    if (this.#closing.signal.aborted) return;
    this.#answers.current?.rewind();
    this.#playout.start();
    const { greeting = "" } = this.#deps.voice;
    if (!this.#greeted && greeting !== "") this.announce(greeting);
    this.#greeted = true;
  }

  /** The way is lost: nothing is sent until {@linkcode start}, and the place is kept. */
  pause(): void {
    this.#playout.pause();
  }

  /** Takes a packet of the caller's voice. */
  onMedia(packet: MediaPacket): void {
    if (this.#closing.signal.aborted) return;
    const now = this.#deps.clock.now();
    const frames = this.#ears.push(packet, now);
    this.#absence.came({ bytes: packet.payload.length, frames: frames.length }, now);
    this.#hear(frames);
  }

  /** Takes typed text, which is answered as if it had been said. */
  type(text: string): void {
    if (this.#closing.signal.aborted) return;
    if (this.#state === "ducked") this.#listening.insist();
    if (this.#listening.type(text)) return;
    if (this.#deps.limits.typed_interrupts) this.#interruptAll();
    const turn_id = createId("turn");
    const language = this.#choice.language ?? null;
    this.#deps.emit({ type: "transcript.final", data: { turn_id, text, language } });
    this.#ask({ turn_id, text, latency: this.#latency() });
  }

  /** Finds turns otherwise from now on. Throws `ConflictError` where that can't be. */
  tune(how: TurnDetectionOptions): void {
    if (this.#closing.signal.aborted) return;
    if (how.idle_ms !== undefined && this.#deps.company) {
      throw new AppError("ConflictError", "Cannot go on after silence: others may speak, too");
    }
    this.#idling.tune(how.idle_ms);
    this.#listening.tune(how);
    this.#settle();
  }

  /** Forgets what was said in a turn that is not ended. */
  clear(): void {
    this.byHand.clear();
    this.#listening.forget();
  }

  /** Has answered what waits for an answer, though nothing is said; after the words of turns that were ended by hand. */
  respond(): void {
    const ask = () => {
      if (!this.#closing.signal.aborted) this.#ask({ turn_id: createId("turn"), text: "", latency: this.#latency() });
    };
    const { pending } = this.byHand;
    if (pending) void pending.then(ask);
    else ask();
  }

  /** Stops the answer, as the caller's voice would. `heard_ms` is how much of it was heard, where the caller knows. */
  interrupt(heard_ms?: number): void {
    this.#answers.interrupt(heard_ms);
    this.#listening.drop();
    this.#settle();
  }

  /** What seemed to be an interruption was none: the answer goes on. */
  resume(): void {
    this.#answers.resume();
  }

  /** Says something that nobody asked for, such as a greeting. */
  announce(text: string): void {
    const answer = this.#answers.open(createId("turn"), this.#latency());
    answer.take(text);
    answer.finish();
  }

  /** Ignores the caller's voice, or leaves answers as text. */
  mute(who: "caller" | "agent", muted: boolean): void {
    this.#muted[who] = muted;
    if (who === "agent") this.#answers.speakAloud(!muted);
  }

  /** Both are silent; what is being answered goes on, and is said afterwards. */
  hold(held: boolean): void {
    if (this.#held && !held) this.#answers.current?.rewind();
    this.#held = held;
  }

  /** Changes how the agent sounds, from the next sentence on. */
  setVoice(choice: VoiceChoice): void {
    this.#choice = { ...this.#choice, ...choice };
  }

  /** Notes how loud what comes out of the caller's loudspeaker is, in dBFS. */
  noteEcho(level: number): void {
    this.#echo.played(level);
  }

  /** Notes how much of the sound is missing where it arrives, in percent. */
  noteLoss(percent: number): void {
    if (!this.#closing.signal.aborted) this.#loss.report(percent);
  }

  /** Notes when the caller's end heard the answer, by its own clock. */
  heardAt(turn_id: string, ms: number): void {
    this.#answers.heardAt(turn_id, ms);
  }

  [Symbol.dispose](): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(new AppError("CancelledError", "The call is over"));
    this.#listening[Symbol.dispose]();
    this.#answers.close();
    this.#stack.dispose();
  }

  #latency(): Latency {
    const { clock } = this.#deps;
    return new Latency({ clock, since: clock.now() });
  }

  /** Whether the caller's voice is ignored. */
  get #unheard(): boolean {
    return this.#muted.caller || this.#held;
  }

  #hear(frames: Int16Array[]): void {
    if (!this.#deps.stt || this.#unheard) return;
    for (const frame of frames) if (!this.byHand.take(frame)) this.#listening.hear(frame);
  }

  /** A packet has gone out: 20 ms have passed. */
  #played(level: number): void {
    const now = this.#deps.clock.now();
    if (!this.#deps.company?.speaking) this.noteEcho(level);
    this.#deps.company?.played(level);
    this.#hear(this.#ears.due(now));
    // Who stops sending has stopped speaking.
    const silent = this.#unheard || this.#absence.isSilent(now);
    if (this.#listening.hearing && silent) this.#listening.hear(this.#nothing);
    this.#idle();
  }

  /** The agent goes on by itself where the caller says nothing for too long. */
  #idle(): void {
    const quiet = this.#state === "listening" && !this.#unheard && !this.byHand.inForce;
    const quiet_ms = this.#idling.pass({ quiet });
    if (quiet_ms === undefined) return;
    const turn_id = createId("turn");
    const at_ms = this.#deps.clock.now() - this.#startedAt;
    this.#deps.emit({ type: "speech.timeout", data: { turn_id, since_ms: at_ms - quiet_ms, at_ms } });
    this.#answers.ask({ turn_id, text: SILENCE, latency: this.#latency() });
  }

  #ask(utterance: Utterance): void {
    this.#idling.asked({ inWords: utterance.text !== "" });
    this.#answers.ask(utterance);
  }

  /** The sound that is due. */
  #next(): Int16Array | null {
    const { company } = this.#deps;
    const yields = this.#listening.hearing && this.#listening.interrupts;
    if (this.#held || this.#muted.agent || yields || company?.speaking || company?.barging) return null;
    const frame = this.#answers.current?.frame() ?? null;
    if (frame) this.#settle();
    return frame;
  }

  #interruptAll(): void {
    this.#answers.interrupt();
    this.#deps.company?.interrupt();
  }

  /** Puts the state where what was heard and what is to be said want it. */
  #settle(): void {
    this.#answers.settle();
    const { current } = this.#answers;
    const { hearing, barging, awaiting, interrupts } = this.#listening;
    const answering = current?.began ? "speaking" : "thinking";
    const idle = awaiting ? "thinking" : current ? answering : "listening";
    // Whoever interrupts somebody else's answer has none of their own to pause.
    const ducked = barging && current && this.#state !== "hearing";
    const heard = hearing && (interrupts || !current);
    this.#state = transit(this.#state, ducked ? "ducked" : heard ? "hearing" : idle);
  }
}
