/**
 * What is recorded of a call, or of the room it is in.
 *
 * @module
 */
import type { RtcRecording } from "../../src/domain/rtc_recording.ts";
import type { Api } from "./api.ts";

/** What is recorded: a call alone, or a room. */
export type Recorded = { session_id: string } | { room_id: string };

/** Starts and stops recording, and gives what was recorded. Every method rejects with `CallError`. */
export class CallRecordings {
  /** Whether any of it can be used: not by those who were invited. */
  readonly allowed: boolean;
  readonly #api: Api;
  readonly #of: Recorded;

  constructor(api: Api, { of, allowed }: { of: Recorded; allowed: boolean }) {
    this.#api = api;
    this.#of = of;
    this.allowed = allowed;
  }

  /** Begins to record; everybody is told. */
  start(): Promise<RtcRecording> {
    return this.#api.ask("POST", this.#path, { body: {} });
  }

  /** Ends that; the file is made afterwards. */
  stop(): Promise<RtcRecording> {
    return this.#api.ask("DELETE", this.#path);
  }

  /** The recording `id`; undefined where it is gone or somebody else's. */
  async find(id: string): Promise<RtcRecording | undefined> {
    const query = new URLSearchParams({ ...this.#of, limit: "100", order: "desc" });
    const { data } = await this.#api.ask<{ data: RtcRecording[] }>("GET", `/rtc/recordings?${query}`);
    return data.find((recording) => recording.id === id);
  }

  /** The file of a recording that is ready. */
  async file(id: string): Promise<ArrayBuffer> {
    return await (await this.#api.send("GET", `/rtc/recordings/${id}/content`)).arrayBuffer();
  }

  /** What was said in it, as WebVTT. */
  async words(id: string): Promise<Blob> {
    return await (await this.#api.send("GET", `/rtc/recordings/${id}/transcript`)).blob();
  }

  /** Where the file can be had without a key, for an hour. */
  address(id: string): Promise<string> {
    return this.#api.ticketed(`/rtc/recordings/${id}/content`);
  }

  get #path(): string {
    return "room_id" in this.#of
      ? `/rtc/rooms/${this.#of.room_id}/recording`
      : `/rtc/sessions/${this.#of.session_id}/recording`;
  }
}
