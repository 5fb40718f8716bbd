/**
 * The record of who recorded, read and removed what.
 *
 * @module
 */
import { ANONYMOUS, type Principal } from "../../domain/access.ts";
import type { RtcRecordingEnd, RtcRecordingRow } from "../../domain/rtc_recording.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Origin } from "../calls/call_tap.ts";
import type { Audit } from "../identity/audit.ts";

/** A player reads a file in many parts: within this time they are one reading. */
const SAME_READING_MS = 60_000;
const MAX_READINGS = 1000;

type Row = Pick<RtcRecordingRow, "id" | "session_id" | "room_id" | "tenant_id">;

/** Writes it. */
export class RecordingAudit {
  readonly #audit: Pick<Audit, "record">;
  readonly #clock: Pick<Clock, "now">;
  /** When somebody's reading of a recording was noted last; the oldest first. */
  readonly #readings = new Map<string, number>();

  constructor({ audit, clock }: { audit: Pick<Audit, "record">; clock: Pick<Clock, "now"> }) {
    this.#audit = audit;
    this.#clock = clock;
  }

  /** Somebody began to record. */
  started(principal: Principal, row: Row, origin: Origin): void {
    this.#record("rtc_recording_start", { principal, row, origin });
  }

  /** Somebody stopped it. */
  stopped(principal: Principal, row: Row, origin: Origin): void {
    this.#record("rtc_recording_stop", { principal, row, origin, more: { reason: "stopped" } });
  }

  /** It ended without anybody's word. */
  ended(row: Row, reason: RtcRecordingEnd): void {
    this.#record("rtc_recording_stop", { row, more: { reason } });
  }

  /** Somebody read it, or what was said in it. */
  read(principal: Principal, row: Row, origin: Origin): void {
    const now = this.#clock.now();
    const who = JSON.stringify([row.id, principal.key_id, principal.user_id ?? null, origin.address]);
    const noted = this.#readings.get(who) ?? -Infinity;
    if (now - noted < SAME_READING_MS) return;
    this.#readings.delete(who);
    this.#readings.set(who, now);
    if (this.#readings.size > MAX_READINGS) this.#readings.delete(this.#readings.keys().next().value!);
    this.#record("rtc_recording_read", { principal, row, origin });
  }

  /** Somebody removed it. */
  deleted(principal: Principal, row: Row, origin: Origin): void {
    this.#record("rtc_recording_delete", { principal, row, origin });
  }

  /** Its time was over. */
  expired(row: Row): void {
    this.#record("rtc_recording_delete", { row, more: { reason: "expired" } });
  }

  #record(
    action: string,
    { principal, row, origin = { address: "", request_id: "" }, more = {} }: {
      /** Absent: the server itself. */
      principal?: Principal;
      row: Row;
      origin?: Origin;
      more?: Record<string, unknown>;
    },
  ): void {
    const { id: recording_id, session_id, room_id, tenant_id } = row;
    this.#audit.record({
      principal: principal ?? { ...ANONYMOUS, tenant_id, key_id: "system" },
      action,
      outcome: "allowed",
      ...origin,
      details: { recording_id, ...room_id === null ? { session_id } : { room_id }, ...more },
    });
  }
}
