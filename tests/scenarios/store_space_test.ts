/**
 * The database's file is bounded: what is deleted makes it smaller again.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { createLog } from "../../src/kit/log.ts";
import { event } from "../contracts/sample_rows.ts";

Deno.test("the file shrinks after rows were deleted, while the store goes on working", async () => {
  const dir = await Deno.makeTempDir({ prefix: "muxi-space-" });
  const path = join(dir, "muxi.db");
  const log = createLog({ level: "error", format: "text", write: () => {} });
  const data = "x".repeat(100_000);
  const rows = Array.from({ length: 50 }, (_, seq) => ({ ...event("run_1", seq), data }));
  const megabytes = (detail: string) => Number(/([\d.]+) MB/.exec(detail)![1]);
  try {
    {
      await using store = await openLibsqlStore({ path, log });
      for (let round = 0; round < 3; round++) {
        await store.commit({ writes: [{ insert: "events", rows }] });
        assert.ok(megabytes((await store.check()).detail) >= 5);
        await store.commit({ writes: [{ delete: "events", where: { run_id: "run_1" } }] });
      }
      while (megabytes((await store.check()).detail) >= 2) {
        await store.commit({ writes: [{ upsert: "events", row: event("run_2", 1) }] });
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    assert.ok((await Deno.stat(path)).size < 2_000_000);
    assert.equal((await Deno.stat(`${path}-wal`).catch(() => ({ size: 0 }))).size, 0);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
