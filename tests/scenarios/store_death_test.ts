/**
 * The process dies in the middle of writing.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { createLog } from "../../src/kit/log.ts";
import { startProcess } from "../support/store_process.ts";

Deno.test("every commit that was acknowledged before the process was killed is there afterwards", async () => {
  const dir = await Deno.makeTempDir({ prefix: "muxi-death-" });
  const path = join(dir, "muxi.db");
  const log = createLog({ level: "error", format: "text", write: () => {} });
  try {
    let last = 0;
    {
      await using writing = startProcess("write", [path]);
      while (last < 300) last = Number(await writing.line());
      await writing.kill();
      // What it still printed was acknowledged as well; the last line may be cut off.
      for (let line = await writing.line(); line !== undefined; line = await writing.line()) last = Number(line);
    }
    await using store = await openLibsqlStore({ path, log });
    const rows = await store.read({ from: "events", order: [["seq", "asc"]], limit: 1_000_000 });
    assert.ok(rows.length >= last, `${rows.length} rows of at least ${last}`);
    assert.deepEqual(rows.map(({ seq }) => seq), rows.map((_, n) => n + 1));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
