/**
 * Another program takes the database's write lock while we write.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import Database from "libsql";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { createLog } from "../../src/kit/log.ts";
import { event } from "../contracts/sample_rows.ts";
import { named } from "../contracts/store_contract.ts";
import { startProcess } from "../support/store_process.ts";

function collectLog() {
  const lines: string[] = [];
  return { lines, log: createLog({ level: "warn", format: "text", write: (line) => void lines.push(line) }) };
}

async function withFolder(body: (path: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "muxi-lock-" });
  try {
    await body(join(dir, "muxi.db"));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function seenByOthers(path: string): Promise<number[]> {
  await using other = startProcess("list", [path]);
  return JSON.parse(await other.line() ?? "");
}

Deno.test("what is acknowledged while another process holds the lock again and again is on disk", () =>
  withFolder(async (path) => {
    const { log, lines } = collectLog();
    const acknowledged: number[] = [];
    {
      await using store = await openLibsqlStore({ path, log });
      await using holder = startProcess("hold", [path, "4", "300"]);
      await holder.line();
      let held = true;
      const ended = (async () => {
        while (await holder.line() !== undefined);
        held = false;
      })();
      const commit = async (seq: number) => {
        await store.commit({ writes: [{ insert: "events", rows: [event("run_1", seq)] }] });
        acknowledged.push(seq);
      };
      for (let seq = 1; held || seq < 400; seq += 4) {
        await Promise.all([commit(seq), commit(seq + 1), commit(seq + 2), commit(seq + 3)]);
        assert.ok((await store.read({ from: "events", where: { run_id: "run_1", seq }, limit: 1 })).length === 1);
      }
      await ended;
      assert.deepEqual(await seenByOthers(path), acknowledged);
    }
    assert.deepEqual(await seenByOthers(path), acknowledged);
    assert.ok(acknowledged.length >= 400);
    assert.ok(lines.some((line) => line.includes("locked by another program")), "the lock was never met");
  }));

Deno.test("a lock that stays is reported, keeps nothing of the change, and does not stop reads", () =>
  withFolder(async (path) => {
    const { log } = collectLog();
    await using store = await openLibsqlStore({ path, log, lockWaitMs: 200 });
    await store.commit({ writes: [{ insert: "events", rows: [event("run_1", 1)] }] });
    {
      await using holder = startProcess("hold", [path, "1", "60000"]);
      await holder.line();
      const refused = [2, 3, 4].map((seq) =>
        store.commit({ writes: [{ insert: "events", rows: [event("run_1", seq)] }] })
      );
      assert.equal((await store.read({ from: "events", limit: 9 })).length, 1);
      for (const one of refused) await assert.rejects(one, named("UnavailableError"));
      await holder.kill();
    }
    await store.commit({ writes: [{ insert: "events", rows: [event("run_1", 9)] }] });
    assert.deepEqual(await seenByOthers(path), [1, 9]);
  }));

/** Writes three rows after a prepared statement met the lock, and says what another process sees of them. */
async function writeAfterLock(path: string, reopen: boolean): Promise<number[]> {
  let database = new Database(path, { timeout: 20 });
  {
    await using holder = startProcess("hold", [path, "1", "60000"]);
    await holder.line();
    assert.throws(() => database.prepare("BEGIN IMMEDIATE").run([]), { code: "SQLITE_BUSY" });
    await holder.kill();
  }
  if (reopen) {
    database.close();
    database = new Database(path, { timeout: 20 });
  }
  const insert = database.prepare("INSERT INTO events (run_id, seq) VALUES ('run_1', ?)");
  for (const seq of [1, 2, 3]) assert.equal(insert.run([seq]).changes, 1);
  const seen = await seenByOthers(path);
  database.close();
  return seen;
}

for (
  const [reopen, seen, sentence] of [
    [
      false,
      [],
      "libsql loses acknowledged writes after a prepared statement met a lock (if this fails, it was repaired)",
    ],
    [true, [1, 2, 3], "libsql loses nothing after a prepared statement met a lock, once reopened"],
  ] as const
) {
  Deno.test(sentence, () =>
    withFolder(async (path) => {
      await (await openLibsqlStore({ path, log: collectLog().log }))[Symbol.asyncDispose]();
      assert.deepEqual(await writeAfterLock(path, reopen), seen);
    }));
}
