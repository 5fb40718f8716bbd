/**
 * What is said and offered when a call is over.
 *
 * @module
 */
import { byId } from "./element.ts";
import { RecordingPlayer } from "./recording_player.ts";
import type { Call, RtcEnd } from "./session_client.ts";

const REASONS: Readonly<Record<RtcEnd, string>> = {
  hung_up: "You hung up.",
  deleted: "The call was ended elsewhere.",
  lost: "The connection was lost.",
  connect_timeout: "No way for sound was found between here and the server.",
  idle: "Nobody said anything for a long time.",
  too_long: "The call reached its longest time.",
  key_revoked: "The key is not valid any more.",
  failed: "Something went wrong on the server.",
  left: "You were taken out of the room.",
  room_ended: "The room has ended.",
  shutdown: "The server is shutting down.",
  process_ended: "The server was restarted.",
};

/** What can be begun after a call. */
export type Next = "again" | "new_room";

/** Shows it. */
export class CallEnd {
  readonly #player = new RecordingPlayer();
  readonly #again = byId<HTMLButtonElement>("again");
  #next: Next = "again";

  constructor({ onNext }: { onNext(next: Next): void }) {
    this.#again.addEventListener("click", () => {
      this.#player.clear();
      onNext(this.#next);
    });
  }

  /** Shows why `call` ended, and what can be done now; `recording_id` is what was recorded of it. */
  show(call: Call, recording_id: string | undefined): void {
    const reason = call.reason ?? "lost";
    const isOver = reason === "room_ended";
    this.#next = isOver ? "new_room" : "again";
    // Who was invited needs another invitation for another room.
    this.#again.hidden = isOver && !call.invites;
    this.#again.textContent = isOver
      ? "Make a new room"
      : reason === "key_revoked"
      ? "Use another key"
      : call.place
      ? "Join again"
      : "Call again";
    byId("over-text").textContent = this.#again.hidden
      ? `${REASONS[reason]} For another one, ask whoever invited you.`
      : REASONS[reason];
    this.#player.clear();
    if (recording_id !== undefined) this.#player.show(call.recordings, recording_id);
    byId(this.#again.hidden ? "over-text" : "again").focus();
  }
}
