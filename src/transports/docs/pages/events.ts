/**
 * The page `/docs/events`: what a run tells, and how to miss nothing of it.
 *
 * @module
 */
import { html } from "@hono/hono/html";
import { EVENT_DATA, type EventType, isFinal } from "../../../domain/event.ts";
import type { OpenApi } from "../document.ts";
import followBrowser from "../assets/follow_browser.js" with { type: "text" };
import followPython from "../assets/follow.py" with { type: "text" };
import followShell from "../assets/follow.sh" with { type: "text" };
import followTypeScript from "../assets/follow.mts" with { type: "text" };
import { SERVER } from "../samples/sample.ts";
import { EVENT_TEXT } from "./event_text.ts";
import { type Html, prose } from "./html.ts";
import { hrefOf, layout } from "./layout.ts";
import { codeView } from "./operation.ts";
import { schemaView } from "./schema.ts";
import { statesPicture } from "./states.ts";

/** What of the settings the page tells. */
export interface EventFacts {
  keepalive_seconds: number;
  write_timeout_seconds: number;
  delta_days: number;
  run_days: number;
}

const FRAME = 'id: 3\nevent: model.delta\ndata: {"step_id":"step_01…","text":"Hello"}';

const SECTIONS = {
  frames: "On the wire",
  states: "The life of a run",
  resuming: "Resuming",
  code: "Code that misses nothing",
  browsers: "Browsers",
  silence: "Silence and slowness",
  keeping: "How long it is kept",
  types: "Types",
} as const;

/** The page. */
export function eventsPage(document: OpenApi, base: string, facts: EventFacts): Html {
  const heading = (id: keyof typeof SECTIONS) => html`<h2 id="${id}"><a href="#${id}">${SECTIONS[id]}</a></h2>`;
  const reference = hrefOf(base, "");
  const main = html`
    <h1>Events and resuming</h1>
    <p class="lead">Everything that happens in a run is an event with a place in its log, stored before anybody is told.
    Whoever comes back with the last place they saw gets exactly the rest.</p>
    ${heading("frames")}
    <p>Streams are server-sent events. <a href="${reference}#chat_stream"><code>chat_stream</code></a> and its like always
    stream; other streaming operations do when the request says <code>Accept: text/event-stream</code>, and answer with the
    collected answer otherwise.</p>
    <pre tabindex="0"><code>${FRAME}</code></pre>
    <ul>
      <li><code>id</code> counts 1, 2, 3 … within the run, without gaps. Every reader sees the same order.</li>
      <li><code>data</code> is JSON on one line. Deltas carry <code>step_id</code> and <code>text</code>, and nothing
    else; everything but deltas carries <code>run_id</code> and <code>time</code>.</li>
      <li>After <code>run.completed</code>, <code>run.failed</code> or <code>run.cancelled</code> nothing comes, and the stream
    ends.</li>
      <li>Types and fields are only ever added. Ignore what you don't know.</li>
      <li>A frame <code>event: error</code> without an id is no event of the run: the stream itself can't go on. Its data is the
    <a href="${hrefOf(base, "errors")}">error shape</a>. Come back with the last id.</li>
    </ul>
    ${heading("states")}
    ${statesPicture()}
    <p>A run belongs to the server: it goes on when the connection that started it breaks, unless the request said
    <code>"on_disconnect": "cancel"</code>. <a href="${reference}#run_cancel"><code>run_cancel</code></a> ends it from
    anywhere. It survives the death of the process, too: it goes on from its last finished step.</p>
    ${heading("resuming")}
    <p><code>GET /api/v1/runs/{run_id}/events</code> follows a run from any place, while it runs and afterwards. Say the last
    id you saw in <code>Last-Event-ID</code> or in <code>?starting_after=</code>; without either you get everything.
    <code>?types=model.delta,tool.call.started</code> leaves out other types, but never the one that ends the run.
    <code>?follow=false</code> gives what is there now, and ends.</p>
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th scope="col">Answer</th>
            <th scope="col">When</th>
            <th scope="col">What to do</th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <td>200</td>
            <td>There is, or will be, something after the cursor</td>
            <td>Read on</td>
          </tr>
          <tr>
            <td>204</td>
            <td>The cursor is the last event, and the run is over</td>
            <td>Nothing: you have everything</td>
          </tr>
          <tr>
            <td>400</td>
            <td>The cursor is no number</td>
            <td>Mend the request</td>
          </tr>
          <tr>
            <td>409</td>
            <td>The cursor is beyond the end</td>
            <td>It is another run's: start at 0</td>
          </tr>
          <tr>
            <td>410</td>
            <td>The cursor is older than what is kept</td>
            <td>Get the answer without streaming, or the conversation's messages</td>
          </tr>
        </tbody>
      </table>
    </div>
    <p>A connection may break before the first event. Then only <code>Idempotency-Key</code> tells whether the run exists: the
    same request with the same key gets the same run, followed from its beginning.</p>
    ${heading("code")}
    <p>Each of these says something, loses nothing when the connection breaks, and ends with the run. They read
    <code>MUXI_KEY</code>, and <code>MUXI_URL</code> where the server is not at <code class="server">${SERVER}</code>.</p>
    ${codeView(followShell, { label: "curl", title: "Following a run with curl" })}
    ${codeView(followTypeScript, { label: "TypeScript", title: "Following a run in TypeScript" })}
    ${codeView(followPython, { label: "Python", title: "Following a run in Python" })}
    ${heading("browsers")}
    <p><code>EventSource</code> can't send a key. <a href="${reference}#ticket_create"><code>ticket_create</code></a> gives a
    ticket for one request, good for a minute; your own server gets it with the key, and the page adds
    <code>?ticket=…</code>. A ticket works once, so that <code>EventSource</code> must not reconnect by itself.</p>
    ${codeView(followBrowser, { label: "JavaScript", title: "Following a run in a browser" })}
    ${heading("silence")}
    <p>A stream with nothing to say sends a comment (<code>: keep-alive</code>) every ${facts.keepalive_seconds} s
    (<code>server.keepalive_seconds</code>): a client that hears nothing for three times that long can come back. A client
    that leaves what it is sent unread for ${facts
      .write_timeout_seconds} s is cut off; it has missed nothing, and comes back
    with its last id. Behind a proxy, turn off buffering; the header <code>x-accel-buffering: no</code> asks nginx for it.</p>
    ${heading("keeping")}
    <p>On this server, deltas of a finished run are kept for ${days(facts.delta_days)}
    (<code>retention.delta_days</code>), runs for ${days(
      facts.run_days,
    )} (<code>retention.run_days</code>). The deltas of a
    run go as a whole; a cursor among them is answered with 410.</p>
    ${heading("types")}
    <div class="types">${Object.keys(EVENT_DATA).map((type) => typeView(type as EventType, document))}</div>
  `;
  const aside = html`<nav aria-label="On this page">${
    Object.entries(SECTIONS).map(([id, title]) => html`<p><a href="#${id}">${title}</a></p>`)
  }<ul>${Object.keys(EVENT_DATA).map((type) => html`<li><a href="#${type}">${type}</a></li>`)}</ul></nav>`;
  return layout({ name: "events", base, version: document.info.version, aside, main });
}

function days(count: number): string {
  return count === 0 ? "ever" : count === 1 ? "a day" : `${count} days`;
}

function typeView(type: EventType, { components: { schemas } }: OpenApi): Html {
  const schema = schemas.RunEvent?.oneOf?.find(({ title }) => title === type)?.properties?.data;
  return html`
    <article class="object"
      id="${type}"><h3><a href="#${type}"><code>${type}</code></a>${isFinal(type)
        ? html`
          <span class="badge">last</span>
        `
        : ""}</h3><p>${prose(EVENT_TEXT[type])}</p>${schema
        ? schemaView(schema, { schemas, named: "nested", flow: "answered" })
        : ""}</article>
  `;
}
