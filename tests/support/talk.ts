/**
 * A caller and an agent whose engines do what a test tells them, on a clock that the test moves. What is heard and said
 * is written down instead of sounding: a packet is some bytes, a character of the agent lasts 60 ms and can be read back.
 *
 * @module
 */
import type { AnswerOptions, Brain, Said } from "../../src/core/voice/brain.ts";
import { SilenceTurns } from "../../src/core/voice/silence_turns.ts";
import { VOICE_LIMITS, type VoiceLimits } from "../../src/core/voice/voice_limits.ts";
import { VoiceLoop } from "../../src/core/voice/voice_loop.ts";
import type { VoiceLoopDeps } from "../../src/core/voice/voice_parts.ts";
import type { NewRtcEvent, RtcEventType } from "../../src/domain/rtc_event.ts";
import { type Clock, sleep } from "../../src/kit/clock.ts";
import type { AudioCodec } from "../../src/ports/audio_codec.ts";
import type { OutgoingPacket } from "../../src/ports/peers.ts";
import type { SpeechToText, Transcript } from "../../src/ports/speech_to_text.ts";
import type { TextToSpeech } from "../../src/ports/text_to_speech.ts";
import { MovingClock, settlePromises } from "./moving_clock.ts";

/** How long a character of the agent lasts. */
export const CHARACTER_MS = 60;
const SAMPLES = CHARACTER_MS * 24;
/** Loud enough to be heard; characters are counted from here. */
const BASE = 4000;

/** What an engine makes of one stretch of speech. */
export interface ScriptedSpeech {
  text: string;
  /** A word is understood each time so much was heard. */
  word_ms?: number;
  /** How long the last words take. */
  final_ms?: number;
  fail?: Error;
  hang?: boolean;
}

/** What answers a turn. */
export type ScriptedAnswer = (options: AnswerOptions, clock: Clock) => AsyncIterable<Said>;

/** Options for {@linkcode openTalk}. */
export interface TalkOptions {
  /** One for each stretch of speech; the last for all that follow. */
  speech?: ScriptedSpeech[];
  /** Nothing is understood before a stretch has ended. */
  whole?: boolean;
  answers?: ScriptedAnswer[];
  limits?: Partial<VoiceLimits>;
  /** Milliseconds before the first sound of a sentence; `fail` after so many characters of one that contains `in`. */
  tts?: { delay_ms?: number; fail?: { in: string; after: number }; hang?: string };
  deps?: Partial<VoiceLoopDeps>;
  /** Lets happen what is due, where more than promises wait. */
  settle?: () => Promise<void>;
}

/** A packet, and when it was sent. */
export interface SentPacket extends OutgoingPacket {
  at: number;
}

/** A talk that goes on. */
export interface Talk extends Disposable {
  loop: VoiceLoop;
  clock: MovingClock;
  events: NewRtcEvent[];
  packets: SentPacket[];
  /** What the brain was asked. */
  asked: string[];
  /** What runs would store, in order. */
  stored: string[];
  /** What each sentence was said with. */
  said: { text: string; voice?: string; language?: string; speed?: number }[];
  /** The caller speaks, or is silent, for `ms`; so much of it comes at once, 20 ms unless told. */
  speak(ms: number, how?: { at_once_ms?: number }): Promise<void>;
  silence(ms: number): Promise<void>;
  /** The caller is silent, and sends next to nothing meanwhile (DTX). */
  save(ms: number): Promise<void>;
  /** What was played since packet number `from`, read back; a pause is a bar. */
  played(from?: number): string;
  /** The data of all events of a type. */
  of<T extends RtcEventType>(type: T): (NewRtcEvent & { type: T })["data"][];
}

/** An answer that is said in one go, or in pieces, and stored as far as it was heard. */
export function says(
  text: string,
  { every_ms = 0, pieces = 1, first_ms = 0 }: { every_ms?: number; pieces?: number; first_ms?: number } = {},
): ScriptedAnswer {
  return async function* ({ turn_id, delivery, signal }, clock) {
    yield { type: "started", run_id: `run_${turn_id}` };
    if (first_ms > 0) await sleep(clock, first_ms);
    let said = "";
    const size = Math.ceil(text.length / pieces);
    for (let at = 0; at < text.length && !delivery.interrupted.aborted; at += size) {
      if (at > 0 && every_ms > 0) await sleep(clock, every_ms);
      const piece = text.slice(at, at + size);
      said += piece;
      yield { type: "text", text: piece };
    }
    stored.get(delivery)?.push(await delivery.heard(said, { signal }));
  };
}

/** Where what runs store is written down, by the delivery they were given. */
const stored = new WeakMap<AnswerOptions["delivery"], string[]>();

/** Begins a talk. */
export async function openTalk(options: TalkOptions = {}): Promise<Talk> {
  const clock = new MovingClock({ settle: options.settle ?? settlePromises });
  const { speech = [{ text: "hello there" }], answers = [says("Hi.")], limits = {}, deps = {} } = options;
  const talk = { events: [] as NewRtcEvent[], packets: [] as SentPacket[], asked: [] as string[] };
  const kept: string[] = [];
  const said: Talk["said"] = [];
  let answered = 0;
  const brain: Brain = {
    answer(text, given) {
      talk.asked.push(text);
      stored.set(given.delivery, kept);
      return answers[Math.min(answered++, answers.length - 1)]!(given, clock);
    },
  };
  const loop = await VoiceLoop.open({
    clock,
    codec,
    activity: {
      load: () => Promise.resolve(),
      open: () => ({ isSpeech: (frame) => frame[0] !== 0, [Symbol.dispose]() {} }),
    },
    stt: scriptedHearing(speech, { clock, whole: options.whole ?? false }),
    tts: scriptedVoice(options.tts ?? {}, { clock, said }),
    turns: ({ end_ms = 500 }) => new SilenceTurns({ end_ms }),
    brain,
    voice: {},
    limits: { ...VOICE_LIMITS, echo_guard: false, ...limits },
    phrases: { waiting: "", failed: "" },
    emit: (event) => void talk.events.push(event),
    sendAudio: (packet) => void talk.packets.push({ ...packet, at: clock.now() }),
    ...deps,
  });
  loop.start();
  let sequence = 65_500;
  const hand = (...payload: number[]) => {
    const packet = { mid: "0", kind: "audio", timestamp: 0, marker: false } as const;
    loop.onMedia({ ...packet, payload: Uint8Array.from(payload), sequence: sequence++ & 0xffff });
  };
  const send = async (kind: number, ms: number, at_once_ms = 20) => {
    for (let left = ms; left > 0; left -= at_once_ms) {
      for (let piece = Math.min(left, at_once_ms); piece > 0; piece -= 20) hand(kind, kind, kind);
      await clock.pass(Math.min(left, at_once_ms));
    }
  };
  return {
    ...talk,
    loop,
    clock,
    said,
    stored: kept,
    speak: (ms, { at_once_ms } = {}) => send(1, ms, at_once_ms),
    silence: (ms) => send(0, ms),
    save: async (ms) => {
      for (let left = ms; left > 0; left -= 400) {
        hand(0);
        await clock.pass(Math.min(left, 400));
      }
    },
    played: (from = 0) => read(talk.packets.slice(from)),
    of: (type) => talk.events.flatMap((event) => event.type === type ? [event.data] : []) as never,
    [Symbol.dispose]: () => loop[Symbol.dispose](),
  };
}

/** A packet of the caller begins with a byte, loud or silent; one of the agent is the sample in the middle of its frame. */
const codec: AudioCodec = {
  load: () => Promise.resolve(),
  createDecoder: ({ rate }) =>
    Promise.resolve({
      unreadable: 0,
      decode: (packet) => new Int16Array(rate / 50).fill((packet[0] ?? 0) * 5000),
      conceal: () => new Int16Array(rate / 50),
      [Symbol.dispose]() {},
    }),
  createEncoder: () =>
    Promise.resolve({
      encode: (frame) => new Uint8Array(Int16Array.of(frame[frame.length >> 1]!).buffer),
      expectLoss() {},
      [Symbol.dispose]() {},
    }),
};

function read(packets: readonly SentPacket[]): string {
  let text = "";
  let same = 0;
  let last = "";
  for (const { payload } of packets) {
    const sample = new Int16Array(payload.slice().buffer)[0]!;
    const character = sample === 0 ? "" : String.fromCharCode(sample - BASE);
    same = character === last ? same + 1 : 1;
    last = character;
    // Three frames a character; a pause is one bar.
    if (character === "" ? same === 1 && text !== "" : same % 3 === 1) text += character || "|";
  }
  return text.replace(/\|$/, "");
}

function scriptedVoice(
  { delay_ms = 0, fail, hang }: NonNullable<TalkOptions["tts"]>,
  { clock, said }: { clock: Clock; said: Talk["said"] },
): TextToSpeech {
  return {
    rate: 24_000,
    check: () => Promise.resolve({ ok: true, detail: "scripted" }),
    async *speak(text, { signal, ...how }) {
      said.push({ text, ...how });
      if (delay_ms > 0) await sleep(clock, delay_ms, signal);
      let spoken = 0;
      for (const character of text) {
        if (hang !== undefined && text.includes(hang)) await new Promise(() => {});
        if (fail && text.includes(fail.in) && spoken++ >= fail.after) throw new Error("The voice broke");
        signal.throwIfAborted();
        yield new Int16Array(SAMPLES).fill(BASE + character.charCodeAt(0));
      }
    },
  };
}

function scriptedHearing(
  script: ScriptedSpeech[],
  { clock, whole }: { clock: Clock; whole: boolean },
): SpeechToText {
  let used = 0;
  return {
    rate: 16_000,
    streaming: !whole,
    check: () => Promise.resolve({ ok: true, detail: "scripted" }),
    async *transcribe(audio, { signal }): AsyncGenerator<Transcript> {
      const { text, word_ms = 300, final_ms = 0, fail, hang } = script[Math.min(used++, script.length - 1)]!;
      const words = text.split(" ");
      let heard = 0;
      for await (const frame of audio) {
        if (frame[0] === 0) continue;
        heard += 20;
        if (!whole && heard % word_ms === 0 && text !== "" && heard / word_ms < words.length) {
          yield { text: words.slice(0, heard / word_ms).join(" "), final: false };
        }
      }
      if (final_ms > 0) await sleep(clock, final_ms, signal);
      if (fail) throw fail;
      if (hang) await new Promise(() => {});
      yield { text, final: true };
    },
  };
}
