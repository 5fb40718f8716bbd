/**
 * Files as bodies: plain bytes, or the first file of a form, streamed either way.
 *
 * @module
 */
import { getMimeType } from "@hono/hono/utils/mime";
import { MultipartParseError, MultipartParser, type MultipartPart } from "@remix-run/multipart-parser";
import { AppError } from "../../domain/error.ts";
import { type BodyLimits, boundedBody } from "./body.ts";

/** An uploaded file. */
export interface Upload {
  name?: string;
  media_type?: string;
  bytes: AsyncIterable<Uint8Array>;
}

/** The file in a request's body; undefined when there is none. */
export async function readUpload(request: Request, limits: BodyLimits): Promise<Upload | undefined> {
  const type = request.headers.get("content-type") ?? "";
  if (!type.toLowerCase().startsWith("multipart/")) {
    if (!request.body) return undefined;
    const media_type = type.split(";", 1)[0]!.trim().toLowerCase();
    return { ...media_type !== "" && { media_type }, bytes: boundedBody(request, limits) };
  }
  const boundary = /boundary=(?:"([^"]{1,70})"|([^;\s]{1,70}))/i.exec(type);
  if (!boundary) throw new AppError("ValidationError", "Cannot read the form: its content type names no boundary");
  return await firstFile(request, (boundary[1] ?? boundary[2])!, limits);
}

/** The parser holds one part in memory, which the limit bounds. */
async function firstFile(request: Request, boundary: string, limits: BodyLimits): Promise<Upload | undefined> {
  const parser = new MultipartParser(boundary, { maxFileSize: limits.max_bytes, maxHeaderSize: 8192 });
  try {
    for await (const chunk of boundedBody(request, limits)) {
      for (const part of parser.write(chunk)) {
        if (!part.isFile) continue;
        const content = part.content;
        return {
          ...part.filename !== undefined && part.filename !== "" && { name: part.filename },
          ...typed(part),
          bytes: (async function* () {
            yield* content;
          })(),
        };
      }
    }
    parser.finish();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown;
    if (thrown instanceof MultipartParseError) {
      throw new AppError("ValidationError", "Cannot read the form: it is broken or too large", { cause: thrown });
    }
    throw thrown;
  }
}

/** Clients that know no type say so in different ways; the name tells then. */
function typed({ filename = "", mediaType }: MultipartPart): { media_type?: string } {
  const unknown = mediaType === undefined || mediaType === "" || mediaType === "application/octet-stream";
  const media_type = unknown ? getMimeType(filename)?.split(";", 1)[0] ?? mediaType : mediaType;
  return media_type === undefined || media_type === "" ? {} : { media_type };
}
