/**
 * What a client posts to begin a call: a description, alone or with a session.
 *
 * @module
 */
import { AppError } from "../../../domain/error.ts";
import { invalid } from "../errors.ts";

/** What was posted. */
export interface Offered {
  sdp: string;
  session?: Record<string, unknown>;
}

const FORM = "multipart/form-data";

/** Reads a body of `type`. Throws `ValidationError`, `UnsupportedMediaTypeError`. */
export async function readOffer(bytes: Uint8Array<ArrayBuffer>, type: string): Promise<Offered> {
  const plain = type.split(";", 1)[0]!.trim().toLowerCase();
  if (plain === "application/sdp") return { sdp: toText(bytes) };
  if (plain !== FORM) {
    throw new AppError(
      "UnsupportedMediaTypeError",
      `Cannot read a body of type "${plain.slice(0, 100)}": expected application/sdp or ${FORM}`,
    );
  }
  const form = await new Response(bytes, { headers: { "content-type": type } }).formData().catch(() => undefined);
  if (!form) throw invalid("Cannot read the request's body: it is no form");
  const [sdp, session] = await Promise.all(["sdp", "session"].map((name) => fieldOf(form, name)));
  if (sdp === undefined) throw invalid("Cannot begin a call: the form has no description", { param: "sdp" });
  return { sdp, ...session !== undefined && { session: toSession(session) } };
}

async function fieldOf(form: FormData, name: string): Promise<string | undefined> {
  const value = form.get(name);
  return value === null ? undefined : typeof value === "string" ? value : await value.text();
}

function toText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalid("Cannot read the description: it is not UTF-8");
  }
}

function toSession(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw invalid("Cannot read the session: expected a JSON object", { param: "session" });
}
