/**
 * The page `/docs`: every operation.
 *
 * @module
 */
import { html } from "@hono/hono/html";
import { byTag, type Found, type OpenApi } from "../document.ts";
import { accessBadge, headingOf, type Html, methodBadge, prose } from "./html.ts";
import { hrefOf, layout } from "./layout.ts";
import { breakable, codeView, operationView } from "./operation.ts";
import { schemaView } from "./schema.ts";

/** The reference of `document`. */
export function referencePage(document: OpenApi, base: string): Html {
  const { schemas } = document.components;
  const groups = byTag(document);
  const sections = groups.map(({ name, description, operations }) =>
    html`<section class="group" aria-labelledby="${name}"><h2 id="${name}"><a href="#${name}">${
      headingOf(name)
    }</a></h2>
${description === undefined ? "" : html`<p class="lead">${prose(description)}</p>`}
${mapOf(operations)}
${operations.map((found) => operationView(found, { base, schemas }))}</section>`
  );
  const named = Object.entries(schemas).filter(([name]) => name !== "RunEvent").sort(([a], [b]) => a < b ? -1 : 1);
  const objects = named.map(([name, schema]) =>
    html`<article class="object" id="schema-${name}"><h3><a href="#schema-${name}">${name}</a></h3>
${schemaView(schema, { schemas, named: "link", flow: "answered" })}</article>`
  );
  return layout({
    name: "",
    base,
    version: document.info.version,
    aside: aside(groups),
    main: html`${intro(document, base)}
<p class="none" role="status" hidden>No operation matches.</p>
${sections}
<section class="group objects" aria-labelledby="objects"><h2 id="objects"><a href="#objects">Objects</a></h2>
${objects}</section>`,
  });
}

function intro(document: OpenApi, base: string): Html {
  const first = byTag(document)[0]!.operations.find(({ op }) => op["x-stream"] === "always");
  const curl = first?.op["x-codeSamples"][0];
  return html`
    <h1>MUXI <small>${document.info.version}</small></h1>
    <p class="lead">An agent server in one process. A message starts a run; the run belongs to the server, not to your
    connection; every event of it is stored before it is told.</p>
    <div class="columns">
      <div>
        <p>The server's banner shows two keys: the <b>user</b> key is an application's, which says for whom it acts with
    <code>user_id</code> and sees only what it made; the <b>admin</b> key may do everything. Send one as
    <code>Authorization: Bearer …</code> or <code>X-API-Key: …</code>.</p>
        <p>Lists come in pages: <code>next_cursor</code> of one is <code>cursor</code> for the next. What starts or stores
    something (a conversation, a message, a run) happens once for each <code>Idempotency-Key</code>. Answers carry
    <code>ratelimit-…</code> headers and <code>x-request-id</code>. Every path below <code>/api/v1</code> is also there
    below <code>/v1</code>.</p>
        <p>Go on with <a href="${hrefOf(base, "events")}">events and resuming</a>,
    <a href="${hrefOf(base, "errors")}">errors</a>, or <a href="${hrefOf(base, "openai")}">OpenAI clients</a>; the whole
    as <a href="${base}/openapi.json">OpenAPI 3.1</a>.</p>
      </div>
      <div class="code">${curl ? codeView(curl.source, { label: "First request", title: "The first request" }) : ""}
    <form class="key scripted"><label for="key">Your key, for “Try it”</label>
    <input id="key" type="password" autocomplete="off" spellcheck="false" placeholder="sk_muxi_user_…">
    <label class="check"><input id="keep" type="checkbox"> Keep it until this tab is closed</label>
    <p class="note">It stays in this page, and goes nowhere but to this server.</p></form>
      </div>
    </div>
  `;
}

/** The operation map of a group. */
function mapOf(operations: readonly Found[]): Html {
  const commands = operations.some(({ op }) => op["x-command"] !== undefined);
  return html`
    <div class="wide">
      <table class="map">
        <thead>
          <tr><th scope="col">Method and path</th><th scope="col">Access</th>${commands
            ? html`<th scope="col">Command</th>`
            : ""}<th scope="col">What it does</th></tr>
        </thead>
        <tbody>${operations.map(({ method, path, op }) =>
          html`<tr><td><a href="#${op.operationId}">${methodBadge(method)} <code>${
            breakable(path)
          }</code></a></td><td>${accessBadge(op["x-access"])}${
            op["x-stream"]
              ? html`
                <span class="badge">events</span>
              `
              : ""
          }${
            op["x-tool"]
              ? html`
                <span class="badge">tool</span>
              `
              : ""
          }</td>${commands ? html`<td><code>${op["x-command"] ?? ""}</code></td>` : ""}<td>${
            prose(op.summary)
          }</td></tr>`
        )}</tbody>
      </table>
    </div>
  `;
}

function aside(groups: ReturnType<typeof byTag>): Html {
  return html`<div class="filter scripted" role="search"><label for="filter" class="hidden">Filter operations</label>
<input id="filter" type="search" placeholder="Filter operations ( / )" autocomplete="off"></div>
<nav aria-label="Operations">${
    groups.map(({ name, operations }) =>
      html`
        <p><a href="#${name}">${headingOf(name)}</a></p>
        <ul>${operations.map(({ method, op }) =>
          html`<li data-for="${op.operationId}"><a href="#${op.operationId}">${
            methodBadge(method)
          } ${op.operationId}</a></li>`
        )}</ul>
      `
    )
  }<p><a href="#objects">Objects</a></p></nav>`;
}
