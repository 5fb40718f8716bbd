/**
 * How a call begins on the server: alone with an agent, or in a room.
 *
 * @module
 */
import type { Modality, RtcSession } from "../../src/domain/rtc_session.ts";
import type { Api } from "./api.ts";
import type { CallOptions, RoomPlace } from "./call_options.ts";

const MODALITIES: readonly Modality[] = ["audio", "text", "camera", "screen"];

/** Makes the session, and where it is in a room, the place there. Rejects with `CallError`. */
export async function beginSession(
  api: Api,
  { room, agent_id, conversation_id, voice, metadata, record, modalities = MODALITIES }: CallOptions,
): Promise<{ session: RtcSession; place: RoomPlace | undefined }> {
  if (room) {
    const path = `/rtc/rooms/${room.id}/members`;
    const body = { name: room.name, modalities, ...metadata && { metadata } };
    const { session, ...place } = await api.ask<RoomPlace & { session: RtcSession }>("POST", path, { body });
    return { session, place };
  }
  const body = {
    ...agent_id !== undefined && { agent_id },
    ...conversation_id !== undefined && { conversation_id },
    ...voice && { voice },
    ...metadata && { metadata },
    ...record && { record },
    modalities,
  };
  return { session: await api.ask<RtcSession>("POST", "/rtc/sessions", { body }), place: undefined };
}
