/**
 * What a server says when it refuses, whatever its shape.
 *
 * @module
 */
import { maskSecrets } from "./log.ts";

const MAX_BODY = 64 * 1024;
const MAX_MESSAGE = 500;

/** `text` without the key that was used, without what looks like one, and short. */
export function toSafeText(text: string, apiKey: string | null): string {
  const plain = apiKey && apiKey.length >= 4 ? text.replaceAll(apiKey, "[masked]") : text;
  const safe = maskSecrets(plain).trim();
  return safe.length > MAX_MESSAGE ? `${safe.slice(0, MAX_MESSAGE - 1)}…` : safe;
}

/** The message in an error body. */
export function readMessage(body: unknown): string {
  if (typeof body === "string") return body;
  if (Array.isArray(body)) return readMessage(body[0]);
  if (typeof body !== "object" || body === null) return "";
  const { error, message, detail } = body as Record<string, unknown>;
  return readMessage(error ?? message ?? detail);
}

/** Seconds to wait according to `retry-after-ms` or `retry-after` (seconds or a date). */
export function readRetryAfter(headers: { get(name: string): string | null }, now: number): number | undefined {
  const ms = Number(headers.get("retry-after-ms") ?? NaN);
  if (ms >= 0) return ms / 1000;
  const text = headers.get("retry-after");
  if (text === null) return undefined;
  const seconds = Number(text);
  if (seconds >= 0) return seconds;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - now) / 1000);
}

/** The message in the body of `response`, read within bounds; empty where there is none. */
export async function readRefusal(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      // Leaving the loop cancels the rest.
      if (text.length > MAX_BODY) break;
    }
    // A page of HTML says nothing a caller could use.
    if (text.startsWith("<")) return "";
    return readMessage(JSON.parse(text)) || text;
  } catch {
    return text.startsWith("<") ? "" : text;
  }
}
