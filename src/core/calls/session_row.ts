/**
 * Calls as they are stored and shown.
 *
 * @module
 */
import { ownerOf, type Principal, visibleTo } from "../../domain/access.ts";
import type { RtcSession } from "../../domain/rtc_session.ts";
import type { RtcSessionRow } from "../../domain/table.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import { createId } from "../../kit/id.ts";

/** A call as shown. */
export function toSession(row: RtcSessionRow): RtcSession {
  const { tenant_id: _, key_id: __, instance_id: ___, secret_id: ____, ...shown } = row;
  return shown;
}

/** What a new session begins with. */
export type NewSession = Pick<
  RtcSessionRow,
  "agent_id" | "conversation_id" | "room_id" | "dialect" | "modalities" | "voice" | "metadata" | "instance_id"
>;

/** A session of `principal`'s that begins. */
export function newSessionRow(
  principal: Principal,
  { clock, ...given }: NewSession & { clock: Clock },
): RtcSessionRow {
  const { agent_id, conversation_id, room_id, dialect, modalities, voice, metadata, instance_id } = given;
  return {
    ...ownerOf(principal),
    id: createId("rtc"),
    agent_id,
    conversation_id,
    room_id,
    recording_id: null,
    dialect,
    state: "created",
    held: false,
    modalities,
    voice,
    reason: null,
    stats: null,
    metadata,
    instance_id,
    secret_id: principal.grant?.id ?? null,
    created_at: toTime(clock.now()),
    connected_at: null,
    ended_at: null,
  };
}

/**
 * Whether `principal` may see a call. A secret that stands for no user, or is for one room or one call alone, is good for
 * the calls that began with it.
 */
export function isVisible(row: RtcSessionRow, principal: Principal): boolean {
  const { grant, user_id } = principal;
  const isNarrow = user_id === undefined || grant?.room_id !== undefined || grant?.session_id !== undefined;
  if (grant && isNarrow && grant.id !== row.secret_id) return false;
  return Object.entries(visibleTo(principal)).every(([column, value]) => row[column as keyof RtcSessionRow] === value);
}
