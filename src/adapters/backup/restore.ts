/**
 * Brings a backup back into a data folder.
 *
 * @module
 */
import { join } from "node:path";
import { z } from "zod";
import { AppError } from "../../domain/error.ts";
import { type Clock, toTime } from "../../kit/clock.ts";
import {
  type CopyReport,
  DATABASE_FILE,
  FOLDERS,
  type Manifest,
  MANIFEST_FILE,
  type OnProgress,
  toReport,
} from "./backup.ts";
import { copyAndHash, exists, listFiles } from "./copy.ts";

/** Options for {@linkcode restoreBackup}. */
export interface RestoreOptions {
  /** The backup. */
  src: string;
  /** Where it goes; made if needed. Whoever calls owns it (the folder's lock). */
  dataDir: string;
  clock: Pick<Clock, "now">;
  /** Moves what is there aside, instead of refusing. */
  force?: boolean;
  onProgress?: OnProgress;
}

const Name = z.string().regex(/^(muxi\.db|(files|recordings)\/[^/\\.\0][^/\\\0]*)$/);
const ManifestShape = z.object({
  version: z.string(),
  created_at: z.string(),
  files: z.record(Name, z.object({ size: z.number().int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) })),
});

/** What a data folder's state consists of. A log of an older database would spoil a new one. */
const STATE = [`${DATABASE_FILE}-wal`, `${DATABASE_FILE}-shm`, DATABASE_FILE, ...FOLDERS];

/**
 * Restores `src` into `dataDir`. Everything is copied beside its place and its
 * hash checked first; the database is put in its place last, by a rename, so
 * that a restore which did not end leaves a folder without one.
 */
export async function restoreBackup(options: RestoreOptions): Promise<CopyReport> {
  const { src, force = false, clock } = options;
  const dataDir = options.dataDir.replace(/(.)\/+$/, "$1");
  const manifest = await readManifest(src);
  const staging = join(dataDir, `.restore-${Deno.pid}`);
  try {
    const old = await findState(dataDir);
    if (old.length > 0 && !force) {
      const message = `Cannot restore to "${dataDir}": it has ${isFolder(old[0]!) ? old[0] : "a database"} already. ` +
        "Choose another data folder, or use --force to move what is there aside";
      throw new AppError("ConflictError", message);
    }
    // In a container every process has the same number, also one that died here.
    await Deno.remove(staging, { recursive: true }).catch(() => {});
    for (const name of FOLDERS) await Deno.mkdir(join(staging, name), { recursive: true, mode: 0o700 });
    await stage(manifest, staging, options);
    const moved_to = old.length === 0 ? undefined : await moveAside(dataDir, old, clock.now());
    for (const name of FOLDERS) {
      const folder = join(dataDir, name);
      // Left over, and without a file: findState says so.
      if (await exists(folder)) await Deno.remove(folder, { recursive: true });
      await Deno.rename(join(staging, name), folder);
    }
    await Deno.rename(join(staging, DATABASE_FILE), join(dataDir, DATABASE_FILE));
    return { ...toReport(dataDir, manifest), ...moved_to !== undefined && { moved_to } };
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("UnavailableError", `Cannot restore to "${dataDir}"`, { cause: error });
  } finally {
    await Deno.remove(staging, { recursive: true }).catch(() => {});
  }
}

function isFolder(name: string): boolean {
  return (FOLDERS as readonly string[]).includes(name);
}

async function readManifest(src: string): Promise<Manifest> {
  let value: unknown;
  try {
    value = JSON.parse(await Deno.readTextFile(join(src, MANIFEST_FILE)));
  } catch (error) {
    throw new AppError("ValidationError", `Cannot restore "${src}": it has no readable ${MANIFEST_FILE}`, {
      cause: error,
    });
  }
  const parsed = ManifestShape.safeParse(value);
  if (!parsed.success || !Object.hasOwn(parsed.data.files, DATABASE_FILE)) {
    throw new AppError("ValidationError", `Cannot restore "${src}": its ${MANIFEST_FILE} is not that of a backup`);
  }
  return parsed.data;
}

async function findState(dataDir: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of STATE) {
    const path = join(dataDir, name);
    // What a call that is recorded has so far lies one folder deeper.
    const files = isFolder(name) ? [...await listFiles(path), ...await listFiles(join(path, "raw"))] : [];
    if (isFolder(name) ? files.length > 0 : await exists(path)) found.push(name);
  }
  return found;
}

async function stage(manifest: Manifest, staging: string, { src, onProgress = () => {} }: RestoreOptions) {
  const entries = Object.entries(manifest.files);
  for (const [index, [name, { size, sha256 }]] of entries.entries()) {
    const found = await copyAndHash(join(src, name), join(staging, name)).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      throw new AppError("ValidationError", `Cannot restore "${src}": "${name}" is missing`);
    });
    if (found.size !== size || found.sha256 !== sha256) {
      throw new AppError("ValidationError", `Cannot restore "${src}": "${name}" is not what was backed up`, {
        details: { name, current: found, wanted: { size, sha256 } },
      });
    }
    onProgress({ name, done: index + 1, total: entries.length });
  }
}

/** Moves `names` out of `dataDir`, beside it where that can be: a mounted volume has no beside. */
async function moveAside(dataDir: string, names: readonly string[], now: number): Promise<string> {
  const time = toTime(now).replaceAll(/[:.]/g, "-");
  const beside = `${dataDir}.old-${time}`;
  const [first = ""] = names;
  try {
    await Deno.mkdir(beside, { mode: 0o700 });
    await Deno.rename(join(dataDir, first), join(beside, first));
    for (const name of names.slice(1)) await Deno.rename(join(dataDir, name), join(beside, name));
    return beside;
  } catch (error) {
    if (!await exists(join(dataDir, first))) throw error;
    await Deno.remove(beside).catch(() => {});
  }
  const inside = join(dataDir, `old-${time}`);
  await Deno.mkdir(inside, { mode: 0o700 });
  for (const name of names) await Deno.rename(join(dataDir, name), join(inside, name));
  return inside;
}
