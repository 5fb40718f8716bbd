/**
 * The part of `/docs/call` that is about rooms.
 *
 * @module
 */
import { html } from "@hono/hono/html";
import { type Html, table } from "./html.ts";
import { hrefOf } from "./layout.ts";

const SAYS = [
  [
    "`room.joined`, `room.left`",
    "Who is there: first those who were there before, then oneself, then who comes and goes",
  ],
  ["`room.speaker`", "Who speaks, person or agent; null: nobody"],
  ["`room.said`", "What somebody else, or an agent to somebody else, has said, as text"],
  ["`room.tracks`", "Whose microphone, camera or screen each section carries now, by its `mid`"],
  ["`room.signal`", "What another member says to this one alone"],
] as const;

/** Rooms. */
export function callRooms(base: string): Html {
  const op = (id: string) => html`<a href="${hrefOf(base, "")}#${id}"><code>${id}</code></a>`;
  return html`
    <p>In a room several people and agents speak with each other. ${op(
      "rtc_room_create",
    )} makes one, with its agents and
    their names; ${op("rtc_room_join")} begins a call in it, whose <code>session_id</code> goes into
    ${op("rtc_offer")}. On the page it is <code>${base}/call?room=…</code>, and
    <code>Call.start({ room: { id, name } })</code> with the module. A person without a key is let in by a secret:
    ${op(
      "rtc_secret_create",
    )} with a <code>room_id</code>. It joins that room, begins no other call, and ends nobody else’s.
    The page makes rooms, and such a link: <code>…/call?room=…#secret=ek_…</code>.</p>
    <p>Sound and pictures are passed on as they come, never decoded: each browser takes part in one connection, with the
    server. Its offer has one section for its own voice, in which agents are heard, and as many
    <code>recvonly</code> sections of sound and video as it wants to show others in. The server fills them, so that
    nothing has to be agreed on again when people come and go: where there are more people than sections, those
    who spoke last have them, and screens go before cameras. Who has no further section hears whoever speaks in the
    first. Say by <code>tracks</code> which <code>mid</code> is camera or screen; what was named before and isn’t any more is no
    longer shown.</p>
    ${table(["Event", "What it says"], SAYS)}
    <p>An agent answers who calls it by name, aloud or in writing, at the beginning or anywhere; a letter may be off.
    Whoever was answered may go on without the name for <code>rtc.rooms.follow_up_seconds</code>, unless somebody else
    speaks, and who is alone in the room always speaks to an agent. Everything else is kept in the room’s one
    conversation as <code>Ana: …</code>, so that agents know it when they are asked. One agent speaks at a time, to all, and
    everybody may interrupt it. Up to four that are named together, as in “Nova and Rex, what do you think?”, answer in
    that order, each knowing what was said before; an interruption ends them all. When whoever asked leaves, the answer
    goes on for the others.</p>
    <p>A member is a call: ending it leaves the room, ${op("rtc_room_leave")} takes somebody out
    (<code>left</code>), and ${op(
      "rtc_room_delete",
    )} ends the calls of all (<code>room_ended</code>). A room that was empty for
    <code>rtc.rooms.idle_seconds</code> ends by itself; one that goes on is there after a restart of the server.</p>
    <p>${op("rtc_room_recording_start")} records a room, ${op("rtc_room_recording_stop")} ends it, and
    ${op("rtc_recording_list")} with a <code>room_id</code> finds what there is. Each member gets
    <code>recording.started</code>, who joins later before being heard. One file has a track for everybody’s voice, camera
    and screen, by their names, and one for each agent, all in the room’s time; who joins late or leaves is silent for the
    rest. What the others don’t get, as from somebody who is muted or holds the call, isn’t in it. Who may use the room
    with a key may record it, a guest with a secret may not, and the call of one member is not recorded alone.</p>
    <p>Players of WHEP watch a room at <code>/api/v1/rtc/whep/{room_id}</code>, without a place in it; pages of your own
    do by ${op("rtc_room_viewer_create")}. Each gets one stream, whoever comes and goes. Its first track of sound has
    whoever speaks, person or agent; with a second one the first has people, the second agents. The picture is the
    screen while one is shared, else the camera of who spoke last; with a second track the screen is in that one.
    Nothing is mixed, which would mean to decode it: where several speak at once, the one who counts as speaking
    (<code>room.speaker</code>) is heard, and while that one pauses whoever else does, but for a syllable. Who is muted
    or holds the call isn’t in it. A secret with the room as <code>watch</code> lets somebody watch and nothing else.
    Everybody in the room is told by <code>session.viewer</code>, who joins later, too; ending the viewer’s session
    (${op("rtc_session_delete")}) takes it out, and the end of the room ends it (<code>room_ended</code>).
    <code>rtc.max_viewers</code> counts for each room.</p>
    <p>Two members may also connect to each other directly: ${op("rtc_room_signal")} passes on offers, answers and
    candidates, and nothing else, to the one they are for.</p>
  `;
}
