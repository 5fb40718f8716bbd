/**
 * The one shape every error has.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { ERROR_STATUS, type ErrorName } from "../../src/domain/error.ts";

/** An error as it came over the wire. */
export interface ErrorAnswer {
  error: ErrorName;
  message: string;
  statusCode: number;
  timestamp: number;
  details: Record<string, unknown>;
  request_id: string;
}

const FIELDS = ["details", "error", "message", "request_id", "statusCode", "timestamp"];
/** A stack, a source file, a folder of this machine, a statement of the database. */
const INSIDES =
  /\bat (async )?[\w.<>#]+ ?\(|\.ts\b|file:\/\/|node:|\/(home|root|tmp|usr|var|etc\/passwd)\/|SQLITE|SELECT .* FROM|INSERT INTO|\[object /;

/** Parses an error, and throws where it is not as every error must be. */
export function readError(status: number, text: string): ErrorAnswer {
  let body: ErrorAnswer;
  try {
    body = JSON.parse(text);
  } catch {
    throw new assert.AssertionError({ message: `${status} is no JSON: ${text.slice(0, 200)}` });
  }
  assert.deepEqual(Object.keys(body).sort(), FIELDS, text);
  assert.equal(body.statusCode, status, text);
  assert.equal(ERROR_STATUS[body.error], status, text);
  assert.ok(Number.isSafeInteger(body.timestamp) && Math.abs(body.timestamp - Date.now()) < 600_000, text);
  assert.match(body.request_id, /^[\w.-]{1,128}$/);
  assert.match(body.message, /^[A-Z]/);
  assert.ok(!body.message.endsWith("."), body.message);
  assert.equal(typeof body.details, "object");
  assert.ok(!INSIDES.test(text), `tells of the insides: ${text}`);
  return body;
}

/** What of an error must not depend on whether the thing exists: all but names, time and the request's id. */
export function toComparable(text: string): string {
  return text.replaceAll(/(conv|run|file|tool|rtc|rec|room|member)_[0-9a-z]+/g, "ID").replace(/"timestamp":\d+/, "")
    .replace(/"request_id":"[^"]*"/, "");
}
