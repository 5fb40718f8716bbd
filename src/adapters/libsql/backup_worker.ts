/**
 * The Worker that copies a database: `VACUUM INTO` takes as long as the
 * database is large, and keeps its encryption.
 *
 * @module
 */
import type { BackupReply, BackupRequest } from "./backup.ts";
import { openDatabase } from "./connection.ts";

const LOCK_WAIT_MS = 10_000;

function copy({ path, encryptionKey, to }: BackupRequest): BackupReply {
  try {
    const database = openDatabase(path, encryptionKey, LOCK_WAIT_MS);
    try {
      database.prepare("VACUUM INTO ?").run([to]);
    } finally {
      database.close();
    }
    return {};
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

// The program is checked with the window's types, which don't have a Worker's `postMessage`.
const scope = globalThis as unknown as { postMessage(reply: BackupReply): void };

addEventListener("message", (event) => {
  scope.postMessage(copy((event as MessageEvent<BackupRequest>).data));
});
