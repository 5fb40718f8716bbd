/**
 * Content as the protocol has it, and as MUXI has it.
 *
 * @module
 */
import type { ToolContent, ToolResult } from "../../domain/tool.ts";
import { type Fields, texts, toFields, toList, toText } from "./shape.ts";

/** A tool's answer. Throws `AnswerMalformed`. */
export function toToolResult(result: unknown): ToolResult {
  const fields = toFields(result, "answer");
  const { content = fields.structuredContent === undefined ? undefined : [], isError } = fields;
  return {
    content: toList(content, "content").map(toContent),
    ...fields.structuredContent !== undefined && { structured_content: fields.structuredContent },
    is_error: isError === true,
  };
}

/** One part. A kind that isn't known here is shown as the data it is. Throws `AnswerMalformed`. */
export function toContent(part: unknown): ToolContent {
  const fields = toFields(part, "content's part");
  switch (fields.type) {
    case "text":
      return { type: "text", text: toText(fields.text, "text") };
    case "image":
    case "audio":
      return {
        type: fields.type,
        data: toText(fields.data, `${fields.type}'s data`),
        media_type: toText(fields.mimeType, `${fields.type}'s mimeType`),
      };
    case "resource_link":
      return toLink(fields);
    case "resource":
      return toResource(fields.resource);
    default:
      return { type: "text", text: JSON.stringify(part) };
  }
}

/** The content of a resource. Throws `AnswerMalformed`. */
export function toResource(resource: unknown): ToolContent {
  const fields = toFields(resource, "resource");
  return {
    type: "resource",
    uri: toText(fields.uri, "resource's uri"),
    ...texts(fields, { media_type: "mimeType", text: "text", blob: "blob" }),
  };
}

function toLink(fields: Fields): ToolContent {
  const uri = toText(fields.uri, "link's uri");
  return {
    type: "resource_link",
    uri,
    name: typeof fields.name === "string" ? fields.name : uri,
    ...texts(fields, { title: "title", description: "description", media_type: "mimeType" }),
    ...typeof fields.size === "number" && { size: fields.size },
  };
}
