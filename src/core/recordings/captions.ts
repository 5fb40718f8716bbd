/**
 * What was said, from the events of a call.
 *
 * @module
 */
import type { NewRtcEvent } from "../../domain/rtc_event.ts";
import type { RecordedCue } from "../../domain/rtc_recording.ts";

/** What a recording keeps at most: cues, and characters of one. */
const MAX_CUES = 10_000;
const MAX_TEXT = 2000;
/** Turns that are open at once at most. */
const MAX_TURNS = 16;

/** Turns events into cues. */
export class Captions {
  readonly #write: (cue: RecordedCue) => void;
  readonly #caller: string;
  readonly #agent: string;
  #written = 0;
  /** When the caller's speech began and ended, by turn. */
  #speech = new Map<string, { start: number; end: number | undefined }>();
  #sentence: { text: string; start: number } | undefined;

  /** `from`: whose events these are, where there are several who speak. */
  constructor(write: (cue: RecordedCue) => void, from?: string) {
    this.#write = write;
    this.#caller = from ?? "caller";
    this.#agent = from ?? "agent";
  }

  /** Takes what happened at `now`, in milliseconds since the recording began. */
  take({ type, data }: NewRtcEvent, now: number): void {
    switch (type) {
      case "speech.started":
        if (this.#speech.size >= MAX_TURNS) this.#speech.clear();
        return void this.#speech.set(data.turn_id, { start: now, end: undefined });
      case "speech.stopped": {
        const speech = this.#speech.get(data.turn_id);
        if (speech !== undefined) speech.end = now;
        return;
      }
      case "transcript.final": {
        const { start = now, end = now } = this.#speech.get(data.turn_id) ?? {};
        this.#speech.delete(data.turn_id);
        return this.#say(this.#caller, { text: data.text, start, end });
      }
      case "agent.speaking":
        this.end(now);
        this.#sentence = { text: data.text, start: now };
        return;
      case "agent.interrupted":
      case "agent.done":
        return this.end(now);
    }
  }

  /** The agent says nothing more. */
  end(now: number): void {
    if (this.#sentence !== undefined) this.#say(this.#agent, { ...this.#sentence, end: now });
    this.#sentence = undefined;
  }

  #say(speaker: string, { text, start, end }: { text: string; start: number; end: number }): void {
    if (text.trim() === "" || this.#written++ >= MAX_CUES) return;
    this.#write({
      speaker,
      text: text.slice(0, MAX_TEXT),
      start_ms: Math.max(0, Math.round(start)),
      end_ms: Math.max(0, Math.round(end)),
    });
  }
}
