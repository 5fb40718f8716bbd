/**
 * What a message consists of: text, pictures and files, in both of OpenAI's dialects.
 *
 * @module
 */
import { getMimeType } from "@hono/hono/utils/mime";
import { z } from "zod";
import type { GivenMessage } from "../../domain/message.ts";
import { invalid, parse } from "./errors.ts";

/** The text and the attachments of a message. */
export type Content = Pick<GivenMessage, "content" | "attachments">;
type Given = GivenMessage["attachments"][number];

const Part = z.looseObject({ type: z.string() });
const Parts = z.array(Part).nullish();
type Part = z.output<typeof Part>;

const Text = z.object({ text: z.string() });
const Refused = z.object({ refusal: z.string() });
const Picture = z.union([z.string(), z.object({ url: z.string() })]).nullish();
const File = z.object({
  file_id: z.string().nullish(),
  file_data: z.string().nullish(),
  file_url: z.string().nullish(),
  filename: z.string().min(1).max(255).nullish(),
});

/** Reads `content`, a text or a list of parts. `param` is its place in the request. */
export function toContent(content: unknown, param: string): Content {
  if (typeof content === "string") return { content, attachments: [] };
  const texts: string[] = [];
  const attachments: Given[] = [];
  parse(Parts, content, param)?.forEach((part, i) => {
    const read = toPart(part, `${param}[${i}]`);
    if (typeof read === "string") texts.push(read);
    else attachments.push(read);
  });
  return { content: texts.join("\n\n"), attachments };
}

/** Reads `content` where only text has a place: models are given pictures and files by users alone. */
export function toText(content: unknown, param: string): Content {
  const read = toContent(content, param);
  if (read.attachments.length === 0) return read;
  throw invalid("Cannot read pictures or files here: send them in a message of the user", {
    param,
    code: "unsupported_value",
  });
}

function toPart(part: Part, param: string): string | Given {
  switch (part.type) {
    case "text":
    case "input_text":
    case "output_text":
      return parse(Text, part, param).text;
    case "refusal":
      return parse(Refused, part, param).refusal;
    case "image_url":
    case "input_image":
      return toPicture(part, param);
    case "file":
      return toFile(parse(File, part.file, `${param}.file`), `${param}.file`);
    case "input_file":
      return toFile(parse(File, part, param), param);
    case "input_audio":
      throw invalid("Cannot read audio: send text, pictures or files", { param, code: "unsupported_value" });
  }
  throw invalid(
    `Cannot read content of type "${part.type.slice(0, 64)}": expected text, image_url or file`,
    { param: `${param}.type`, code: "unsupported_value" },
  );
}

function toPicture(part: Part, param: string): Given {
  if (typeof part.file_id === "string") return toStored(part.file_id, `${param}.file_id`);
  const given = parse(Picture, part.image_url, `${param}.image_url`);
  const url = typeof given === "string" ? given : given?.url;
  if (url === undefined) throw invalid("Cannot read a picture without image_url or file_id", { param });
  if (/^data:/i.test(url)) return fromDataUrl(url, { name: "image", param: `${param}.image_url` });
  if (/^https:/i.test(url)) return { url };
  throw invalid("Cannot use the picture's address: expected https: or data:", { param: `${param}.image_url` });
}

function toFile({ file_id, file_data, file_url, filename }: z.output<typeof File>, param: string): Given {
  if (typeof file_id === "string") return toStored(file_id, `${param}.file_id`);
  if (typeof file_data === "string") {
    const name = filename ?? "file";
    if (/^data:/i.test(file_data)) return fromDataUrl(file_data, { name, param: `${param}.file_data` });
    const media_type = toMediaType(getMimeType(name)) ?? "application/octet-stream";
    return { name, media_type, data: toBase64(file_data, `${param}.file_data`) };
  }
  if (typeof file_url === "string") {
    throw invalid("Cannot fetch a file from elsewhere: send it as file_data, or store it first", {
      param: `${param}.file_url`,
      code: "unsupported_parameter",
    });
  }
  throw invalid("Cannot read a file without file_data or file_id", { param });
}

function toStored(file_id: string, param: string): Given {
  if (/^file_[0-9a-z]+$/.test(file_id)) return { file_id };
  throw invalid(`Cannot find file "${file_id.slice(0, 100)}": expected the id that POST /v1/files gave`, { param });
}

/** Without a name, the type makes one. */
function fromDataUrl(url: string, { name, param }: { name: string; param: string }): Given {
  const comma = url.indexOf(",");
  const [type = "", ...flags] = url.slice("data:".length, comma === -1 ? 0 : comma).split(";");
  if (comma === -1 || flags.at(-1)?.trim().toLowerCase() !== "base64") {
    throw invalid("Cannot read the data: address: expected data:<type>;base64,<data>", { param });
  }
  const media_type = toMediaType(type) ?? "application/octet-stream";
  const named = name === "image" && media_type.includes("/")
    ? `image.${media_type.split("/")[1]!.split("+")[0]}`
    : name;
  return { name: named, media_type, data: toBase64(url.slice(comma + 1), param) };
}

function toMediaType(text: string | undefined): string | undefined {
  const type = text?.split(";", 1)[0]?.trim().toLowerCase();
  return type !== undefined && /^[\w.+-]+\/[\w.+-]+$/.test(type) ? type : undefined;
}

/** Encoders differ in line breaks, in the alphabet and in padding; we keep one way. */
function toBase64(text: string, param: string): string {
  try {
    const plain = /[-_\s]/.test(text) ? text.replaceAll(/\s/g, "").replaceAll("-", "+").replaceAll("_", "/") : text;
    return Uint8Array.fromBase64(plain).toBase64();
  } catch (cause) {
    throw Object.assign(invalid("Cannot read the data: it is not base64", { param }), { cause });
  }
}
