/**
 * A call, for who follows it.
 *
 * @module
 */
import type { TappedCall } from "./call_tap.ts";
import type { CallSession } from "./session.ts";

/** A call that goes on. Whether it is recorded is stored with it. */
export function toTapped(session: CallSession): TappedCall {
  const { tenant_id, key_id, user_id, id, room_id, agent_id } = session.row;
  return {
    id,
    room_id,
    agent_id,
    owner: { tenant_id, key_id, user_id },
    requestKeyframe: (mid) => session.signalling.peer?.requestKeyframe(mid),
    announce(event) {
      if (event.type === "recording.started") session.save({ recording_id: event.data.recording_id });
      if (event.type === "recording.stopped") session.save({ recording_id: null });
      session.events.emit(event);
    },
    tap: (tap) => session.taps.add(tap),
  };
}
