/**
 * One owner per data folder.
 *
 * @module
 */
import { join } from "node:path";
import { AppError } from "../../domain/error.ts";

/** The file whose lock says that a folder is taken. It stays when the lock is gone. */
export const LOCK_FILE = "muxi.lock";

/**
 * Takes `dir` for this process until disposed. The operating system takes the
 * lock back when the process dies, however it dies.
 */
export function lockDataDir(dir: string): Disposable {
  const path = join(dir, LOCK_FILE);
  const file = openLock(dir, path);
  if (!file.tryLockSync(true)) {
    file.close();
    const pid = readOwner(path);
    // Not an error of the settings: it passes when that process ends, so a service manager should try again.
    throw new AppError(
      "UnavailableError",
      `Cannot use the data folder "${dir}": ${pid === null ? "another process" : `process ${pid}`} uses it. ` +
        "Stop that process, or choose another folder with MUXI_DATA_DIR",
      { details: { data_dir: dir, pid } },
    );
  }
  file.truncateSync();
  file.writeSync(new TextEncoder().encode(`${Deno.pid}\n`));
  let held = true;
  return {
    [Symbol.dispose]() {
      if (!held) return;
      held = false;
      // The file is not removed: another process may hold it open, waiting for the lock.
      file.truncateSync();
      file.close();
    },
  };
}

function openLock(dir: string, path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { read: true, write: true, create: true, mode: 0o600 });
  } catch (error) {
    throw new AppError("ConfigurationError", `Cannot use the data folder "${dir}": it can't be written`, {
      cause: error,
    });
  }
}

function readOwner(path: string): number | null {
  try {
    return Number.parseInt(Deno.readTextFileSync(path)) || null;
  } catch {
    return null;
  }
}
