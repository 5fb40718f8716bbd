/**
 * Files as answers, whole or in part (RFC 9110, section 14).
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Download } from "../../operations/operation.ts";
import { toErrorResponse } from "./respond.ts";

/** What of a request decides on the part. */
export interface DownloadRequest {
  method: string;
  headers: Headers;
  request_id: string;
}

/** A file as an answer. It is never shown in place, whatever it is. */
export async function toDownload(file: Download, request: DownloadRequest): Promise<Response> {
  const { name, media_type, size, etag, part, body } = file;
  const ascii = name.replaceAll(/[^\w.-]/g, "_");
  const headers = new Headers({
    "content-type": media_type,
    "content-length": String(size),
    "content-disposition": `attachment; filename="${ascii}"; filename*=UTF-8''${encodeURIComponent(name)}`,
    ...etag !== undefined && { etag: `"${etag}"` },
    ...part && { "accept-ranges": "bytes" },
  });
  const range = part && readRange(request, file);
  if (range === "unsatisfiable") {
    await body.cancel();
    const message = `Cannot read those bytes of "${name}": it has ${size}`;
    const answer = toErrorResponse(new AppError("RangeNotSatisfiableError", message), request.request_id);
    answer.headers.set("content-range", `bytes */${size}`);
    return answer;
  }
  if (range) {
    headers.set("content-length", String(range.last - range.first + 1));
    headers.set("content-range", `bytes ${range.first}-${range.last}/${size}`);
  }
  // Who asks for the headers alone reads nothing.
  const isEmpty = request.method === "HEAD";
  if (range || isEmpty) await body.cancel();
  const bytes = isEmpty ? null : range ? await part!(range) : body;
  return new Response(bytes, { status: range ? 206 : 200, headers });
}

type Range = { first: number; last: number };

/** Which bytes are asked for; undefined: all, also where it can't be understood, or means what was there before. */
function readRange(
  { method, headers }: DownloadRequest,
  { size, etag }: Download,
): Range | "unsatisfiable" | undefined {
  const said = headers.get("range");
  const before = headers.get("if-range");
  // Several parts at once would need another kind of answer, and nobody has to give it.
  const [whole, first = "", last = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(said?.trim() ?? "") ?? [];
  if (whole === undefined || method !== "GET" || (before !== null && before !== `"${etag}"`)) return undefined;
  if (first === "") {
    if (last === "") return undefined;
    const count = Math.min(Number(last), size);
    return count === 0 ? "unsatisfiable" : { first: size - count, last: size - 1 };
  }
  if (last !== "" && Number(last) < Number(first)) return undefined;
  if (Number(first) >= size) return "unsatisfiable";
  return { first: Number(first), last: last === "" ? size - 1 : Math.min(Number(last), size - 1) };
}
