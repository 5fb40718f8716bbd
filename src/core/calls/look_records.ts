/**
 * What is kept of looks: a row for each, one in the audit, and the picture where the settings want it.
 *
 * @module
 */
import { ownerOf, type Principal, visibleTo } from "../../domain/access.ts";
import type { AppError } from "../../domain/error.ts";
import { type Page, type PageRequest, toPage } from "../../domain/page.ts";
import type { LookSource } from "../../domain/rtc_event.ts";
import type { RtcLookRow } from "../../domain/rtc_look.ts";
import type { FileRow, RtcSessionRow } from "../../domain/table.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import type { Store } from "../../ports/store.ts";
import type { Files } from "../files/files.ts";
import type { Audit } from "../identity/audit.ts";
import { SIGHT_TYPE } from "../tools/look.ts";
import type { Look } from "./camera.ts";

/** What {@linkcode LookRecords} need. */
export interface LookRecordsDeps {
  store: Store;
  files: Pick<Files, "hold">;
  audit: Pick<Audit, "record">;
  clock: Clock;
  /** Whether pictures are kept. */
  keep: boolean;
}

/** Whose look it is, and of what. */
export interface LookFacts extends Pick<RtcLookRow, "id" | "run_id" | "tool_call_id" | "source" | "consent"> {
  principal: Principal;
  session: RtcSessionRow;
}

/** The looks of all calls. */
export class LookRecords {
  readonly #deps: LookRecordsDeps;

  constructor(deps: LookRecordsDeps) {
    this.#deps = deps;
  }

  /**
   * Stores that somebody looks, before anybody sees the picture. Gives the picture's file where it is kept. Keeps nothing
   * when `signal` aborts meanwhile, and rejects with its reason.
   */
  async add(
    { principal, session, ...facts }: LookFacts,
    { picture: { image, width, height }, signal }: { picture: Look; signal: AbortSignal },
  ): Promise<{ row: RtcLookRow; file: FileRow | null }> {
    const { store, files, audit, clock, keep } = this.#deps;
    const named = { name: `${facts.source}.webp`, media_type: SIGHT_TYPE };
    const held = keep ? await files.hold(principal, named, [image]) : null;
    const [run] = held ? await store.read({ from: "runs", where: { id: facts.run_id }, limit: 1 }) : [];
    const file = held && { ...held, conversation_id: run?.conversation_id ?? session.conversation_id };
    const row: RtcLookRow = {
      ...ownerOf(principal),
      ...facts,
      session_id: session.id,
      width,
      height,
      file_id: file?.id ?? null,
      created_at: toTime(clock.now()),
    };
    signal.throwIfAborted();
    await store.commit({
      writes: [{ insert: "rtc_looks", rows: [row] }, { insert: "files", rows: file ? [file] : [] }],
    });
    if (signal.aborted) {
      // Bytes without a row are removed later.
      await store.commit({
        writes: [
          { delete: "rtc_looks", where: { id: row.id } },
          ...file ? [{ delete: "files" as const, where: { id: file.id } }] : [],
        ],
      });
      signal.throwIfAborted();
    }
    const { id: look_id, source, consent, run_id, session_id, file_id } = row;
    const details = { session_id, look_id, source, consent, run_id, file_id };
    audit.record({ principal, action: "rtc_look", outcome: "allowed", address: "", request_id: "", details });
    return { row, file };
  }

  /** Notes in the audit that somebody wanted to look and couldn't. */
  refuse(
    { principal, session, id: look_id, source, run_id }: Omit<LookFacts, "consent" | "source"> & {
      source: LookSource | undefined;
    },
    { name, message }: AppError,
  ): void {
    const details = { session_id: session.id, look_id, source: source ?? null, run_id, why: message };
    this.#deps.audit.record({
      principal,
      action: "rtc_look",
      outcome: "refused",
      error: name,
      address: "",
      request_id: "",
      details,
      apart: true,
    });
  }

  /** A page of the looks of a call. */
  async list(
    principal: Principal,
    session_id: string,
    { limit, cursor, order }: PageRequest,
  ): Promise<Page<RtcLookRow>> {
    const where = {
      session_id,
      ...visibleTo(principal),
      ...cursor !== undefined && { id: order === "asc" ? { gt: cursor } : { lt: cursor } },
    };
    const rows = await this.#deps.store.read({ from: "rtc_looks", where, order: [["id", order]], limit: limit + 1 });
    return toPage(rows, limit, (row) => row.id);
  }
}
