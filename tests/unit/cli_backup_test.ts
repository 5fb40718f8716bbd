/**
 * Backup and restore, of a real database and real files.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createBackup } from "../../src/adapters/backup/backup.ts";
import { restoreBackup } from "../../src/adapters/backup/restore.ts";
import { openLibsqlStore } from "../../src/adapters/libsql/store.ts";
import { AppError } from "../../src/domain/error.ts";
import type { UserRow } from "../../src/domain/table.ts";
import { createLog } from "../../src/kit/log.ts";

const log = createLog({ level: "error", format: "text", write: () => {} });
const clock = { now: () => Date.UTC(2026, 10, 20, 12) };

function user(user_id: string): UserRow {
  const time = "2026-11-20T12:00:00.000Z";
  const owner = { tenant_id: "default", key_id: "user", user_id };
  return { ...owner, id: `default/${user_id}`, context: null, created_at: time, updated_at: time, last_seen_at: time };
}

async function openStore(dir: string, encryptionKey?: string) {
  await Deno.mkdir(`${dir}/files`, { recursive: true });
  return await openLibsqlStore({ path: `${dir}/muxi.db`, log, ...encryptionKey && { encryptionKey } });
}

async function usersIn(dir: string, encryptionKey?: string): Promise<string[]> {
  await using store = await openStore(dir, encryptionKey);
  const rows = await store.read({ from: "users", order: [["user_id", "asc"]], limit: 10 });
  return rows.map(({ user_id }) => user_id);
}

async function namesIn(dir: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name).sort();
}

/** A data folder with a row, two files and a recording, and a backup of it. */
async function prepare(root: string, encryptionKey?: string) {
  const [data, dest] = [`${root}/data`, `${root}/copies/first`];
  await using store = await openStore(data, encryptionKey);
  await store.commit({ writes: [{ insert: "users", rows: [user("ada")] }] });
  await Deno.writeTextFile(`${data}/files/file_1`, "one");
  await Deno.writeFile(`${data}/files/file_2`, new Uint8Array(600_000).fill(7));
  await Deno.writeTextFile(`${data}/files/.tmp-file_3`, "unfinished");
  await Deno.mkdir(`${data}/recordings/raw`, { recursive: true });
  await Deno.writeTextFile(`${data}/recordings/rec_1`, "three");
  await Deno.writeTextFile(`${data}/recordings/raw/rec_2.rec`, "being made");
  const seen: string[] = [];
  const onProgress = ({ name, done, total }: { name: string; done: number; total: number }) =>
    seen.push(`${done}/${total} ${name}`);
  const report = await createBackup({
    store,
    dataDir: data,
    dest: `${dest}/`,
    version: "1.2.3",
    clock,
    onProgress,
  });
  return { data, dest, report, seen };
}

async function inFolder(test: (root: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    await test(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const fails = (work: Promise<unknown>, name: string, message: RegExp) =>
  assert.rejects(work, (error: AppError) => {
    assert.ok(error instanceof AppError);
    assert.equal(error.name, name);
    assert.match(error.message, message);
    return true;
  });

Deno.test("a backup is a new folder with the database, the files and their hashes", () =>
  inFolder(async (root) => {
    const { dest, report, seen } = await prepare(root);
    assert.deepEqual(await namesIn(`${root}/copies`), ["first"]);
    assert.deepEqual(await namesIn(dest), ["files", "manifest.json", "muxi.db", "recordings"]);
    assert.deepEqual(await namesIn(`${dest}/files`), ["file_1", "file_2"]);
    assert.deepEqual(await namesIn(`${dest}/recordings`), ["rec_1"]);
    const manifest = JSON.parse(await Deno.readTextFile(`${dest}/manifest.json`));
    assert.equal(manifest.version, "1.2.3");
    assert.equal(manifest.created_at, "2026-11-20T12:00:00.000Z");
    assert.deepEqual(manifest.files["files/file_1"], {
      size: 3,
      sha256: "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed",
    });
    assert.deepEqual(seen, ["1/4 muxi.db", "2/4 files/file_1", "3/4 files/file_2", "4/4 recordings/rec_1"]);
    assert.equal(report.files, 4);
    assert.equal(report.bytes, 600_008 + manifest.files["muxi.db"].size);
    assert.deepEqual(await usersIn(dest), ["ada"]);
  }));

Deno.test("a backup that exists is not overwritten, and one that fails leaves nothing", () =>
  inFolder(async (root) => {
    const { data, dest } = await prepare(root);
    const options = { dataDir: data, version: "1", clock };
    const store = { backup: () => Promise.reject(new Error("disk full")) };
    await fails(createBackup({ ...options, store, dest }), "ConflictError", /it exists already$/);
    await fails(createBackup({ ...options, store, dest: `${root}/copies/second` }), "UnavailableError", /second"$/);
    assert.deepEqual(await namesIn(`${root}/copies`), ["first"]);
  }));

Deno.test("a backup is restored to a folder that has no database, whatever else is in it", () =>
  inFolder(async (root) => {
    const { dest } = await prepare(root);
    const dataDir = `${root}/other`;
    await Deno.mkdir(`${dataDir}/files`, { recursive: true });
    await Deno.writeTextFile(`${dataDir}/muxi.lock`, "");
    const report = await restoreBackup({ src: dest, dataDir, clock });
    assert.equal(report.moved_to, undefined);
    assert.equal(report.files, 4);
    assert.deepEqual(await namesIn(dataDir), ["files", "muxi.db", "muxi.lock", "recordings"]);
    assert.equal(await Deno.readTextFile(`${dataDir}/recordings/rec_1`), "three");
    assert.equal(await Deno.readTextFile(`${dataDir}/files/file_1`), "one");
    assert.deepEqual(await usersIn(dataDir), ["ada"]);
    await restoreBackup({ src: dest, dataDir: `${root}/new/deep`, clock });
    assert.deepEqual(await usersIn(`${root}/new/deep`), ["ada"]);
  }));

Deno.test("an encrypted database stays encrypted", () =>
  inFolder(async (root) => {
    const { dest } = await prepare(root, "a long enough key");
    await restoreBackup({ src: dest, dataDir: `${root}/other`, clock });
    assert.doesNotMatch(await Deno.readTextFile(`${root}/other/muxi.db`), /SQLite format/);
    assert.deepEqual(await usersIn(`${root}/other`, "a long enough key"), ["ada"]);
    await assert.rejects(usersIn(`${root}/other`));
  }));

Deno.test("a data folder that has a database is refused, or moved aside", () =>
  inFolder(async (root) => {
    const { data, dest } = await prepare(root);
    {
      await using store = await openStore(data);
      await store.commit({ writes: [{ insert: "users", rows: [user("bob")] }] });
    }
    await fails(restoreBackup({ src: dest, dataDir: data, clock }), "ConflictError", /has a database already/);
    assert.deepEqual(await usersIn(data), ["ada", "bob"]);
    const { moved_to } = await restoreBackup({ src: dest, dataDir: `${data}/`, clock, force: true });
    assert.equal(moved_to, `${data}.old-2026-11-20T12-00-00-000Z`);
    assert.deepEqual(await usersIn(data), ["ada"]);
    assert.deepEqual(await usersIn(moved_to), ["ada", "bob"]);
    assert.deepEqual(await namesIn(`${moved_to}/files`), [".tmp-file_3", "file_1", "file_2"]);
  }));

Deno.test("nothing is restored, or moved, where the backup is not whole", () =>
  inFolder(async (root) => {
    const { data, dest } = await prepare(root);
    const before = await namesIn(data);
    const restore = () => restoreBackup({ src: dest, dataDir: data, clock, force: true });
    await Deno.writeTextFile(`${dest}/files/file_1`, "eno");
    await fails(restore(), "ValidationError", /"files\/file_1" is not what was backed up$/);
    await Deno.remove(`${dest}/files/file_1`);
    await fails(restore(), "ValidationError", /"files\/file_1" is missing$/);
    const print = { size: 0, sha256: "0".repeat(64) };
    for (const name of ["../../etc/passwd", "files/../x", "files/a/b", "files/.x", "other", "/muxi.db"]) {
      const files = { "muxi.db": print, [name]: print };
      await Deno.writeTextFile(`${dest}/manifest.json`, JSON.stringify({ version: "1", created_at: "x", files }));
      await fails(restore(), "ValidationError", /is not that of a backup$/);
    }
    await Deno.remove(`${dest}/manifest.json`);
    await fails(restore(), "ValidationError", /has no readable manifest\.json$/);
    assert.deepEqual(await namesIn(data), before);
    assert.deepEqual(await usersIn(data), ["ada"]);
    assert.ok(!(await namesIn(root)).some((name) => name.includes("old")));
  }));
