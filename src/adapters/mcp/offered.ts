/**
 * What a server's lists hold, one entry at a time.
 *
 * @module
 */
import type { FilledPrompt } from "../../domain/prompt.ts";
import type { OfferedPrompt, OfferedResource, OfferedTool } from "../../ports/mcp_client.ts";
import { toContent } from "./content.ts";
import { type Fields, texts, toFields, toList, toText } from "./shape.ts";

/** A tool. Its schemas stay as they came. Throws `AnswerMalformed`. */
export function toTool(entry: unknown): OfferedTool {
  const fields = toFields(entry, "tool");
  const hints = (typeof fields.annotations === "object" ? fields.annotations ?? {} : {}) as Fields;
  const read_only = hints.readOnlyHint === true;
  const execution = (typeof fields.execution === "object" ? fields.execution ?? {} : {}) as Fields;
  const title = texts(fields, { title: "title" }).title ?? texts(hints, { title: "title" }).title;
  return {
    name: toText(fields.name, "tool's name"),
    ...title !== undefined && { title },
    description: typeof fields.description === "string" ? fields.description : "",
    input_schema: toFields(fields.inputSchema, "tool's inputSchema"),
    ...isObject(fields.outputSchema) && { output_schema: fields.outputSchema },
    read_only,
    // Where a server says nothing, the protocol expects the worst.
    destructive: !read_only && hints.destructiveHint !== false,
    idempotent: read_only || hints.idempotentHint === true,
    open_world: hints.openWorldHint !== false,
    ...execution.taskSupport === "required" && { as_task: true },
  };
}

/** A resource. Throws `AnswerMalformed`. */
export function toResourceOffer(entry: unknown): OfferedResource {
  const fields = toFields(entry, "resource");
  const uri = toText(fields.uri, "resource's uri");
  return { uri, template: false, ...toOffer(fields, uri) };
}

/** A template of resources. Throws `AnswerMalformed`. */
export function toTemplateOffer(entry: unknown): OfferedResource {
  const fields = toFields(entry, "resource template");
  const uri = toText(fields.uriTemplate, "resource template's uriTemplate");
  return { uri, template: true, ...toOffer(fields, uri) };
}

function toOffer(fields: Fields, uri: string) {
  return {
    name: typeof fields.name === "string" ? fields.name : uri,
    ...texts(fields, { title: "title", description: "description", media_type: "mimeType" }),
    ...typeof fields.size === "number" && { size: fields.size },
  };
}

/** A prompt. Throws `AnswerMalformed`. */
export function toPrompt(entry: unknown): OfferedPrompt {
  const fields = toFields(entry, "prompt");
  return {
    name: toText(fields.name, "prompt's name"),
    ...texts(fields, { title: "title", description: "description" }),
    arguments: toList(fields.arguments ?? [], "prompt's arguments").map((one) => {
      const argument = toFields(one, "prompt's argument");
      return {
        name: toText(argument.name, "prompt's argument's name"),
        ...texts(argument, { description: "description" }),
        required: argument.required === true,
      };
    }),
  };
}

/** A prompt that was filled in. Throws `AnswerMalformed`. */
export function toFilledPrompt(result: unknown): FilledPrompt {
  const fields = toFields(result, "answer");
  return {
    ...texts(fields, { description: "description" }),
    messages: toList(fields.messages, "messages").map((one) => {
      const message = toFields(one, "message");
      return { role: message.role === "assistant" ? "assistant" : "user", content: toContent(message.content) };
    }),
  };
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
