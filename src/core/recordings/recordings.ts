/**
 * Recordings of calls: started, stopped, kept, removed.
 *
 * @module
 */
import { listableBy, type Principal, visibleTo } from "../../domain/access.ts";
import { AppError } from "../../domain/error.ts";
import { type Page, type PageRequest, toPage } from "../../domain/page.ts";
import type { RtcRecordingRow } from "../../domain/rtc_recording.ts";
import type { ByteRange } from "../../ports/blobs.ts";
import type { CallRecorder, Origin, TappedCall } from "../calls/call_tap.ts";
import { Finishing, type FinishingDeps } from "./finishing.ts";
import { RecordedCall } from "./recorded_call.ts";
import type { RecordingAudit } from "./recording_audit.ts";

/** How calls are recorded. */
export interface RecordingsOptions {
  allowed: boolean;
  /** Whether new ones are encrypted where they are kept. */
  sealed: boolean;
  max_bytes: number;
  max_seconds: number;
  /** How many calls may be recorded at once. */
  max_live: number;
}

/** What {@linkcode Recordings} need. */
export interface RecordingsDeps extends FinishingDeps {
  options: RecordingsOptions;
  audit: RecordingAudit;
}

/** What is recorded. */
export type Recorded = { session_id: string } | { room_id: string };

/** The file of a recording, for who reads it. */
export interface OpenedRecording {
  row: RtcRecordingRow;
  body: ReadableStream<Uint8Array>;
  /** Some of its bytes. */
  part(range: ByteRange): Promise<ReadableStream<Uint8Array>>;
}

/** See the module. */
export class Recordings implements CallRecorder {
  readonly #deps: RecordingsDeps;
  readonly #finishing: Finishing;
  /** By call, or room; null while one is being started. */
  readonly #live = new Map<string, RecordedCall | null>();
  #closing = false;

  constructor(deps: RecordingsDeps) {
    this.#deps = deps;
    this.#finishing = new Finishing(deps);
  }

  /** Puts another number of days in force. */
  update({ recording_days }: { recording_days: number }): void {
    this.#finishing.update(recording_days);
  }

  /** Finishes what earlier processes left, and what failed before. */
  resume(): Promise<void> {
    return this.#finishing.resume((id) => this.#isLive(id));
  }

  /** Begins to record a call. Everybody in it is told before anything is kept. */
  async start(principal: Principal, call: TappedCall, origin: Origin): Promise<RtcRecordingRow> {
    const { options, audit } = this.#deps;
    const { id, room_id } = call;
    if (!options.allowed) throw new AppError("ForbiddenError", "Cannot record calls: the settings don't allow it");
    if (principal.grant) {
      throw new AppError("ForbiddenError", "Cannot record a call with this secret: its application may, with its key");
    }
    if (this.#closing) throw new AppError("UnavailableError", "Cannot record a call: the server is stopping");
    if (room_id !== null && id !== room_id) {
      // The others would be heard in it, and not be told.
      throw new AppError("ConflictError", `Cannot record call "${id}": it is in room "${room_id}", record the room`);
    }
    if (this.#live.has(id)) throw new AppError("ConflictError", `Cannot record "${id}": it is being recorded already`);
    if (this.#live.size >= options.max_live) {
      const message = `Cannot record "${id}": ${options.max_live} calls are being recorded already`;
      throw new AppError("UnavailableError", message, { retry_after: 60 });
    }
    this.#live.set(id, null);
    try {
      const live = await this.#begin(call);
      // It may have ended already.
      if (this.#live.has(id)) this.#live.set(id, live);
      audit.started(principal, live.row, origin);
      if (this.#closing) await live.end("shutdown");
      return live.row;
    } catch (error) {
      this.#live.delete(id);
      throw error;
    }
  }

  /** Ends the recording of a call, or room. Its file is made afterwards. */
  async stop(principal: Principal, recorded: Recorded, origin: Origin): Promise<RtcRecordingRow> {
    const { id, state } = await this.newest(principal, recorded);
    const what = idOf(recorded);
    const live = this.#live.get(what);
    if (live?.row.id !== id) {
      throw new AppError("ConflictError", `Cannot stop recording "${what}": its recording is ${state}`);
    }
    this.#deps.audit.stopped(principal, live.row, origin);
    await live.end("stopped");
    return await this.get(principal, id);
  }

  /** The recording `id`, if `principal` may see it. */
  async get(principal: Principal, id: string): Promise<RtcRecordingRow> {
    const where = { id, ...visibleTo(principal) };
    const [row] = await this.#deps.store.read({ from: "rtc_recordings", where, limit: 1 });
    if (!row) throw new AppError("NotFoundError", `Cannot find recording "${id}"`);
    return row;
  }

  /** The newest recording of a call, or room. */
  async newest(principal: Principal, recorded: Recorded): Promise<RtcRecordingRow> {
    const where = { ...recorded, ...visibleTo(principal) };
    const [row] = await this.#deps.store.read({ from: "rtc_recordings", where, order: [["id", "desc"]], limit: 1 });
    if (!row) throw new AppError("NotFoundError", `Cannot find a recording of "${idOf(recorded)}"`);
    return row;
  }

  /** A page of recordings. */
  async list(
    principal: Principal,
    { limit, cursor, order }: PageRequest,
    of: { session_id?: string | undefined; room_id?: string | undefined } = {},
  ): Promise<Page<RtcRecordingRow>> {
    const where = {
      ...listableBy(principal),
      ...of.session_id !== undefined && { session_id: of.session_id },
      ...of.room_id !== undefined && { room_id: of.room_id },
      ...cursor !== undefined && { id: order === "asc" ? { gt: cursor } : { lt: cursor } },
    };
    const { store } = this.#deps;
    const rows = await store.read({ from: "rtc_recordings", where, order: [["id", order]], limit: limit + 1 });
    return toPage(rows, limit, (row) => row.id);
  }

  /** The file of a recording that is ready. */
  async open(principal: Principal, id: string, origin: Origin): Promise<OpenedRecording> {
    const row = await this.get(principal, id);
    if (row.state !== "ready") {
      throw new AppError("ConflictError", `Cannot read recording "${id}": its state is ${row.state}, wanted ready`);
    }
    if (row.size === 0) {
      throw new AppError("ConflictError", `Cannot read recording "${id}": no sound or picture came, so it has no file`);
    }
    const body = await this.#finishing.open(row);
    this.#deps.audit.read(principal, row, origin);
    return { row, body, part: (range) => this.#finishing.open(row, range) };
  }

  /** What was said in a recording. */
  async transcript(principal: Principal, id: string, origin: Origin): Promise<RtcRecordingRow> {
    const row = await this.get(principal, id);
    this.#deps.audit.read(principal, row, origin);
    return row;
  }

  /** Removes a recording. One that is still being made ends, and who is in the call is told. */
  async delete(principal: Principal, id: string, origin: Origin): Promise<void> {
    const row = await this.get(principal, id);
    const live = this.#live.get(row.room_id ?? row.session_id!);
    if (live?.row.id === id) await live.end("deleted");
    await this.#finishing.remove(row);
    this.#deps.audit.deleted(principal, row, origin);
  }

  /** Removes what is kept no longer; tries again to finish what couldn't be. Returns how many it removed. */
  async sweep(signal: AbortSignal): Promise<number> {
    await this.resume();
    return await this.#finishing.sweep(signal, (row) => this.#deps.audit.expired(row));
  }

  /** Ends everything; files that aren't made yet are made at the next start. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#live.values()].map((live) => live?.end("shutdown")));
    await this.#finishing.close();
  }

  #isLive(id: string): boolean {
    return [...this.#live.values()].some((live) => live === null || live.row.id === id);
  }

  #begin(call: TappedCall): Promise<RecordedCall> {
    const { options, audit } = this.#deps;
    /** One that never began has nothing to be told or finished. */
    const whenBegun = (task: (recorded: RecordedCall) => unknown) => void begun.then(task).catch(() => {});
    const begun = RecordedCall.begin(call, {
      ...this.#deps,
      ...options,
      onEnd(reason) {
        if (reason !== "stopped" && reason !== "deleted") whenBegun(({ row }) => audit.ended(row, reason));
      },
      onRaw: (ended) => {
        this.#live.delete(call.id);
        // A server that stops has no time to make a file.
        if (ended && !this.#closing) whenBegun(({ row }) => this.#finishing.finish({ ...row, ...ended }));
      },
    });
    return begun;
  }
}

function idOf(recorded: Recorded): string {
  return "room_id" in recorded ? recorded.room_id : recorded.session_id;
}
