/**
 * What is kept of a tool's answer.
 *
 * @module
 */
import type { ToolContent, ToolResult } from "../../domain/tool.ts";
import { maskSecrets } from "../../kit/log.ts";

/** The most of texts and data that is kept where no policy says so, in bytes. */
export const MAX_TEXT_BYTES = 262_144;
/** The same for pictures, sounds and files, as Base64. */
export const MAX_MEDIA_BYTES = 16_777_216;

const encoder = new TextEncoder();

/** Replaces `secrets`, and what looks like one, in every text of `value`. What holds none is given back as it is. */
export function withoutSecrets<T>(value: T, secrets: readonly string[]): T {
  const clean = (text: string): string => {
    let out = maskSecrets(text);
    for (const secret of secrets) if (out.includes(secret)) out = out.replaceAll(secret, "[masked]");
    return out;
  };
  const walk = (each: unknown, depth: number): unknown => {
    if (typeof each === "string") return clean(each);
    if (typeof each !== "object" || each === null) return each;
    if (depth > MAX_DEPTH) return "[nested too deeply]";
    if (Array.isArray(each)) {
      const list = each.map((one) => walk(one, depth + 1));
      return list.some((one, i) => one !== each[i]) ? list : each;
    }
    const fields = each as Record<string, unknown>;
    const names = Object.keys(fields);
    const cleaned = names.map((name): [string, unknown] => [clean(name), walk(fields[name], depth + 1)]);
    const changed = cleaned.some(([name, one], i) => name !== names[i] || one !== fields[name]);
    return changed ? Object.fromEntries(cleaned) : each;
  };
  return walk(value, 0) as T;
}

const MAX_DEPTH = 200;

/** An answer without secrets. Base64 is left alone: nothing stands in it as it is. */
export function cleanResult(result: ToolResult, secrets: readonly string[]): ToolResult {
  const content = result.content.map((part) => {
    if (part.type === "image" || part.type === "audio") return part;
    if (part.type !== "resource" || part.blob === undefined) return withoutSecrets(part, secrets);
    const { blob, ...rest } = part;
    return { ...withoutSecrets(rest, secrets), blob };
  });
  if (result.structured_content === undefined) return { ...result, content };
  return { ...result, content, structured_content: withoutSecrets(result.structured_content, secrets) };
}

/** The Base64 of a part that is no text. */
export function mediaOf(part: ToolContent): { data: string; media_type: string } | undefined {
  if (part.type === "image" || part.type === "audio") return part;
  if (part.type !== "resource" || part.blob === undefined) return undefined;
  return { data: part.blob, media_type: part.media_type ?? "application/octet-stream" };
}

/** How many bytes Base64 stands for. */
export function bytesOf(base64: string): number {
  return Math.floor(base64.length * 3 / 4);
}

/** An answer within `max_bytes`: of the texts the beginning, of the rest what fits. */
export function boundedResult(result: ToolResult, max_bytes: number | undefined): ToolResult {
  const content = boundedMedia(result.content, max_bytes ?? MAX_MEDIA_BYTES);
  const plain = content.filter((part) => mediaOf(part) === undefined);
  const { structured_content } = result;
  const max = max_bytes ?? MAX_TEXT_BYTES;
  if (fits([plain, structured_content], max)) return { ...result, content };
  const texts = plain.map((part) => part.type === "text" ? part.text : JSON.stringify(part));
  const text = structured_content === undefined ? texts.join("\n") : JSON.stringify(structured_content);
  const media = content.filter((part) => mediaOf(part) !== undefined);
  const { read } = encoder.encodeInto(text, new Uint8Array(max));
  return {
    content: [
      { type: "text", text: text.slice(0, read) },
      { type: "text", text: `(truncated: ${text.length} characters, the first ${read} are kept)` },
      ...media,
    ],
    is_error: result.is_error,
    ...result.denied && { denied: true },
  };
}

function fits(value: unknown, max: number): boolean {
  const text = JSON.stringify(value);
  if (text.length * 3 <= max) return true;
  return text.length <= max && encoder.encode(text).byteLength <= max;
}

function boundedMedia(content: ToolContent[], max: number): ToolContent[] {
  let left = max;
  return content.map((part) => {
    const media = mediaOf(part);
    if (!media) return part;
    left -= media.data.length;
    if (left >= 0) return part;
    const size = bytesOf(media.data);
    return { type: "text", text: `(${media.media_type}, ${size} bytes: left out, as more than ${max} are not kept)` };
  });
}
