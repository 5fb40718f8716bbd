/**
 * Backups: a folder with the database, the files, the recordings and a manifest of hashes.
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
/** The names of the folders of files, in both: what was uploaded, and recordings of calls whose file is made. */
export const FOLDERS = ["files", "recordings"] as const;
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
  /** The data folder. */
  dataDir: string;
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
    for (const name of FOLDERS) await Deno.mkdir(join(building, name), { recursive: true, mode: 0o700 });
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
  const { store, dataDir, version, clock, onProgress = () => {} } = options;
  const files: Record<string, Fingerprint> = {};
  const created_at = toTime(clock.now());
  // The database comes first: a file stored meanwhile is then superfluous, never missing.
  await store.backup(join(folder, DATABASE_FILE));
  files[DATABASE_FILE] = await copyAndHash(join(folder, DATABASE_FILE));
  const paths: string[] = [];
  for (const name of FOLDERS) paths.push(...(await listFiles(join(dataDir, name))).map((file) => `${name}/${file}`));
  const total = paths.length + 1;
  onProgress({ name: DATABASE_FILE, done: 1, total });
  for (const [index, path] of paths.entries()) {
    const found = await copyAndHash(join(dataDir, path), join(folder, path)).catch(async (error) => {
      // Deleted since the folder was listed, by somebody who was allowed to.
      if (error instanceof Deno.errors.NotFound && !await exists(join(dataDir, path))) return undefined;
      throw error;
    });
    if (found !== undefined) files[path] = found;
    onProgress({ name: path, done: index + 2, total });
  }
  const manifest: Manifest = { version, created_at, files };
  await Deno.writeTextFile(join(folder, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
  return manifest;
}
