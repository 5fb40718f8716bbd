/**
 * One operation, explained.
 *
 * @module
 */
import { html } from "@hono/hono/html";
import type { Found, OperationObject, Parameter, Schema } from "../document.ts";
import { SERVER } from "../samples/sample.ts";
import { accessBadge, type Html, methodBadge, prose } from "./html.ts";
import { hrefOf } from "./layout.ts";
import { about, necessity, type SchemaOptions, schemaView, typeView } from "./schema.ts";
import { tryIt } from "./try_it.ts";

/** What the view of an operation needs besides it. */
export interface OperationViewOptions {
  base: string;
  schemas: Readonly<Record<string, Schema>>;
}

/** The article about `found`. */
export function operationView(found: Found, { base, schemas }: OperationViewOptions): Html {
  const { method, path, op } = found;
  return html`
    <article class="op" id="${op.operationId}" data-text="${method} ${path} ${op.operationId} ${op.summary}">
      <h3><a href="#${op.operationId}">${methodBadge(method)} <code>${breakable(path)}</code></a></h3>
      <p class="summary">${prose(op.summary)}.</p>
      <p class="marks">${marks(op)}</p>
      <div class="columns">
        <div class="spec">
    ${op.description === undefined ? "" : html`<p>${prose(op.description)}</p>`}
    ${parametersView(op.parameters ?? [], { schemas, named: "nested", flow: "sent" })}
    ${bodyView(op, { schemas, named: "nested", flow: "sent" })}
    ${answersView(op, { schemas, named: "link", flow: "answered" }, base)}
        </div>
        <div class="code">
    ${samplesView(op)}
    ${op["x-by-hand"] ? "" : tryIt(found)}
        </div>
      </div>
    </article>
  `;
}

/** Access, id and what else is special about an operation. */
function marks(op: OperationObject): Html {
  return html`${accessBadge(op["x-access"])} <code class="id">${op.operationId}</code>${
    op["x-stream"]
      ? html`
        <span class="badge" title="Answers with events">events</span>
      `
      : ""
  }${
    op["x-tool"]
      ? html`
        <span class="badge" title="Offered as a tool">tool</span>
      `
      : ""
  }${
    op["x-command"]
      ? html`
        <code class="command">${op["x-command"]}</code>
      `
      : ""
  }`;
}

/** A path that may be broken where it has slashes. */
export function breakable(path: string): Html {
  return html`${path.split("/").map((part, i) => i === 0 ? part : html`<wbr>/${part}`)}`;
}

const PLACES = { path: "In the path", query: "In the query", header: "In the headers" } as const;

function parametersView(parameters: readonly Parameter[], options: SchemaOptions): Html {
  const lists = (["path", "query", "header"] as const).map((place) => {
    const here = parameters.filter((one) => one.in === place);
    if (here.length === 0) return "";
    const rows = here.map(({ name, required, description, schema }) =>
      html`
        <div>
          <dt><code>${name}</code> <span class="type">${typeView(schema, options)}</span> ${necessity(
            required,
            options,
          )}</dt>
          <dd>${about({ ...schema, ...description !== undefined && { description } })}</dd>
        </div>
      `
    );
    return html`
      <h4>${PLACES[place]}</h4>
      <dl class="fields">${rows}</dl>
    `;
  });
  return html`${lists}`;
}

function bodyView({ requestBody }: OperationObject, options: SchemaOptions): Html | "" {
  if (!requestBody) return "";
  const json = requestBody.content["application/json"];
  return html`<h4>Body</h4>${
    json
      ? schemaView(json.schema, options)
      : html`<p>The bytes, as ${
        Object.keys(requestBody.content).map((type, i) => html`${i > 0 ? " or " : ""}<code>${type}</code>`)
      }</p>`
  }`;
}

function answersView({ responses }: OperationObject, options: SchemaOptions, base: string): Html {
  const all = Object.entries(responses);
  const good = all.filter(([status]) => status < "400").map(([status, { description, content = {} }]) => {
    const { "application/json": json, "text/event-stream": events } = content;
    const name = json && !json.schema.properties ? html`: ${typeView(json.schema, options)}` : "";
    return html`<div class="answer"><p><b class="status">${status}</b> ${prose(description)}${name}</p>${
      json?.schema.properties ? schemaView(json.schema, options) : ""
    }${events ? eventsView(events.schema, options, base) : ""}</div>`;
  });
  const errors = all.filter(([status]) => status >= "400").map(([status, { description }]) =>
    html`<li><b class="status bad">${status}</b> ${
      description.split(", ").map((name, i) =>
        html`${i > 0 ? ", " : ""}<a href="${hrefOf(base, "errors")}#${name}">${name}</a>`
      )
    }</li>`
  );
  return html`
    <h4>Answers</h4>${good}<details class="inner errors">
      <summary>Errors</summary>
      <ul>${errors}</ul>
    </details>
  `;
}

function eventsView(schema: Schema, options: SchemaOptions, base: string): Html {
  if (schema.$ref !== undefined) {
    const types = options.schemas.RunEvent?.oneOf ?? [];
    return html`
      <details class="inner">
        <summary>Events of a run</summary>
        <ul class="types">${types.map(({ title }) =>
          html`<li><a href="${hrefOf(base, "events")}#${title}"><code>${title}</code></a></li>`
        )}</ul>
      </details>
    `;
  }
  const list = (schema.oneOf ?? []).map(({ title, properties = {} }) =>
    html`<li><code>${title}</code>${schemaView(properties.data ?? {}, options)}</li>`
  );
  return html`
    <details class="inner">
      <summary>Events</summary>
      <ul class="types">${list}</ul>
    </details>
  `;
}

function samplesView({ "x-codeSamples": samples, summary }: OperationObject): Html {
  const languages = samples.length === 1
    ? ""
    : html`<div class="langs scripted" role="group" aria-label="Language">${
      samples.map(({ label }) =>
        html`<button type="button" data-set-lang="${label}" aria-pressed="${
          label === "curl" ? "true" : "false"
        }">${label}</button>`
      )
    }</div>`;
  return html`${languages}${
    samples.map(({ label, source }) => codeView(source, { label, title: `${label}: ${summary}` }))
  }`;
}

/** Code to copy, with the server's address marked so that the page can put its own there. */
export function codeView(source: string, { label, title }: { label: string; title: string }): Html {
  const parts = source.split(SERVER).map((part, i) =>
    html`${i > 0 ? html`<span class="server">${SERVER}</span>` : ""}${part}`
  );
  return html`
    <figure class="sample" data-lang="${label}">
      <figcaption>${label}</figcaption>
      <pre tabindex="0" aria-label="${title}"><code>${parts}</code></pre>
    </figure>
  `;
}
