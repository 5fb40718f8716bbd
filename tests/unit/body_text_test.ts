/**
 * A request's body as text.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { readJson } from "../../src/transports/http/body.ts";

const LIMITS = { max_bytes: 1000, timeout_ms: 1000 };

function post(bytes: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}): Request {
  return new Request("http://x/", { method: "POST", body: bytes, headers });
}

/** The body read piece by piece, and at once. */
function both(bytes: Uint8Array<ArrayBuffer>): Request[] {
  return [post(bytes), post(bytes, { "content-length": String(bytes.length) })];
}

Deno.test("a body that is no UTF-8 is refused, and says why", async () => {
  const bad = Uint8Array.from([...new TextEncoder().encode('{"a":"'), 0xff, 0x22, 0x7d]);
  for (const request of both(bad)) {
    await assert.rejects(readJson(request, LIMITS), { name: "ValidationError", message: /it is not UTF-8$/ });
  }
});

Deno.test("a body may itself hold the character that stands for what can't be read", async () => {
  const given = { a: "\uFFFD", "\uFFFD": "ä☃" };
  for (const request of both(new TextEncoder().encode(JSON.stringify(given)))) {
    assert.deepEqual(await readJson(request, LIMITS), given);
  }
});
