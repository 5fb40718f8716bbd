/**
 * The page `/docs/call`: calls from browsers, with the page of this server or a page of one's own.
 *
 * @module
 */
import { html } from "@hono/hono/html";
import browser from "../assets/call_browser.js" with { type: "text" };
import recording from "../assets/call_recording.js" with { type: "text" };
import type { OpenApi } from "../document.ts";
import { callNetworks } from "./call_networks.ts";
import { callRooms } from "./call_rooms.ts";
import { callVoice } from "./call_voice.ts";
import { callLooks, callSocket, callWatch } from "./call_ways.ts";
import { type Html, table } from "./html.ts";
import { hrefOf, layout } from "./layout.ts";
import { codeView } from "./operation.ts";

const SECTIONS = {
  page: "The page",
  module: "The module",
  does: "What a call does",
  says: "What a call says",
  voice: "Who hears and speaks",
  looks: "When the agent looks",
  record: "Recording a call",
  socket: "Without WebRTC",
  watch: "Watching",
  rooms: "Rooms",
  keys: "Keys and origins",
  networks: "Firewalls and bad networks",
  lost: "When the connection is lost",
} as const;

const DOES = [
  ["`sendText(text)`, `interrupt()`", "Say something by writing; end what the agent says"],
  ["`mute(who)`, `unmute(who)`", 'The `"caller"` isn’t heard, or the `"agent"` goes on in writing alone'],
  ["`hold()`, `resume()`", "Both sides wait; what is being answered goes on"],
  [
    "`share(source, which)`, `stop(source)`",
    "Microphone, camera or screen: any, one by constraints, or a track of yours",
  ],
  ["`onLookAsked(listener)`", "Tells when the agent wants to look, at what, and why"],
  ["`answerLook(look, answer)`", 'Lets it: `"once"`, or until the end of the `"call"`; `"no"` also takes that back'],
  ["`approve(call)`, `deny(call)`", "Decides a tool call that waits for a person"],
  ["`recordings.start()`, `recordings.stop()`", "Records the call, or the room it is in, and tells everybody"],
  ["`setVoice(voice)`, `setSpeaker(id)`", "How the agent sounds, and where"],
  ["`level(who)`, `statistics()`", "How loud a side is from 0 to 1; round trip, jitter, loss, and the way taken"],
  ["`reconnect()`, `hangUp()`", "Finds a new way at once; ends the call"],
] as const;

const SAYS = [
  ["`connection`", "`connecting`, `connected`, `reconnecting` or `ended`, then with the reason"],
  ["`media`, `sound`", "What is sent was opened or closed; the agent’s voice is there"],
  ["`heard`", "How long after the caller’s last word the answer was heard, by the browser’s own clock"],
  ["`event`", "Every event of the server, in order, each once, whatever way it came"],
] as const;

/** The page. */
export function callPage(document: OpenApi, base: string): Html {
  const heading = (id: keyof typeof SECTIONS) => html`<h2 id="${id}"><a href="#${id}">${SECTIONS[id]}</a></h2>`;
  const op = (id: string) => `${hrefOf(base, "")}#${id}`;
  const main = html`
    <h1>Calls</h1>
    <p
      class="lead">A person speaks with an agent: it hears, answers aloud, can be interrupted, and looks where it may.</p>
    ${heading("page")}
    <p><a href="${base}/call"><code>${base}/call</code></a> is a page of this server for calls. It takes a key, which stays
    in the tab, and <code>?agent=…</code> and <code>?conversation=…</code> choose beforehand. It makes rooms with the link
    that lets others in, records, plays what was recorded, says who watches, and waits for a server that is full.
    Browsers give microphone and
    camera only to pages that came over HTTPS, or from the same machine.</p>
    ${heading("module")}
    <p>The page is made with a module that other pages import from here,
    <code>${base}/call/session_client.js</code>. Its types are beside it, in one file that needs nothing else,
    <code>${base}/call/session_client.d.ts</code>: Deno finds them by itself, and <code>tsc</code> by a copy that
    <code>paths</code> in <code>tsconfig.json</code> names for the address of the module.</p>
    ${codeView(browser, { label: "JavaScript", title: "A call from a page of your own" })}
    ${heading("does")}
    ${table(["Method", "What it does"], DOES)}
    ${heading("says")}
    <p><code>call.on(type, listener)</code> follows the events of the server by their type, such as
    <code>transcript.partial</code>, <code>agent.interrupted</code>, <code>look.asked</code> and <code>run.event</code>, whose
    <code>data</code> is that of <a href="${hrefOf(base, "events")}">the run’s log</a>. Beside them:</p>
    ${table(["Type", "What it says"], SAYS)}
    ${heading("voice")}
    ${callVoice()}
    ${heading("looks")}
    <p>An agent whose <code>look</code> is true has a tool for it in calls whose <code>modalities</code> name the camera or
    the screen. It is given a picture of that moment, not a stream. The person is asked first, and sees the agent’s
    reason: who doesn’t answer has said no, and isn’t asked for the same again in that answer. A consent for the call holds for one source, until another connection takes
    the place of the caller’s, and can be taken back at any time; only who is in the call gives it. <code>rtc.look</code> of the settings says whether people are asked at all,
    how often an agent may look, and whether pictures are kept, as files of the conversation. Of a room, whose conversation
    is everybody’s, they are that person’s alone. Otherwise a picture is gone with the answer it was for.</p>
    <p>Every look is on record, with its consent: <a href="${hrefOf(
      base,
      "",
    )}#rtc_look_list"><code>rtc_look_list</code></a>, and in the audit, where refusals are, too. A client of one’s own says
    <code>{"type": "tracks", "tracks": {"1": "camera", "2": "screen"}}</code>, by the <code>mid</code> of each, and again when
    that changes: what isn’t named can’t be seen. Of one that never does, the first video is the camera. It follows
    <code>look.asked</code> (whose <code>agent_id</code> and <code>run_id</code> say who wants to),
    <code>look.consent</code>, <code>look.refused</code> and <code>look.done</code>, and answers
    <code>{"type": "consent", "source": "screen", "allow": true, "until": "once"}</code>, with the <code>look_id</code> that is
    answered where it is known. Video must be in VP8, and a voice that <code>speech.realtime</code>
    gives reads no such pictures: with it an agent isn’t offered to look.</p>
    <p>Pictures are WebP. Name what a provider reads that can’t read it, as llama.cpp’s server:
    <code>providers.llama.pictures: [image/png, image/jpeg]</code>. Its agents aren’t offered to look, and in place of
    other pictures that it doesn’t read, such as those of tools and files, the model is told what it can’t see.</p>
    ${callLooks(op)}
    ${heading("record")}
    <p>A call is recorded where that is asked for: from its beginning by <code>record: true</code>, or in its course by
    <a href="${op("rtc_recording_start")}"><code>rtc_recording_start</code></a> and
    <a href="${op("rtc_recording_stop")}"><code>rtc_recording_stop</code></a>. Everybody in it is told by
    <code>recording.started</code> before anything is kept, and by <code>recording.stopped</code> with the reason; the
    session’s <code>recording_id</code> says it to who comes later. A call that can’t be recorded as asked for is
    refused.</p>
    <p>The file is WebM: each side a track of sound, camera and screen a track of pictures, side by side whatever was
    muted, held or cut off. Browsers play but the first track of sound of a file; the page plays all of them. It is made when the recording has ended, also after the server died in the middle.
    One of which nothing came is <code>ready</code> with a <code>size</code> of 0, and has no file.
    <a href="${op("rtc_recording_download")}"><code>rtc_recording_download</code></a> gives it, any part by
    <code>Range</code>, and
    <a href="${op("rtc_recording_transcript")}"><code>rtc_recording_transcript</code></a> what was said, as WebVTT.
    A player that can’t send a key gets its address with a ticket that
    <a href="${op(
      "ticket_create",
    )}"><code>ticket_create</code></a> made for this <code>path</code>: it is good for an hour,
    for every part that is asked for.
    Where they are kept encrypted, for how long, and how large they may be is in <code>rtc.recording</code> and
    <code>retention.recording_days</code>. Their key is <code>database.encryption_key</code>, else
    <code>recordings.key</code> in the data folder, which no backup holds: keep it also once the database has a key, as
    older recordings are read with it.</p>
    ${codeView(recording, { label: "JavaScript", title: "A recording with its words in a page" })}
    ${heading("socket")}
    ${callSocket(op)}
    ${heading("watch")}
    ${callWatch(op)}
    ${heading("rooms")}
    ${callRooms(base)}
    ${heading("keys")}
    <p>A page that others open must not hold a key. Give <code>ticket</code> instead, a function that gets a ticket for each
    request from a server of yours, where <a href="${hrefOf(
      base,
      "",
    )}#ticket_create"><code>ticket_create</code></a> makes
    it. A page of another origin needs that origin in <code>server.cors.origins</code>.</p>
    ${heading("networks")}
    ${callNetworks(op)}
    ${heading("lost")}
    <p>A connection that breaks is taken up again, over a new path or as a new connection, for as long as the server keeps
    the call. Events go on after the last one seen: none is lost or told twice. Nor is anything that was written or decided,
    also before the break was noticed: the module keeps it until the server acknowledges it, and says it again over each
    new way, a WebSocket at first. <code>interrupt()</code> alone is meant for its moment, and isn’t repeated. What is longer
    than the server takes is given up, and <code>error</code> says so.</p>
    <p>A client of one’s own gives each message an <code>id</code> that nobody guesses,
    <code>{"type": "text", "text": "Hello", "id": "5c0e9a…"}</code>: it is done or refused once, however often and by
    whatever way it comes, and <code>message.acknowledged</code> says so; why it was refused, an <code>error</code> says.
    What has no <code>id</code> is done each time.</p>
  `;
  const aside = html`<nav aria-label="On this page">${
    Object.entries(SECTIONS).map(([id, title]) => html`<p><a href="#${id}">${title}</a></p>`)
  }</nav>`;
  return layout({ name: "call", base, version: document.info.version, aside, main });
}
