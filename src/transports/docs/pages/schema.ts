/**
 * Schemas as lists of fields.
 *
 * @module
 */
import { html } from "@hono/hono/html";
import { refName, type Schema } from "../document.ts";
import { type Html, prose } from "./html.ts";

/** How many values a field may name before they are listed below it. */
const MANY = 8;

/** How schemas are shown. */
export interface SchemaOptions {
  /** The schemas with a name. */
  schemas: Readonly<Record<string, Schema>>;
  /** Schemas with a name: by a link to where they are explained, or right there, to be opened. */
  named: "link" | "nested";
  /** Of what is sent it matters what must be there, of what is answered what may be missing. */
  flow: "sent" | "answered";
}

/** The fields of an object, or what else `schema` is. */
export function schemaView(schema: Schema, options: SchemaOptions): Html {
  return schema.properties ? fields(schema, options, []) : html`<p>${typeView(schema, options)}</p>`;
}

function fields({ properties = {}, required = [] }: Schema, options: SchemaOptions, trail: readonly string[]): Html {
  const rows = Object.entries(properties).map(([name, field]) => {
    const needed = required.includes(name);
    return html`
      <div>
        <dt><code>${name}</code> <span class="type">${typeView(field, options)}</span> ${necessity(
          needed,
          options,
        )}</dt>
        <dd>${about(field)}${nested(field, options, trail)}</dd>
      </div>
    `;
  });
  return html`<dl class="fields">${rows}</dl>`;
}

/** Whether a field must be there, where that needs saying. */
export function necessity(needed: boolean, { flow }: Pick<SchemaOptions, "flow">): Html | "" {
  if (flow === "sent") return needed ? html`<span class="required">required</span>` : "";
  return needed ? "" : html`<span class="type">, may be missing</span>`;
}

/** The description of a value, its default and its limits. */
export function about(schema: Schema): Html {
  const facts = limits(schema);
  const values = schema.enum ?? schema.items?.enum ?? [];
  if (values.length > MANY) facts.push(values.map((one) => `\`${one}\``).join(", "));
  return html`${
    schema.description === undefined ? "" : html`
      <span>${prose(schema.description)}</span>
    `
  }${
    schema.default === undefined || isEmpty(schema.default) ? "" : html`
      <span class="fact">default <code>${JSON.stringify(schema.default)}</code></span>
    `
  }${
    facts.map((fact) =>
      html`
        <span class="fact">${prose(fact)}</span>
      `
    )
  }`;
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/** The type of a value, in a few words. */
export function typeView(schema: Schema, options: SchemaOptions): Html {
  const name = refName(schema);
  if (name !== undefined) {
    return options.named === "link" ? html`<a href="#schema-${name}">${name}</a>` : html`${name}`;
  }
  const any = schema.anyOf ?? schema.oneOf;
  if (any) return html`${any.map((one, i) => html`${i > 0 ? " or " : ""}${typeView(one, options)}`)}`;
  if (schema.const !== undefined) return html`<code>${JSON.stringify(schema.const)}</code>`;
  if (schema.enum && schema.enum.length > MANY) return html`one of ${String(schema.enum.length)}`;
  if (schema.enum) {
    return html`${schema.enum.map((one, i) => html`${i > 0 ? " | " : ""}<code>${JSON.stringify(one)}</code>`)}`;
  }
  if (schema.type === "array") return html`list of ${typeView(schema.items ?? {}, options)}`;
  if (schema.format === "date-time") return html`time`;
  if (schema.format === "uri") return html`address`;
  if (schema.format === "binary") return html`bytes`;
  if (schema.contentEncoding === "base64") return html`bytes in base64`;
  return html`${[schema.type ?? "anything"].flat().join(" or ")}`;
}

function limits(schema: Schema): string[] {
  const { minLength, maxLength, minItems, maxItems, minimum, maximum, pattern, format } = schema;
  const facts = [];
  const range = (low: number | undefined, high: number | undefined, unit: string) => {
    // zod says of every integer that it is a safe one.
    const top = high === Number.MAX_SAFE_INTEGER ? undefined : high;
    const bottom = low === Number.MIN_SAFE_INTEGER ? undefined : low;
    const number = (value: number) => value.toLocaleString("en");
    if (bottom !== undefined && top !== undefined) facts.push(`${number(bottom)} to ${number(top)}${unit}`);
    else if (top !== undefined) facts.push(`at most ${number(top)}${unit}`);
    else if (bottom !== undefined) facts.push(`at least ${number(bottom)}${unit}`);
  };
  range(minLength, maxLength, " characters");
  range(minItems, maxItems, " items");
  range(minimum, maximum, "");
  if (pattern !== undefined && format === undefined) facts.push(`matches \`${pattern}\``);
  return facts;
}

/** What is inside a value, to be opened. `title` is the name of the schema it is part of. */
function nested(schema: Schema, options: SchemaOptions, trail: readonly string[], title = ""): Html | "" {
  const name = refName(schema);
  if (name !== undefined) {
    const target = options.schemas[name];
    if (options.named === "link" || !target || trail.includes(name)) return "";
    return nested(target, options, [...trail, name], name);
  }
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) {
    const objects = choices.filter((one) => one.properties || one.$ref !== undefined);
    const views = objects.map((one) => nested(one, options, trail, objects.length > 1 ? withKeys(title, one) : title));
    return views.some((view) => view !== "") ? html`${views}` : "";
  }
  if (schema.type === "array") return nested(schema.items ?? {}, options, trail, title);
  if (!schema.properties) return "";
  const summary = title || withKeys("", schema);
  return html`<details class="inner"><summary>${summary}</summary>${fields(schema, options, trail)}</details>`;
}

function withKeys(title: string, { properties = {} }: Schema): string {
  const keys = Object.keys(properties).join(", ");
  return title === "" ? keys : `${title} with ${keys}`;
}
