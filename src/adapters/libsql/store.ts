/**
 * The store in a libSQL file, or in memory.
 *
 * The synchronous `libsql` package with reused statements is 16 times cheaper
 * than the transactions of `@libsql/client`, and a Worker would add 100 us to
 * every call: so it runs on the event loop, and only backups leave it.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Table, Tables } from "../../domain/table.ts";
import type { Log } from "../../kit/log.ts";
import type { Change, Query, Store, SumQuery, SumRow } from "../../ports/store.ts";
import { checkVacant, runBackup } from "./backup.ts";
import { CommitQueue } from "./commits.ts";
import { Compactor } from "./compactor.ts";
import { codeOf, Connection, type ConnectionOptions } from "./connection.ts";
import { migrate, type Migration, MIGRATIONS, schemaVersion } from "./migrations.ts";
import { retryBusy } from "./retry.ts";
import { decodeRows, toSelect, toSum } from "./sql.ts";

/** Options for {@linkcode openLibsqlStore}: a file in a folder that exists, or `:memory:`. */
export interface LibsqlStoreOptions extends ConnectionOptions {
  log: Log;
  /** What the schema is made by; {@linkcode MIGRATIONS} unless a test says otherwise. */
  migrations?: readonly Migration[];
}

/** Opens the database at `path`, creates it if needed, and brings its schema up to date. */
export async function openLibsqlStore(
  { log, migrations = MIGRATIONS, ...options }: LibsqlStoreOptions,
): Promise<Store> {
  const connection = new Connection(options);
  try {
    for (const { version, name } of await retryBusy(connection, "open", () => migrate(connection, migrations))) {
      log.info("Applied a migration", { version, name });
    }
  } catch (error) {
    connection.close();
    throw toOpenError(options.path, error);
  }
  return new LibsqlStore({ options, connection, log });
}

function toOpenError(path: string, error: unknown): unknown {
  if (!(error instanceof AppError) || error.name !== "UnavailableError") return error;
  const code = codeOf(error.cause);
  const why = code === "SQLITE_NOTADB"
    ? "the encryption key is wrong, or it isn't a database"
    : code === "" || code === "SQLITE_CANTOPEN"
    ? "it can't be created or read"
    : undefined;
  if (why === undefined) return error;
  return new AppError("ConfigurationError", `Cannot open the database "${path}": ${why}`, { cause: error.cause });
}

class LibsqlStore implements Store {
  readonly #options: ConnectionOptions;
  readonly #connection: Connection;
  readonly #commits: CommitQueue;
  readonly #compactor: Compactor;
  readonly #log: Log;
  readonly #backups = new Set<Promise<void>>();
  #closed = false;

  constructor({ options, connection, log }: { options: ConnectionOptions; connection: Connection; log: Log }) {
    this.#options = options;
    this.#connection = connection;
    this.#log = log;
    this.#commits = new CommitQueue({ connection, log });
    this.#compactor = new Compactor({ connection, log });
  }

  async read<T extends Table>(query: Query<T>): Promise<Tables[T][]> {
    this.#checkOpen();
    const statement = toSelect(query);
    const rows = await retryBusy(this.#connection, "read", () => this.#connection.all(statement));
    return decodeRows(query.from, rows) as unknown as Tables[T][];
  }

  async sum<T extends Table>(query: SumQuery<T>): Promise<SumRow[]> {
    this.#checkOpen();
    const statement = toSum(query);
    return await retryBusy(this.#connection, "read", () => this.#connection.all(statement)) as SumRow[];
  }

  async commit(change: Change): Promise<void> {
    this.#checkOpen();
    await this.#commits.add(change);
    if (change.writes.some((write) => "delete" in write)) this.#compactor.nudge();
  }

  async backup(path: string): Promise<void> {
    this.#checkOpen();
    const copied = this.#copy(path);
    this.#backups.add(copied);
    try {
      await copied;
    } finally {
      this.#backups.delete(copied);
    }
  }

  async check(): Promise<{ ok: boolean; detail: string }> {
    try {
      this.#checkOpen();
      const version = schemaVersion(this.#connection);
      const [size] = this.#connection.all({
        sql: "SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()",
        args: [],
      });
      const kind = this.#connection.inMemory ? "in memory" : this.#options.encryptionKey ? "file, encrypted" : "file";
      const megabytes = (Number(size?.bytes ?? 0) / 1e6).toFixed(1);
      return { ok: true, detail: `libSQL ${kind}, schema version ${version}, ${megabytes} MB` };
    } catch (error) {
      this.#connection.reset();
      return { ok: false, detail: error instanceof AppError ? error.message : `libSQL reports ${codeOf(error)}` };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#compactor[Symbol.dispose]();
    await this.#commits.drain();
    await Promise.allSettled(this.#backups);
    try {
      if (!this.#connection.inMemory) this.#connection.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch (error) {
      // The next start does it; nothing is lost.
      this.#log.warn("Cannot empty the database's log file", { error });
    }
    this.#connection.close();
  }

  async #copy(path: string): Promise<void> {
    await checkVacant(path);
    if (!this.#connection.inMemory) return await runBackup({ ...this.#options, to: path });
    try {
      this.#connection.run({ sql: "VACUUM INTO ?", args: [path] });
    } catch (error) {
      throw new AppError("UnavailableError", `Cannot write a backup to "${path}"`, { cause: error });
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new AppError("UnavailableError", "Cannot use the database: it is closed");
  }
}
