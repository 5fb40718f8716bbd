/**
 * The page `/docs/errors`.
 *
 * @module
 */
import { html } from "@hono/hono/html";
import { ERROR_STATUS, type ErrorName } from "../../../domain/error.ts";
import type { OpenApi, Schema } from "../document.ts";
import { ERROR_TEXT } from "./error_text.ts";
import { type Html, prose } from "./html.ts";
import { hrefOf, layout } from "./layout.ts";
import { schemaView } from "./schema.ts";

/** The page. */
export function errorsPage(document: OpenApi, base: string): Html {
  const { schemas } = document.components;
  const names = Object.entries(ERROR_STATUS) as [ErrorName, number][];
  const main = html`
    <h1>Errors</h1>
    <p class="lead">Every error has one shape, whichever operation it comes from.</p>
    <pre tabindex="0"><code>${JSON.stringify(
      {
        error: "RunNotFoundError",
        message: 'Cannot find run "run_1"',
        statusCode: 404,
        timestamp: 1795262400000,
        details: {},
        request_id: "req_01kad0f8vy",
      },
      null,
      2,
    )}</code></pre>
    ${schemaView(withoutClasses(schemas.Error!), { schemas, named: "link", flow: "answered" })}
    <h2 id="rules"><a href="#rules">What to rely on</a></h2>
    <ul>
      <li>Tell errors apart by <code>error</code>; <code>message</code> is for people and may change.</li>
      <li><code>details</code> holds what a program can use, such as the fields that are wrong.</li>
      <li>429 and 503 say in <code>Retry-After</code> when trying again makes sense.</li>
      <li>A collected answer sends its headers at the first token. What goes wrong after that comes with the status of success:
    look at the answer's <code>status</code> and <code>error</code>.</li>
      <li>In a stream, an error is the event <code>run.failed</code>, or a frame <code>error</code> when the stream itself can't
    go on: see <a href="${hrefOf(base, "events")}">events</a>.</li>
      <li>The OpenAI endpoints speak OpenAI's error shape: see <a href="${hrefOf(
        base,
        "openai",
      )}">OpenAI clients</a>.</li>
    </ul>
    <h2 id="classes"><a href="#classes">Classes</a></h2>
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th scope="col">Class</th>
            <th scope="col">Status</th>
            <th scope="col">When</th>
          </tr>
        </thead>
        <tbody>${names.map(([name, status]) =>
          html`
            <tr id="${name}">
              <td><code>${name}</code></td>
              <td>${status}</td>
              <td>${prose(ERROR_TEXT[name])}</td>
            </tr>
          `
        )}</tbody>
      </table>
    </div>
  `;
  const aside = html`
    <nav aria-label="On this page">
      <p><a href="#rules">What to rely on</a></p>
      <p><a href="#classes">Classes</a></p>
      <ul>${names.map(([name]) => html`<li><a href="#${name}">${name}</a></li>`)}</ul>
    </nav>
  `;
  return layout({ name: "errors", base, version: document.info.version, aside, main });
}

/** The shape without the list of its classes, which stands below. */
function withoutClasses({ properties = {}, ...schema }: Schema): Schema {
  return { ...schema, properties: { ...properties, error: { type: "string", description: "The class, see below" } } };
}
