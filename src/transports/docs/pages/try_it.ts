/**
 * The form that sends a real request. The page's script carries it out.
 *
 * @module
 */
import { html } from "@hono/hono/html";
import type { Found, Parameter } from "../document.ts";
import type { Html } from "./html.ts";

/** The form of an operation. */
export function tryIt({ method, path, op }: Found): Html {
  const { operationId, parameters = [], requestBody } = op;
  const body = requestBody?.content["application/json"];
  const cursor = parameters.some(({ name }) => name === "Last-Event-ID");
  return html`
    <details class="try scripted">
      <summary>Try it</summary>
      <form data-method="${method}" data-path="${path}" data-access="${op["x-access"]}" autocomplete="off">
    ${parameters.map((one) => field(operationId, one))}
    ${requestBody && !body
      ? html`<label>Body <span class="type">file</span><input type="file" data-in="file" required></label>`
      : ""}${body
      ? html`<label>Body <span class="type">JSON</span><textarea data-in="body" rows="${
        String(Math.min(JSON.stringify(body.example, null, 2).split("\n").length + 1, 12))
      }" spellcheck="false">${JSON.stringify(body.example, null, 2)}</textarea></label>`
      : ""}${op["x-stream"] === "asked"
      ? html`<label class="check"><input type="checkbox" data-in="events"${
        cursor
          ? html`
            checked
          `
          : ""
      }> Answer with events</label>`
      : ""}${op["x-stream"] === "always" ? html`<input type="hidden" data-in="events" value="on">` : ""}
    <p class="buttons"><button type="submit">Send</button>${op["x-stream"]
      ? html`
        <button type="button" data-do="stop" disabled>Stop</button>
        <button type="button" data-do="resume" disabled>Resume</button>
      `
      : ""}</p>
      </form>
      <div class="result" aria-live="polite"></div>
    </details>
  `;
}

function field(operation: string, { name, in: place, required, schema, example, description }: Parameter): Html {
  const id = `${operation}-${name}`;
  const value = place === "path" ? String(example) : "";
  const hint = schema.default === undefined ? "" : String(schema.default);
  const choices = schema.enum;
  const input = choices
    ? html`<select id="${id}" name="${name}" data-in="${place}">${required ? "" : html`<option value="">–</option>`}${
      choices.map((one) => html`<option>${String(one)}</option>`)
    }</select>`
    : html`
      <input id="${id}" name="${name}" data-in="${place}" value="${value}" placeholder="${hint}"
        ${required
          ? html`
            required
          `
          : ""}${description === undefined ? "" : html`
          title="${description}"
        `}>
    `;
  return html`<label for="${id}"><code>${name}</code> <span class="type">${place}</span>${input}</label>`;
}
