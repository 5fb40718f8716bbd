/**
 * Backups: a folder with the database, the files and a manifest of hashes.
 *
 * What is encrypted is copied as it is, and needs the same key again.
 *
 * @module
 */
import { join } from "node:path";
import { AppError } from "../../domain/error.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import type { Store } from "../../ports/store.ts";
import { copyAndHash, exists, type Fingerprint, listFiles } from "./copy.ts";

/** The database's name in a backup and in a data folder. */
export const DATABASE_FILE = "muxi.db";
/** The name of the folder of files, in both. */
export const FILES_FOLDER = "files";
/** The name of the manifest in a backup. */
export const MANIFEST_FILE = "manifest.json";

/** What a backup says of itself. */
export interface Manifest {
  /** The version of MUXI that made it. */
  version: string;
  created_at: string;
  /** By path in the backup. */
  files: Record<string, Fingerprint>;
}

/** Told after each file. */
export type OnProgress = (progress: { name: string; done: number; total: number }) => void;

/** What was copied, and where to. */
export interface CopyReport {
  path: string;
  files: number;
  bytes: number;
  /** Where what was there before is now. */
  moved_to?: string;
}

/** Options for {@linkcode createBackup}. */
export interface BackupOptions {
  store: Pick<Store, "backup">;
  /** The folder of stored files; it may be absent. */
  filesDir: string;
  /** The folder to make. */
  dest: string;
  version: string;
  clock: Pick<Clock, "now">;
  onProgress?: OnProgress;
}

/** Sums up what `manifest` lists. */
export function toReport(path: string, { files }: Manifest): CopyReport {
  const prints = Object.values(files);
  return { path, files: prints.length, bytes: prints.reduce((sum, { size }) => sum + size, 0) };
}

/** Writes a backup, which appears at `dest` whole or not at all. The store may be in use. */
export async function createBackup(options: BackupOptions): Promise<CopyReport> {
  const dest = options.dest.replace(/(.)\/+$/, "$1");
  if (await exists(dest)) {
    throw new AppError("ConflictError", `Cannot write a backup to "${dest}": it exists already`);
  }
  const building = `${dest}.tmp-${Deno.pid}`;
  try {
    // In a container every process has the same number, also one that died here.
    await Deno.remove(building, { recursive: true }).catch(() => {});
    await Deno.mkdir(join(building, FILES_FOLDER), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new AppError("UnavailableError", `Cannot write a backup to "${dest}": its folder can't be made`, {
      cause: error,
    });
  }
  try {
    const manifest = await build(building, options);
    await Deno.rename(building, dest);
    return toReport(dest, manifest);
  } catch (error) {
    await Deno.remove(building, { recursive: true }).catch(() => {});
    if (error instanceof AppError) throw error;
    throw new AppError("UnavailableError", `Cannot write a backup to "${dest}"`, { cause: error });
  }
}

async function build(folder: string, options: BackupOptions): Promise<Manifest> {
  const { store, filesDir, version, clock, onProgress = () => {} } = options;
  const files: Record<string, Fingerprint> = {};
  const created_at = toTime(clock.now());
  // The database comes first: a file stored meanwhile is then superfluous, never missing.
  await store.backup(join(folder, DATABASE_FILE));
  files[DATABASE_FILE] = await copyAndHash(join(folder, DATABASE_FILE));
  const names = await listFiles(filesDir);
  const total = names.length + 1;
  onProgress({ name: DATABASE_FILE, done: 1, total });
  for (const [index, name] of names.entries()) {
    const path = `${FILES_FOLDER}/${name}`;
    const found = await copyAndHash(join(filesDir, name), join(folder, path)).catch(async (error) => {
      // Deleted since the folder was listed, by somebody who was allowed to.
      if (error instanceof Deno.errors.NotFound && !await exists(join(filesDir, name))) return undefined;
      throw error;
    });
    if (found !== undefined) files[path] = found;
    onProgress({ name: path, done: index + 2, total });
  }
  const manifest: Manifest = { version, created_at, files };
  await Deno.writeTextFile(join(folder, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
  return manifest;
}
