/**
 * What is heard by a Realtime server: sound goes up, words come back.
 *
 * @module
 */
import { abortable } from "../../kit/abortable.ts";
import { toBytes } from "../../kit/pcm.ts";
import { Queue } from "../../kit/queue.ts";
import type { SpeechToText, Transcript } from "../../ports/speech_to_text.ts";
import { toCancelled } from "./failure.ts";
import { SPOKEN_RATE } from "./rates.ts";
import type { RealtimeConnection } from "./realtime_connection.ts";
import type { RealtimeHistory } from "./realtime_history.ts";
import type { RealtimeEvent, RealtimeLine } from "./realtime_line.ts";
import { toRecord } from "./realtime_response.ts";
import { toWords } from "./utterance.ts";

/** The longest that is kept of one stretch of speech, so that it can be said again on another line. */
const MAX_SAMPLES = 300 * SPOKEN_RATE;
/** What is shorter is no word, and refused by servers. */
const MIN_SAMPLES = SPOKEN_RATE / 10;
/** How many unread partial transcripts are kept: each one replaces those before. */
const MAX_PARTIALS = 8;

/** A stretch of speech. */
interface Utterance {
  frames: Int16Array[];
  samples: number;
  ended: boolean;
  item_id: string | undefined;
  text: string;
  transcripts: Queue<Transcript>;
}

/** What {@linkcode RealtimeEars} need. */
export interface RealtimeEarsDeps {
  connection: RealtimeConnection;
  history: RealtimeHistory;
  /** What fails, for errors. */
  refusal(event: RealtimeEvent): Error;
  /** Told when somebody begins to speak, has spoken, and has said no word. */
  onSpeech(): void;
  onSaid(line: RealtimeLine): void;
  onNoise(): void;
  /** Told when nothing is listened to any more. */
  onIdle(): void;
}

/** See the module. */
export class RealtimeEars implements SpeechToText {
  readonly rate = SPOKEN_RATE;
  readonly streaming = false;
  readonly #deps: RealtimeEarsDeps;
  #utterances: Utterance[] = [];
  /** Speech is sent one stretch after the other: a server keeps one buffer. */
  #line: Promise<void> = Promise.resolve();

  constructor(deps: RealtimeEarsDeps) {
    this.#deps = deps;
  }

  /** Whether nothing is listened to. */
  get idle(): boolean {
    return this.#utterances.length === 0;
  }

  async *transcribe(
    audio: AsyncIterable<Int16Array>,
    { signal }: Parameters<SpeechToText["transcribe"]>[1],
  ): AsyncGenerator<Transcript, void> {
    const before = this.#line;
    const sent = Promise.withResolvers<void>();
    this.#line = sent.promise;
    const utterance: Utterance = {
      frames: [],
      samples: 0,
      ended: false,
      item_id: undefined,
      text: "",
      transcripts: new Queue({ capacity: MAX_PARTIALS, overflow: "drop_oldest" }),
    };
    try {
      await abortable(before, signal);
      this.#utterances.push(utterance);
      this.#deps.onSpeech();
      for await (const frame of audio) this.#push(utterance, frame);
      signal.throwIfAborted();
      if (utterance.samples < MIN_SAMPLES) return yield { text: "", final: true };
      const line = await this.#deps.connection.ready(signal);
      if (!utterance.ended) {
        this.#commit(utterance, line);
        this.#deps.onSaid(line);
      }
      sent.resolve();
      yield* this.#words(utterance, signal);
    } catch (error) {
      throw signal.aborted ? toCancelled(signal.reason) : error;
    } finally {
      sent.resolve();
      this.#forget(utterance);
    }
  }

  check(signal: AbortSignal): Promise<{ ok: boolean; detail: string }> {
    return this.#deps.connection.ready(signal).then(() => ({ ok: true, detail: "Connected" }));
  }

  /** Takes an event about what was heard. */
  take(event: RealtimeEvent): void {
    const { type, item_id: id } = event;
    if (typeof id !== "string") return;
    if (type === "input_audio_buffer.committed") {
      this.#deps.history.hear(id);
      const utterance = this.#utterances.find(({ ended, item_id }) => ended && item_id === undefined);
      if (utterance) utterance.item_id = id;
      return;
    }
    const utterance = this.#utterances.find(({ item_id }) => item_id === id);
    if (type === "conversation.item.input_audio_transcription.completed") {
      const text = toWords(String(event.transcript ?? ""));
      this.#deps.history.understand(id, text);
      if (text === "") this.#deps.onNoise();
      utterance?.transcripts.push({ text, final: true });
      utterance?.transcripts.end();
    } else if (type === "conversation.item.input_audio_transcription.delta" && utterance) {
      utterance.text += String(event.delta ?? "");
      utterance.transcripts.push({ text: toWords(utterance.text), final: false });
    } else if (type === "conversation.item.input_audio_transcription.failed") {
      utterance?.transcripts.fail(this.#deps.refusal({ type, error: toRecord(event.error) }));
    }
  }

  /** A server refused a stretch of speech. */
  refuse(error: Error): void {
    this.#utterances.find(({ ended, item_id }) => ended && item_id === undefined)?.transcripts.fail(error);
  }

  /** Another line is in force: what was not understood is said on it again. */
  restore(line: RealtimeLine): void {
    for (const utterance of this.#utterances) {
      if (utterance.item_id !== undefined) this.#deps.history.forget(utterance.item_id);
      utterance.item_id = undefined;
      utterance.text = "";
      for (const frame of utterance.frames) line.send(toAppend(frame));
      if (utterance.ended) this.#commit(utterance, line);
    }
  }

  #push(utterance: Utterance, frame: Int16Array): void {
    utterance.samples += frame.length;
    if (utterance.samples > MAX_SAMPLES) return;
    utterance.frames.push(frame);
    this.#deps.connection.line?.send(toAppend(frame));
  }

  #commit(utterance: Utterance, line: RealtimeLine): void {
    utterance.ended = true;
    line.send({ type: "input_audio_buffer.commit", event_id: "heard" });
  }

  async *#words({ transcripts }: Utterance, signal: AbortSignal): AsyncGenerator<Transcript, void> {
    const stop = () => transcripts.fail(toCancelled(signal.reason));
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    try {
      yield* transcripts;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  #forget(utterance: Utterance): void {
    if (!this.#utterances.includes(utterance)) return;
    this.#utterances = this.#utterances.filter((one) => one !== utterance);
    // What was never ended would be a part of what is said next.
    if (!utterance.ended && utterance.samples > 0) {
      this.#deps.connection.line?.send({ type: "input_audio_buffer.clear" });
    }
    this.#deps.onIdle();
  }
}

function toAppend(frame: Int16Array): RealtimeEvent {
  return { type: "input_audio_buffer.append", audio: toBytes(frame.slice()).toBase64() };
}
