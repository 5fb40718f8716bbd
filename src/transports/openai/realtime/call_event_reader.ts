/**
 * The events of a call, each given to who tells of it.
 *
 * @module
 */
import { AppError } from "../../../domain/error.ts";
import type { EventType } from "../../../domain/event.ts";
import type { LookSource, RtcEventType } from "../../../domain/rtc_event.ts";
import type { NoticeData, NoticeType } from "./notices.ts";

/** An event of a call. */
export interface CallEvent {
  type: RtcEventType;
  // deno-lint-ignore no-explicit-any -- its shape is the type's, and the server's own word
  data: any;
}

/** Whose answer is meant. */
export interface AnswerPlace {
  turn_id: string;
  run_id: string | null;
}

/** What of a call's events matters here. */
export interface CallListener {
  speechStarted(turn_id: string, at_ms: number): void;
  speechStopped(turn_id: string, at_ms: number): void;
  /** The caller has said nothing for too long. */
  missed(turn_id: string, silence: { audio_start_ms: number; audio_end_ms: number }): void;
  transcribed(turn_id: string, text: string): void;
  /** What the caller said can't be written down. */
  unheard(turn_id: string, error: AppError): void;
  told(run_id: string, event: EventType, data: Record<string, unknown>): void;
  speaking(said: AnswerPlace & { text: string; aloud: boolean }): void;
  interrupted(said: AnswerPlace & { heard: string }): void;
  finished(place: AnswerPlace): void;
  /** The agent wants to look. */
  looking(asked: { look_id: string; source: LookSource; reason: string; run_id: string }): void;
  /** It has looked, or won't. */
  looked(look_id: string): void;
  /** What is left of the requests that the caller may make. */
  limited(left: { limit: number; remaining: number; reset_seconds: number }): void;
  noticed(type: NoticeType, data: NoticeData): void;
  failed(error: AppError): void;
}

/** Reads events. */
export class CallEventReader {
  readonly #listener: CallListener;

  constructor(listener: CallListener) {
    this.#listener = listener;
  }

  /** Reads one. */
  read({ type, data }: CallEvent): void {
    const listener = this.#listener;
    switch (type) {
      case "speech.started":
        return listener.speechStarted(data.turn_id, data.at_ms);
      case "speech.stopped":
        return listener.speechStopped(data.turn_id, data.at_ms);
      case "speech.timeout":
        return listener.missed(data.turn_id, { audio_start_ms: data.since_ms, audio_end_ms: data.at_ms });
      case "transcript.final":
        return listener.transcribed(data.turn_id, data.text);
      case "agent.speaking":
        return listener.speaking(data);
      case "agent.interrupted":
        return listener.interrupted(data);
      case "agent.done":
        return listener.finished(data);
      case "run.event":
        return listener.told(data.run_id, data.event, data.data);
      case "look.asked":
        return listener.looking(data);
      case "look.done":
      case "look.refused":
        return listener.looked(data.look_id);
      case "session.limits":
        return listener.limited(data);
      case "recording.started":
      case "recording.stopped":
      case "session.viewer":
        return listener.noticed(type, data);
      case "error": {
        const { error, message, details, turn_id } = data;
        const failure = new AppError(error, message, details && { details });
        return turn_id === undefined ? listener.failed(failure) : listener.unheard(turn_id, failure);
      }
    }
  }
}
