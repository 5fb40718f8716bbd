/**
 * The store's contract on libSQL: a file, an encrypted file, in memory.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { createLog } from "../../src/kit/log.ts";
import { event } from "./sample_rows.ts";
import { named, testStore } from "./store_contract.ts";

const log = createLog({ level: "error", format: "text", write: (line) => Deno.stderr.writeSync(encode(`${line}\n`)) });
const encode = (text: string) => new TextEncoder().encode(text);
const encryptionKey = "correct horse battery staple";

testStore("libSQL file", {
  open: (dir) => openLibsqlStore({ path: join(dir, "muxi.db"), log }),
  openCopy: (path) => openLibsqlStore({ path, log }),
  durable: true,
});

testStore("libSQL file, encrypted", {
  open: (dir) => openLibsqlStore({ path: join(dir, "muxi.db"), encryptionKey, log }),
  openCopy: (path) => openLibsqlStore({ path, encryptionKey, log }),
  durable: true,
});

testStore("libSQL in memory", {
  open: () => openLibsqlStore({ path: ":memory:", log }),
  openCopy: (path) => openLibsqlStore({ path, log }),
  durable: false,
});

Deno.test("an encrypted database, its log and its backup show nothing, and open only with their key", async () => {
  const dir = await Deno.makeTempDir({ prefix: "muxi-store-" });
  const path = join(dir, "muxi.db");
  const copy = join(dir, "copy.db");
  try {
    const readable = async (file: string) => {
      const bytes = await Deno.readFile(file);
      return new TextDecoder("latin1").decode(bytes).includes("model.delta");
    };
    {
      await using store = await openLibsqlStore({ path, encryptionKey, log });
      await store.commit({ writes: [{ insert: "events", rows: [event("run_1", 1)] }] });
      await store.backup(copy);
      assert.equal(await readable(`${path}-wal`), false);
    }
    for (const file of [path, copy]) {
      assert.equal(await readable(file), false);
      await assert.rejects(openLibsqlStore({ path: file, encryptionKey: "wrong", log }), named("ConfigurationError"));
      await assert.rejects(openLibsqlStore({ path: file, log }), named("ConfigurationError"));
      await using store = await openLibsqlStore({ path: file, encryptionKey, log });
      assert.equal((await store.read({ from: "events", limit: 9 })).length, 1);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("what is no database, or can't be created, is refused with its path", async () => {
  const dir = await Deno.makeTempDir({ prefix: "muxi-store-" });
  try {
    const path = join(dir, "notes.txt");
    await Deno.writeTextFile(path, "Not a database. ".repeat(1000));
    for (const bad of [path, join(dir, "missing", "muxi.db"), dir]) {
      await assert.rejects(
        openLibsqlStore({ path: bad, log }),
        (error: Error) => named("ConfigurationError")(error) && error.message.includes(bad),
      );
    }
    assert.ok((await Deno.readTextFile(path)).startsWith("Not a database."));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
