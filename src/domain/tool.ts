/**
 * Tools: what they are called, what they take and what they answer.
 *
 * @module
 */
import { z } from "zod";

/** A part of a tool's answer, or of a prompt. */
export const ToolContent = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text"), text: z.string() }),
  z.object({ type: z.literal("image"), data: z.string().describe("Base64"), media_type: z.string() }),
  z.object({ type: z.literal("audio"), data: z.string().describe("Base64"), media_type: z.string() }),
  z.object({
    type: z.literal("resource_link"),
    uri: z.string(),
    name: z.string(),
    title: z.string().optional(),
    description: z.string().optional(),
    media_type: z.string().optional(),
    size: z.number().optional(),
  }),
  z.object({
    type: z.literal("resource"),
    uri: z.string(),
    media_type: z.string().optional(),
    text: z.string().optional(),
    blob: z.string().optional().describe("Base64"),
  }),
]).meta({ id: "ToolContent" });
/** See {@linkcode ToolContent}. */
export type ToolContent = z.infer<typeof ToolContent>;

/** A tool's answer. */
export const ToolResult = z.object({
  content: z.array(ToolContent),
  structured_content: z.unknown().optional(),
  is_error: z.boolean().describe("Whether the tool says that it failed"),
  denied: z.boolean().optional().describe("Whether its program was refused something meanwhile, as its content says"),
}).meta({ id: "ToolResult" });
/** See {@linkcode ToolResult}. */
export type ToolResult = z.infer<typeof ToolResult>;

/** A tool that can be called. */
export const Tool = z.object({
  name: z.string().describe("server__tool"),
  title: z.string().optional(),
  description: z.string(),
  parameters: z.record(z.string(), z.unknown()).describe("JSON Schema of the arguments"),
  output_schema: z.record(z.string(), z.unknown()).optional().describe("JSON Schema of structured_content"),
  read_only: z.boolean().describe("Whether it changes nothing"),
  destructive: z.boolean().describe("Whether it may destroy something"),
  idempotent: z.boolean().describe("Whether calling it twice is as good as once"),
  open_world: z.boolean().describe("Whether it reaches beyond its server"),
  server: z.string().nullable().describe("Whose it is"),
  own_name: z.string().optional().describe("What its server calls it, where it isn't the rest of the name"),
}).meta({ id: "Tool" });
/** See {@linkcode Tool}. */
export type Tool = z.infer<typeof Tool>;

/** Most characters of a tool's name, since models take no longer ones. */
export const MAX_TOOL_NAME = 64;

/** An answer of plain text. */
export function toolText(text: string, is_error = false): ToolResult {
  return { content: [{ type: "text", text }], is_error };
}

/** What its server calls `tool`. */
export function ownNameOf({ name, server, own_name }: Tool): string {
  return own_name ?? (server === null ? name : name.slice(server.length + 2));
}

/** What a model reads of an answer: the data where there are some, else the text, else the parts. */
export function toModelResult({ content, structured_content }: ToolResult): unknown {
  if (structured_content !== undefined) return structured_content;
  const texts = content.map((part) => part.type === "text" ? part.text : undefined);
  return texts.every((text) => text !== undefined) ? texts.join("\n") : content;
}

/** What stands in a name, of anything a server may call its tools. */
function toWord(text: string): string {
  return text.replaceAll(/[^a-zA-Z0-9_-]+/g, "_");
}

/** Eight hexadecimal digits of `text` (FNV-1a, 32 bits). */
function digest(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}

/**
 * The name of a server's tool among those of all servers: `server__tool`, of
 * letters models take, within {@linkcode MAX_TOOL_NAME}. A function of both
 * names alone, so that it never changes; what had to be changed or cut ends on a
 * digest, so that two tools don't meet.
 */
export function toToolName(server: string, tool: string): string {
  const name = `${server}__${toWord(tool)}`;
  if (name.length <= MAX_TOOL_NAME && toWord(tool) === tool) return name;
  return `${name.slice(0, MAX_TOOL_NAME - 9)}_${digest(`${server}__${tool}`)}`;
}
