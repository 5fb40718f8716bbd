/**
 * Files that can be read in part, over HTTP.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import type { Download } from "../../src/operations/operation.ts";
import { toDownload } from "../../src/transports/http/download.ts";
import { readError } from "../support/errors.ts";

const BYTES = Uint8Array.from({ length: 1000 }, (_, n) => n & 0xff);

/** A file that counts how many of its streams are still open. */
function fileOf(bytes: Uint8Array) {
  let open = 0;
  const stream = (part: Uint8Array) => {
    open++;
    return new ReadableStream<Uint8Array>({
      pull(controller) {
        open--;
        if (part.length > 0) controller.enqueue(part);
        controller.close();
      },
      cancel: () => void open--,
    }, { highWaterMark: 0 });
  };
  const download: Download = {
    name: "Ärger.webm",
    media_type: "video/webm",
    size: bytes.length,
    etag: "rec_1",
    body: stream(bytes),
    part: ({ first, last }) => Promise.resolve(stream(bytes.subarray(first, last + 1))),
  };
  return { download, left: () => open };
}

async function ask(headers: Record<string, string>, { method = "GET", bytes = BYTES } = {}) {
  const { download, left } = fileOf(bytes);
  const answer = await toDownload(download, { method, headers: new Headers(headers), request_id: "req_1" });
  const body = await answer.bytes();
  assert.equal(left(), 0, "a stream was left open");
  return { status: answer.status, headers: answer.headers, body };
}

Deno.test("parts of a file are answered as RFC 9110 has it", async () => {
  const parts: [range: string, first: number, last: number][] = [
    ["bytes=0-", 0, 999],
    ["bytes=0-0", 0, 0],
    ["bytes=10-19", 10, 19],
    ["bytes=990-5000", 990, 999],
    ["bytes=999-", 999, 999],
    ["bytes=-1", 999, 999],
    ["bytes=-5000", 0, 999],
  ];
  for (const [range, first, last] of parts) {
    const { status, headers, body } = await ask({ range });
    assert.equal(status, 206, range);
    assert.equal(headers.get("content-range"), `bytes ${first}-${last}/1000`);
    assert.equal(headers.get("content-length"), String(last - first + 1));
    assert.ok(Buffer.from(BYTES.subarray(first, last + 1)).equals(body), range);
  }
  for (const range of ["bytes=1000-", "bytes=5000-6000", "bytes=-0"]) {
    const { status, headers, body } = await ask({ range });
    assert.equal(readError(status, new TextDecoder().decode(body)).error, "RangeNotSatisfiableError", range);
    assert.deepEqual([status, headers.get("content-range")], [416, "bytes */1000"]);
  }
  // What can't be understood, or would need several parts, is answered with all.
  for (const range of ["bytes=", "bytes=-", "bytes=9-1", "bytes=a-b", "lines=0-1", "bytes=0-1,5-6", "bytes 0-1"]) {
    const { status, headers, body } = await ask({ range });
    assert.deepEqual([status, headers.get("content-range"), body.length], [200, null, 1000], range);
  }
  assert.equal((await ask({ range: "bytes=0-" }, { bytes: new Uint8Array() })).status, 416);
});

Deno.test("a part is given only of the file it is meant of", async () => {
  const range = "bytes=10-19";
  assert.equal((await ask({ range, "if-range": '"rec_1"' })).status, 206);
  for (const other of ['"rec_2"', 'W/"rec_1"', "Sat, 21 Nov 2026 12:00:00 GMT", "rec_1"]) {
    assert.equal((await ask({ range, "if-range": other })).status, 200, other);
  }
});

Deno.test("the whole says that parts can be had, under which name, and its headers alone cost nothing", async () => {
  const whole = await ask({});
  assert.equal(whole.status, 200);
  const disposition = `attachment; filename="_rger.webm"; filename*=UTF-8''%C3%84rger.webm`;
  for (const { headers } of [whole, await ask({ range: "bytes=0-1" }, { method: "HEAD" })]) {
    assert.equal(headers.get("content-disposition"), disposition);
    assert.equal(headers.get("accept-ranges"), "bytes");
    assert.equal(headers.get("etag"), '"rec_1"');
    assert.equal(headers.get("content-length"), "1000");
  }
  assert.equal((await ask({}, { method: "HEAD" })).body.length, 0);
});
