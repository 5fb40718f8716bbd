import { strict as assert } from "node:assert";
import { LineReader, LineTooLong } from "../../src/adapters/mcp/lines.ts";

const bytes = new TextEncoder().encode('{"text":"Grüße 🌍"}\n\n{"next":1}\r\n');

Deno.test("lines are the same however their bytes are cut", () => {
  for (let size = 1; size <= bytes.length; size++) {
    const reader = new LineReader({ limit: 100 });
    const lines: string[] = [];
    for (let at = 0; at < bytes.length; at += size) lines.push(...reader.push(bytes.subarray(at, at + size)));
    assert.deepEqual(lines, ['{"text":"Grüße 🌍"}', "", '{"next":1}\r'], `in pieces of ${size}`);
  }
});

Deno.test("a line that doesn't end is given up at the limit, whole or in pieces", () => {
  const long = new TextEncoder().encode("x".repeat(11));
  assert.throws(() => [...new LineReader({ limit: 10 }).push(long)], LineTooLong);
  const reader = new LineReader({ limit: 10 });
  assert.deepEqual([...reader.push(long.subarray(0, 10))], []);
  assert.throws(() => [...reader.push(long.subarray(0, 1))], LineTooLong);
});
