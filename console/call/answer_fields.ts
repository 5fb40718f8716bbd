/**
 * A form for what a tool server asks in the middle of a call (flat JSON Schema, as MCP's elicitation has it).
 *
 * @module
 */
import { el } from "./element.ts";

interface Property {
  type?: string;
  title?: string;
  description?: string;
  enum?: string[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
}

type Field = HTMLInputElement | HTMLSelectElement;

/** The form, and how to read it. */
export interface AnswerFields {
  form: HTMLFormElement;
  /** What was filled in; what was left empty is absent. */
  read(): Record<string, unknown>;
}

/** Makes the fields of a schema. */
export function answerFields(schema: Readonly<Record<string, unknown>>): AnswerFields {
  const properties = Object.entries(schema.properties as Record<string, Property> | undefined ?? {});
  const required = schema.required as string[] | undefined ?? [];
  const fields = properties.map(([name, property]) => {
    const field = fieldOf(property);
    field.name = name;
    if (property.type !== "boolean") field.required = required.includes(name);
    return [name, property, field] as const;
  });
  const labels = fields.map(([name, { title, description }, field]) =>
    el("label", { class: "field" }, title ?? description ?? name, field)
  );
  const form = el("form", {}, ...labels);
  form.addEventListener("submit", (event) => event.preventDefault());
  return {
    form,
    read: () =>
      Object.fromEntries(
        fields.map(([name, property, field]) => [name, valueOf(property, field)]).filter(([, value]) =>
          value !== undefined
        ),
      ),
  };
}

function fieldOf({ type, enum: values, default: value, minimum, maximum, maxLength }: Property): Field {
  if (values) {
    const list = el("select", {}, ...values.map((one) => el("option", {}, one)));
    if (typeof value === "string") list.value = value;
    return list;
  }
  const input = el("input");
  if (type === "boolean") {
    input.type = "checkbox";
    input.checked = value === true;
    return input;
  }
  const isNumber = type === "number" || type === "integer";
  input.type = isNumber ? "number" : "text";
  if (isNumber) input.step = type === "integer" ? "1" : "any";
  if (minimum !== undefined) input.min = String(minimum);
  if (maximum !== undefined) input.max = String(maximum);
  if (maxLength !== undefined) input.maxLength = maxLength;
  if (value !== undefined) input.value = String(value);
  return input;
}

function valueOf({ type }: Property, field: Field): unknown {
  if (type === "boolean") return (field as HTMLInputElement).checked;
  if (field.value === "") return undefined;
  return type === "number" || type === "integer" ? Number(field.value) : field.value;
}
