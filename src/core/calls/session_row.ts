/**
 * Calls as they are stored and shown.
 *
 * @module
 */
import { type Principal, visibleTo } from "../../domain/access.ts";
import type { RtcSession } from "../../domain/rtc_session.ts";
import type { RtcSessionRow } from "../../domain/table.ts";

/** A call as shown. */
export function toSession(row: RtcSessionRow): RtcSession {
  const { tenant_id: _, key_id: __, instance_id: ___, ...shown } = row;
  return shown;
}

/** Whether `principal` may see a call. */
export function isVisible(row: RtcSessionRow, principal: Principal): boolean {
  return Object.entries(visibleTo(principal)).every(([column, value]) => row[column as keyof RtcSessionRow] === value);
}
