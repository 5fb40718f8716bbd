/**
 * A copy of the database while it is in use.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { ConnectionOptions } from "./connection.ts";

/** What the Worker is asked for. */
export interface BackupRequest extends ConnectionOptions {
  /** Where the copy goes. */
  to: string;
}

/** What the Worker answers: nothing, or what went wrong. */
export interface BackupReply {
  error?: string;
}

/** Refuses a path where something is already. */
export async function checkVacant(path: string): Promise<void> {
  const found = await Deno.lstat(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new AppError("ConfigurationError", `Cannot write a backup to "${path}"`, { cause: error });
  });
  if (found !== undefined) throw new AppError("ConflictError", `Cannot write a backup to "${path}": it exists already`);
}

/** Copies in a Worker with its own connection, so that nobody waits for it. */
export async function runBackup(request: BackupRequest): Promise<void> {
  const worker = new Worker(new URL("./backup_worker.ts", import.meta.url), { type: "module" });
  try {
    const { promise, resolve, reject } = Promise.withResolvers<BackupReply>();
    worker.onmessage = ({ data }) => resolve(data as BackupReply);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    worker.postMessage(request);
    const { error } = await promise;
    if (error !== undefined) throw new Error(error);
  } catch (error) {
    await Deno.remove(request.to).catch(() => {});
    throw new AppError("UnavailableError", `Cannot write a backup to "${request.to}"`, { cause: error });
  } finally {
    worker.terminate();
  }
}
