/**
 * A call while it is recorded.
 *
 * @module
 */
import type { RtcRecordingEnd, RtcRecordingRow } from "../../domain/rtc_recording.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import { createId } from "../../kit/id.ts";
import type { Log } from "../../kit/log.ts";
import type { RawRecording, Recorder } from "../../ports/recorder.ts";
import type { Store } from "../../ports/store.ts";
import type { TappedCall } from "../calls/call_tap.ts";
import { LiveRecording } from "./live_recording.ts";

/** What a {@linkcode RecordedCall} needs. */
export interface RecordedCallDeps {
  store: Store;
  recorder: Recorder;
  clock: Clock;
  log: Log;
  /** Whether it is encrypted where it is kept. */
  sealed: boolean;
  max_bytes: number;
  max_seconds: number;
  /** It takes nothing more. */
  onEnd(reason: RtcRecordingEnd): void;
  /** What was recorded is whole; undefined when it is to be kept no longer, or couldn't be ended. */
  onRaw(raw: { raw: RawRecording; reason: RtcRecordingEnd; dropped: number } | undefined): void;
}

/** See the module. */
export class RecordedCall {
  readonly row: RtcRecordingRow;
  readonly #deps: RecordedCallDeps;
  readonly #call: TappedCall;
  #live!: LiveRecording;
  #tap: Disposable | undefined;
  #ended: Promise<void> | undefined;

  /** Begins: stores the row, opens the file, tells everybody, and only then takes what comes. */
  static async begin(call: TappedCall, deps: RecordedCallDeps): Promise<RecordedCall> {
    const { store, recorder, sealed, max_bytes, max_seconds } = deps;
    const recorded = new RecordedCall(call, deps);
    const { id } = recorded.row;
    await store.commit({ writes: [{ insert: "rtc_recordings", rows: [recorded.row] }] });
    try {
      const onEnd = (reason: RtcRecordingEnd) => void recorded.end(reason);
      const recording = await recorder.open(id, { sealed, max_bytes, max_seconds, onEnd });
      recorded.#live = new LiveRecording({
        recording,
        clock: deps.clock,
        requestKeyframe: (mid, from) => call.requestKeyframe(mid, from),
        onFirst: () => recorded.#noteFirst(),
      });
    } catch (error) {
      await store.commit({ writes: [{ delete: "rtc_recordings", where: { id } }] });
      throw error;
    }
    // Its file may have failed meanwhile.
    if (!recorded.#ended) recorded.#follow();
    return recorded;
  }

  private constructor(call: TappedCall, deps: RecordedCallDeps) {
    this.#call = call;
    this.#deps = deps;
    this.row = {
      ...call.owner,
      id: createId("rec"),
      session_id: call.id === call.room_id ? null : call.id,
      room_id: call.id === call.room_id ? call.id : null,
      state: "recording",
      reason: null,
      tracks: [],
      transcript: [],
      duration_ms: null,
      size: null,
      sealed: deps.sealed,
      dropped: 0,
      started_at: toTime(deps.clock.now()),
      ended_at: null,
      expires_at: null,
    };
  }

  /** Ends it, whoever asks first, and resolves when what was written is whole. */
  end(reason: RtcRecordingEnd): Promise<void> {
    return this.#ended ??= this.#end(reason);
  }

  #follow(): void {
    const live = this.#live;
    this.#call.announce({ type: "recording.started", data: { recording_id: this.row.id } });
    const tap = this.#call.tap({
      onPacket: (...packet) => live.onPacket(...packet),
      onEvent: (event, from) => live.onEvent(event, from),
      nameTracks: (tracks, from) => live.nameTracks(tracks, from),
      onEnd: () => void this.end("call_ended"),
    });
    // Its end may have been told at once.
    if (this.#ended) tap[Symbol.dispose]();
    else this.#tap = tap;
  }

  #noteFirst(): void {
    const { store, clock, log } = this.#deps;
    const { id } = this.row;
    const set = { started_at: toTime(clock.now()) };
    store.commit({ writes: [{ update: "rtc_recordings", where: { id }, set }] }).catch((error) => {
      log.warn("Cannot store when a recording began", { recording_id: id, error });
    });
  }

  async #end(reason: RtcRecordingEnd): Promise<void> {
    const { store, log, onEnd, onRaw } = this.#deps;
    const { id } = this.row;
    this.#tap?.[Symbol.dispose]();
    this.#call.announce({ type: "recording.stopped", data: { recording_id: id, reason } });
    onEnd(reason);
    try {
      const raw = await this.#live.finish();
      if (reason === "deleted") {
        await raw.discard();
        return onRaw(undefined);
      }
      const set = { state: "finishing", reason } as const;
      await store.commit({ writes: [{ update: "rtc_recordings", where: { id }, set }] });
      onRaw({ raw, reason, dropped: this.#live.dropped });
    } catch (error) {
      log.error("Cannot end a recording", { recording_id: id, error });
      onRaw(undefined);
    }
  }
}
