/**
 * Looks at the cameras and screens of callers.
 *
 * @module
 */
import { z } from "zod";
import type { Calls } from "../core/calls/calls.ts";
import type { LookRecords } from "../core/calls/look_records.ts";
import { UserId } from "../domain/conversation.ts";
import { PageInput, pageOf } from "../domain/page.ts";
import { RtcLook, type RtcLookRow } from "../domain/rtc_look.ts";
import { RtcSessionId } from "../domain/rtc_session.ts";
import { type Bound, call, onCall } from "./operation.ts";

/** Lists looks. */
export const rtcLookList = call({
  id: "rtc_look_list",
  summary: "List what agents looked at in a call, by whose leave, and where the pictures are kept",
  access: "user",
  input: z.strictObject({ ...PageInput, session_id: RtcSessionId, user_id: UserId.optional() }),
  output: pageOf(RtcLook),
  errors: ["SessionNotFoundError"],
  http: "GET /rtc/sessions/{session_id}/looks",
  limit: "read",
});

/** Every operation of this file. */
export const rtcLookOperations = [rtcLookList] as const;

/** Binds this file's operations. */
export function bindRtcLooks({ calls, looks }: { calls: Calls; looks: LookRecords }): Bound[] {
  return [
    onCall(rtcLookList, async ({ session_id, user_id: _, ...page }, { principal }) => {
      await calls.get(principal, session_id);
      const { data, next_cursor } = await looks.list(principal, session_id, page);
      return { data: data.map(toLook), next_cursor };
    }),
  ];
}

function toLook({ tenant_id: _, key_id: __, ...shown }: RtcLookRow): RtcLook {
  return shown;
}
