/**
 * The page `/docs/call`: calls from browsers, with the page of this server or a page of one's own.
 *
 * @module
 */
import { html } from "@hono/hono/html";
import browser from "../assets/call_browser.js" with { type: "text" };
import type { OpenApi } from "../document.ts";
import { type Html, table } from "./html.ts";
import { hrefOf, layout } from "./layout.ts";
import { codeView } from "./operation.ts";

const SECTIONS = {
  page: "The page",
  module: "The module",
  does: "What a call does",
  says: "What a call says",
  keys: "Keys and origins",
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
  ["`consent(source, { allow, until })`", "Lets the agent look once, or until the call ends. Without it, it doesn’t"],
  ["`approve(call)`, `deny(call)`", "Decides a tool call that waits for a person"],
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
  const main = html`
    <h1>Calls</h1>
    <p
      class="lead">A person speaks with an agent: it hears, answers aloud, can be interrupted, and looks where it may.</p>
    ${heading("page")}
    <p><a href="${base}/call"><code>${base}/call</code></a> is a page of this server for calls. It takes a key, which stays
    in the tab, and <code>?agent=…</code> and <code>?conversation=…</code> choose beforehand. Browsers give microphone and
    camera only to pages that came over HTTPS, or from the same machine.</p>
    ${heading("module")}
    <p>The page is made with a module that other pages import from here,
    <code>${base}/call/session_client.js</code>. Its types come with the sources:
    <code>import { Call } from "muxi/call"</code>.</p>
    ${codeView(browser, { label: "JavaScript", title: "A call from a page of your own" })}
    ${heading("does")}
    ${table(["Method", "What it does"], DOES)}
    ${heading("says")}
    <p><code>call.on(type, listener)</code> follows the events of the server by their type, such as
    <code>transcript.partial</code>, <code>agent.interrupted</code>, <code>look.asked</code> and <code>run.event</code>, whose
    <code>data</code> is that of <a href="${hrefOf(base, "events")}">the run’s log</a>. Beside them:</p>
    ${table(["Type", "What it says"], SAYS)}
    ${heading("keys")}
    <p>A page that others open must not hold a key. Give <code>ticket</code> instead, a function that gets a ticket for each
    request from a server of yours, where <a href="${hrefOf(
      base,
      "",
    )}#ticket_create"><code>ticket_create</code></a> makes
    it. A page of another origin needs that origin in <code>server.cors.origins</code>.</p>
    ${heading("lost")}
    <p>A connection that breaks is taken up again, over a new path or as a new connection, for as long as the server keeps
    the call. What is written meanwhile goes over a WebSocket, and events go on after the last one seen: none is lost
    or told twice.</p>
  `;
  const aside = html`<nav aria-label="On this page">${
    Object.entries(SECTIONS).map(([id, title]) => html`<p><a href="#${id}">${title}</a></p>`)
  }</nav>`;
  return layout({ name: "call", base, version: document.info.version, aside, main });
}
