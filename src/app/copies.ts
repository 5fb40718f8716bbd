/**
 * Making a backup of what is stored, and bringing one back.
 *
 * @module
 */
import { createBackup } from "../adapters/backup/backup.ts";
import { restoreBackup } from "../adapters/backup/restore.ts";
import { lockDataDir } from "../adapters/libsql/owner_lock.ts";
import { openLibsqlStore } from "../adapters/libsql/store.ts";
import { AppError } from "../domain/error.ts";
import { systemClock } from "../kit/clock.ts";
import { toDatabase } from "../settings/checks.ts";
import type { Verbs } from "../transports/cli/verbs.ts";
import { VERSION } from "../version.ts";
import { load } from "./load.ts";
import { openLog } from "./ports.ts";

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Copies the database, the files and the recordings to a new folder. */
export const backup: Verbs["backup"] = async (given, { dest, onProgress }) => {
  const { settings } = await load(given);
  const { path, encryption_key } = toDatabase(settings);
  if (!await isFile(path)) throw new AppError("NotFoundError", `Cannot back up "${path}": there is no database yet`);
  // A backup only reads, so that it needs no ownership: the server may go on meanwhile.
  await using store = await openLibsqlStore({
    path,
    log: openLog({ ...settings, log: { ...settings.log, level: "warn" } }),
    ...encryption_key !== undefined && { encryptionKey: encryption_key },
  });
  return await createBackup({
    store,
    dataDir: settings.data_dir,
    dest,
    version: VERSION,
    clock: systemClock,
    onProgress,
  });
};

/** Brings a backup back into the data folder. */
export const restore: Verbs["restore"] = async (given, { src, force, onProgress }) => {
  const { settings } = await load(given);
  const { path } = toDatabase(settings);
  if (path !== toDatabase({ ...settings, database: { ...settings.database, url: "" } }).path) {
    throw new AppError(
      "ConfigurationError",
      `Cannot restore: database.url names "${path}", which is not in the data folder`,
    );
  }
  await Deno.mkdir(settings.data_dir, { recursive: true, mode: 0o700 });
  using _ = lockDataDir(settings.data_dir);
  return await restoreBackup({ src, dataDir: settings.data_dir, force, clock: systemClock, onProgress });
};
