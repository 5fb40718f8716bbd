/**
 * Parts of the page `/docs/call`: calls over a WebSocket alone, and viewers.
 *
 * @module
 */
import { html } from "@hono/hono/html";
import { type Html, table } from "./html.ts";

const EVENTS = [
  ["`input_audio_buffer.append`", "Sound, as fast as you have it. It is listened to 20 times as fast as it was spoken"],
  ["`input_audio_buffer.commit`", "Ends a turn by hand, where `turn_detection` is `null`; then `response.create` asks"],
  ["`response.output_audio.delta`", "The agent’s voice, 200 ms ahead of its turn at most, and never faster"],
  ["`conversation.item.truncate`", "What was heard: the answer ends there, and history keeps that much of it"],
  [
    "`conversation.item.delete`, `previous_item_id`",
    "What the agent reads from its next answer on; the conversation keeps what was said. Up to 100 items wait for a response, and 1,000 are deleted or put somewhere in a call",
  ],
  [
    "`conversation.item.input_audio_transcription.failed`",
    "What was said can’t be written down: that item stays without words, and isn’t answered",
  ],
  ["`response.mcp_call.…`", "A tool of the server is called; the item `mcp_call` says what came of it"],
  [
    "`rate_limits.updated`",
    "Behind `response.created`, where `limits.enabled`: requests that the key may still make. Tokens aren’t limited",
  ],
] as const;

/** Looking at who calls in words of others. */
export function callLooks(op: (id: string) => string): Html {
  return html`
    <p>Clients of OpenAI’s protocol are asked as for a tool that needs an approval: by an item
    <code>mcp_approval_request</code> with the name <code>look</code> and source and reason as its arguments. Their
    <code>mcp_approval_response</code> allows that one look, or not. An application that follows the call beside them
    (<code>/v1/realtime?call_id=…</code>) sees the question; it may answer where it is the same user, or came with the
    same secret. Once nobody waits for it, an answer is an error.</p>
    <p>Clients of WHIP can’t be asked, and an agent that wants to look is told so at once. Whoever is in such a call may be
    there beside it, by <a href="${op(
      "rtc_session_attach",
    )}"><code>rtc_session_attach</code></a>: then they are asked there, or allow it for the
    call. Otherwise set <code>rtc.look.consent</code> to <code>always</code> and name <code>look</code> in the agent’s
    <code>policies.ask</code>: then each look waits for a decision, as any tool does that a person approves.</p>
  `;
}

/** Calls without WebRTC. */
export function callSocket(op: (id: string) => string): Html {
  return html`
    <p>Servers, telephones and scripts speak over one WebSocket. <code>/v1/realtime?model=…</code> is OpenAI’s: its
    libraries and its agents SDK need nothing but the address. The model is an agent, and names of OpenAI’s own mean the
    default one. A key is sent as <code>Authorization</code>, or by the subprotocol
    <code>openai-insecure-api-key.…</code>; browsers are given <code>ek_…</code> secrets. Sound is <code>audio/pcm</code>
    (16 bits, mono, 24,000 samples a second), <code>audio/pcmu</code> or <code>audio/pcma</code>.</p>
    ${table(["Event", "Here"], EVENTS)}
    <p>Who doesn’t say what was heard is taken to have heard what was due by then: sound goes out in real time. A client
    that doesn’t read makes the agent wait, and is cut off after <code>server.write_timeout_seconds</code>; one that sends
    more than 16 MB at once, or 1 MB a second, is cut off as well. The call ends with the connection.</p>
    <p>The same in words of ours is <a href="${op(
      "rtc_converse",
    )}"><code>rtc_converse</code></a>: what is said on a data
    channel, and among it <code>{"type": "sound", "data": "…"}</code>, 16-bit samples in base64, both ways.
    <code>{"type": "listen", "turns": "by_hand"}</code> and <code>{"type": "commit"}</code> are push-to-talk, on every
    call; how turns are found otherwise is <a href="#voice">above</a>.
    <code>{"type": "forget", "name": "…"}</code> leaves something out of what answers in this call read: what the caller
    said by its <code>turn_id</code>, a message or a call of a tool by its id, one of <code>messages</code> by the
    <code>id</code> it was given there; its <code>after</code> says behind which of them the new ones are read,
    <code>null</code> before all. The conversation keeps everything as it was said.</p>
  `;
}

/** Viewers. */
export function callWatch(op: (id: string) => string): Html {
  return html`
    <p>Players of WHEP watch a call at <code>/api/v1/rtc/whep/{session_id}</code>, pages of your own by
    <a href="${op(
      "rtc_viewer_create",
    )}"><code>rtc_viewer_create</code></a>. Packets are passed on as they come, not made
    anew. One track of sound has whoever speaks, caller or agent; of two, the first has the caller, the second the agent.
    One track of pictures shows the screen while it is shared, else the camera; of two, the first shows the camera.
    A room is watched in the same way, at <code>/api/v1/rtc/whep/{room_id}</code> and by
    <a href="${op("rtc_room_viewer_create")}"><code>rtc_room_viewer_create</code></a>.</p>
    <p>A viewer needs a key that sees the call, or room, or a secret made for it alone:
    <a href="${op(
      "rtc_secret_create",
    )}"><code>rtc_secret_create</code></a> with <code>watch</code>. Nobody watches in secret:
    <code>session.viewer</code> tells everybody in there who comes and goes, and how many there are; it is in the audit,
    too.
    <code>rtc.max_viewers</code> says how many may watch; 0 means nobody.</p>
    <p>OpenAI’s protocol has no words for that, nor for a call that is recorded. Its clients are told in ours, on every way,
    and who comes later is told what holds: <code>session.viewer</code>, <code>recording.started</code> and
    <code>recording.stopped</code>, with their fields beside <code>type</code>. <code>@openai/agents-realtime</code> gives
    them to the listeners of <code>transport_event</code>; the agents SDK for Python logs each as one that it doesn’t
    know, and goes on. Clients of WHIP are told of nothing and hear nothing: whoever lets people in by one has to say
    beforehand that the call may be recorded and watched, or forbid both with <code>rtc.recording.allowed</code> and
    <code>rtc.max_viewers</code>.</p>
  `;
}
