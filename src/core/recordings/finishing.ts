/**
 * Making files of what was recorded, also by processes that have died.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { RtcRecordingEnd, RtcRecordingRow } from "../../domain/rtc_recording.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import type { Log } from "../../kit/log.ts";
import type { Blobs, ByteRange } from "../../ports/blobs.ts";
import type { RawRecording, Recorder } from "../../ports/recorder.ts";
import type { Store, Write } from "../../ports/store.ts";

/** What a {@linkcode Finishing} needs. */
export interface FinishingDeps {
  store: Store;
  recorder: Recorder;
  /** Where files are kept: readable, and encrypted. */
  blobs: { plain: Blobs; sealed: Blobs };
  clock: Clock;
  log: Log;
  /** How long a recording is kept; 0: for ever. */
  recording_days: number;
}

/** What is there, of which row, and why it ended. */
export interface Finished {
  id: string;
  sealed: boolean;
  raw: RawRecording;
  reason: RtcRecordingEnd;
  dropped: number;
}

/** Ends after which nothing is missing. */
const WELL_ENDED: readonly RtcRecordingEnd[] = ["stopped", "call_ended", "too_long", "too_large", "shutdown"];
const DAY_MS = 86_400_000;
const UNDONE = { in: ["recording", "finishing"] } as const;
const PAGE = 50;

/** See the module. */
export class Finishing {
  readonly #deps: FinishingDeps;
  readonly #closed = new AbortController();
  readonly #busy = new Map<string, { done: Promise<void>; stop: AbortController }>();
  #recording_days: number;
  #resuming: Promise<void> | undefined;

  constructor(deps: FinishingDeps) {
    this.#deps = deps;
    this.#recording_days = deps.recording_days;
  }

  /** Puts another number of days in force, for what ends from now on. */
  update(recording_days: number): void {
    this.#recording_days = recording_days;
  }

  /** Whether a file is being made of `id`. */
  isBusy(id: string): boolean {
    return this.#busy.has(id);
  }

  /** Makes the file. What can't be done now is tried again by {@linkcode resume}. Never rejects. */
  finish(finished: Finished): Promise<void> {
    const { id } = finished;
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, this.#closed.signal]);
    const done = this.#finish(finished, signal).catch((error) => {
      if (!signal.aborted) this.#deps.log.error("Cannot finish a recording", { recording_id: id, error });
    }).finally(() => this.#busy.delete(id));
    this.#busy.set(id, { done, stop });
    return done;
  }

  /** Finishes what is left over, but nothing for which `isLive` says that it is still being made. */
  resume(isLive: (id: string) => boolean): Promise<void> {
    return this.#resuming ??= this.#resume(isLive).finally(() => this.#resuming = undefined);
  }

  /** Removes what is kept no longer, telling of each, and files that no row names. */
  async sweep(signal: AbortSignal, onExpired: (row: RtcRecordingRow) => void): Promise<number> {
    const { store, blobs, clock } = this.#deps;
    let count = 0;
    while (!signal.aborted) {
      const where = { expires_at: { lte: toTime(clock.now()), ne: null } } as const;
      const rows = await store.read({ from: "rtc_recordings", where, limit: PAGE });
      for (const row of rows) {
        await this.remove(row);
        onExpired(row);
      }
      count += rows.length;
      if (rows.length < PAGE) break;
    }
    for await (const id of blobs.plain.list()) {
      if (signal.aborted) break;
      const [row] = await store.read({ from: "rtc_recordings", where: { id }, limit: 1 });
      if (row !== undefined || this.isBusy(id)) continue;
      await blobs.plain.delete(id);
      count++;
    }
    return count;
  }

  /** Removes a recording, also while its file is made: first the row, so that none promises what is gone. */
  async remove({ id, sealed }: Pick<RtcRecordingRow, "id" | "sealed">): Promise<void> {
    const busy = this.#busy.get(id);
    busy?.stop.abort(new AppError("GoneError", `Cannot finish recording "${id}": it was deleted`));
    await busy?.done;
    await this.#deps.store.commit({ writes: [{ delete: "rtc_recordings", where: { id } }] });
    await this.#blobsOf(sealed).delete(id);
    await this.#deps.recorder.discard(id);
  }

  /** The file's bytes, all or those of `range`. */
  async open({ id, sealed }: RtcRecordingRow, range?: ByteRange): Promise<ReadableStream<Uint8Array>> {
    const body = await this.#blobsOf(sealed).open(id, range);
    if (!body) throw new AppError("GoneError", `Cannot read recording "${id}": its bytes are no longer kept`);
    return body;
  }

  /** Stops where it is; {@linkcode resume} goes on at the next start. */
  async close(): Promise<void> {
    this.#closed.abort(new AppError("UnavailableError", "Cannot finish a recording: the server is stopping"));
    await Promise.all([this.#resuming, ...Array.from(this.#busy.values(), ({ done }) => done)]);
  }

  async #finish({ id, sealed, raw, reason, dropped }: Finished, signal: AbortSignal): Promise<void> {
    const { store } = this.#deps;
    const { duration_ms, tracks, cues } = raw;
    const told = { tracks: [...tracks], transcript: [...cues], duration_ms };
    await store.commit({ writes: this.#ending(id, { state: "finishing", reason, dropped, ...told }) });
    // Where nothing came there was nothing to be lost, but a file without tracks is none.
    const isEmpty = tracks.length === 0;
    if (isEmpty && (dropped > 0 || !WELL_ENDED.includes(reason))) {
      await this.#fail(id, reason);
    } else {
      const size = isEmpty ? 0 : (await this.#blobsOf(sealed).put(id, until(signal, raw.toWebm()))).size;
      const ready = { state: "ready", size } as const;
      await store.commit({ writes: [{ update: "rtc_recordings", where: { id, state: "finishing" }, set: ready }] });
    }
    // Not before the row says so: what died in between is done once more.
    await raw.discard();
  }

  async #resume(isLive: (id: string) => boolean): Promise<void> {
    const { store, recorder, log } = this.#deps;
    const isOurs = (id: string) => isLive(id) || this.isBusy(id);
    // The rows first: what begins meanwhile is none of these.
    const rows = await store.read({ from: "rtc_recordings", where: { state: UNDONE }, limit: 1000 });
    const left = new Set<string>();
    for await (const id of recorder.list()) left.add(id);
    for (const { id, reason } of rows) {
      if (!left.has(id) && !isOurs(id)) await this.#fail(id, reason ?? "process_ended");
    }
    for (const id of left) {
      if (isOurs(id) || this.#closed.signal.aborted) continue;
      await this.#recover(id).catch((error) => log.error("Cannot recover a recording", { recording_id: id, error }));
    }
  }

  async #recover(id: string): Promise<void> {
    const { store, recorder } = this.#deps;
    const [row] = await store.read({ from: "rtc_recordings", where: { id }, limit: 1 });
    if (row === undefined || row.state === "ready" || row.state === "failed") return await recorder.discard(id);
    const reason = row.reason ?? "process_ended";
    // What can't be read isn't being recorded either, and is kept no longer than what can.
    await store.commit({ writes: this.#ending(id, { state: "finishing", reason }) });
    const raw = await recorder.recover(id);
    if (raw === undefined) await this.#fail(id, reason);
    else await this.finish({ ...row, raw, reason });
  }

  async #fail(id: string, reason: RtcRecordingEnd): Promise<void> {
    await this.#deps.store.commit({ writes: this.#ending(id, { state: "failed", reason }) });
  }

  /** Ends it, as `set` says. When it ended, and until when it is kept, is said once, however often it is tried. */
  #ending(id: string, set: Partial<RtcRecordingRow>): Write[] {
    const now = this.#deps.clock.now();
    const times = { ended_at: toTime(now), expires_at: this.#expiry(now) };
    return [
      { update: "rtc_recordings", where: { id, state: UNDONE, ended_at: null }, set: times },
      { update: "rtc_recordings", where: { id, state: UNDONE }, set },
    ];
  }

  #blobsOf(sealed: boolean): Blobs {
    return sealed ? this.#deps.blobs.sealed : this.#deps.blobs.plain;
  }

  #expiry(now: number): string | null {
    return this.#recording_days === 0 ? null : toTime(now + this.#recording_days * DAY_MS);
  }
}

async function* until(signal: AbortSignal, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of bytes) {
    signal.throwIfAborted();
    yield piece;
  }
}
