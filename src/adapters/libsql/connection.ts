/**
 * One connection, reopened after every fault, with its statements kept prepared.
 *
 * @module
 */
import Database from "libsql";
import { AppError } from "../../domain/error.ts";
import type { AnyRow, Statement, Value } from "./sql.ts";

/** Where the database is. */
export interface ConnectionOptions {
  /** A file, or `:memory:`. */
  path: string;
  encryptionKey?: string;
  /** How long a lock of another program is waited for, without stopping the event loop; 10 seconds unless told. */
  lockWaitMs?: number;
}

/** How long a statement waits for a lock. It stops the event loop for as long. */
const BUSY_TIMEOUT_MS = 20;
const LOCK_WAIT_MS = 10_000;
const STATEMENTS = 256;

/** `auto_vacuum` only has an effect before the first page is written, so it comes first. */
const PRAGMAS = [
  "auto_vacuum = INCREMENTAL",
  "journal_mode = WAL",
  "synchronous = NORMAL",
  "foreign_keys = OFF",
  "temp_store = MEMORY",
  "cache_size = -4096",
  "wal_autocheckpoint = 1000",
  "journal_size_limit = 16777216",
];

const UNAVAILABLE = /^SQLITE_(FULL|IOERR|READONLY|CANTOPEN|CORRUPT|NOTADB|NOMEM|PROTOCOL|PERM|AUTH)/;

/** The name SQLite has for what went wrong; empty when it wasn't SQLite. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as Error & { code?: unknown }).code : undefined;
  return typeof code === "string" ? code : "";
}

/** Whether another connection holds the lock. */
export function isBusy(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error));
}

/** Whether a row with that key exists already. */
export function isDuplicate(error: unknown): boolean {
  return /^SQLITE_CONSTRAINT_(PRIMARYKEY|UNIQUE|ROWID)/.test(codeOf(error));
}

/** Whether the database can't be used, rather than the statement being wrong. */
export function isUnavailable(error: unknown): boolean {
  return UNAVAILABLE.test(codeOf(error)) || (error instanceof Error && error.message.startsWith("ConnectionFailed"));
}

/** What a caller learns of a database that can't be used. `attempt` says for what. */
export function toUnavailable(attempt: string, error: unknown): AppError {
  const why = isBusy(error) ? "it is locked by another program" : `it reports ${codeOf(error) || "a failure"}`;
  return new AppError("UnavailableError", `Cannot ${attempt} the database: ${why}`, { cause: error, retry_after: 5 });
}

/**
 * A connection that opens at its first use.
 *
 * The addon leaves a prepared statement that met SQLITE_BUSY unfinished, and
 * the connection then acknowledges autocommit writes that never reach the disk.
 * Measured with libsql 0.5.29: so for a prepared `BEGIN IMMEDIATE`, not for a
 * prepared insert or for `exec`; inside an explicit transaction the `COMMIT`
 * fails instead (`tests/scenarios/store_lock_test.ts`). So every write is in a
 * transaction begun and ended by `exec`, and whoever meets a fault calls
 * {@linkcode Connection.reset} before the next statement.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #statements = new Map<string, Database.Statement>();
  #database: Database.Database | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Whether it is gone once closed. */
  get inMemory(): boolean {
    return this.#options.path === ":memory:";
  }

  /** How long a lock of another program is waited for. */
  get lockWaitMs(): number {
    return this.#options.lockWaitMs ?? LOCK_WAIT_MS;
  }

  /** Whether a transaction is open. */
  get inTransaction(): boolean {
    return this.#database?.inTransaction ?? false;
  }

  /** The rows of `statement`. It is read to its end, so that it holds no lock afterwards. */
  all({ sql, args }: Statement): AnyRow[] {
    return this.#prepare(sql).all(args) as AnyRow[];
  }

  /** Whether `statement` gives a row. It is put back to its beginning, so that it holds no lock afterwards. */
  has({ sql, args }: Statement): boolean {
    return this.#prepare(sql).get(args) !== undefined;
  }

  /** Runs `statement`, which must give no rows, and returns how many rows it changed. */
  run({ sql, args }: Statement): number {
    return this.#prepare(sql).run(args).changes;
  }

  /** Runs `sql` to its end, ignoring rows. */
  exec(sql: string): void {
    this.#open().exec(sql);
  }

  /** Ends an open transaction without a trace. */
  rollback(): void {
    if (this.inTransaction) this.exec("ROLLBACK");
  }

  /** Closes what may be damaged; the next use opens it again. What is only in memory is kept. */
  reset(): void {
    if (this.inMemory) return this.rollback();
    this.close();
  }

  /** Closes. */
  close(): void {
    const database = this.#database;
    this.#database = undefined;
    this.#statements.clear();
    if (database === undefined) return;
    try {
      // The addon keeps the handle until its statements are collected: an open transaction would keep its lock too.
      if (database.inTransaction) database.exec("ROLLBACK");
    } catch {
      // It is being given up because it fails.
    }
    database.close();
  }

  #open(): Database.Database {
    if (this.#database !== undefined) return this.#database;
    const { path, encryptionKey } = this.#options;
    const database = openDatabase(path, encryptionKey, BUSY_TIMEOUT_MS);
    try {
      for (const pragma of PRAGMAS) database.exec(`PRAGMA ${pragma}`);
    } catch (error) {
      database.close();
      throw error;
    }
    return this.#database = database;
  }

  #prepare(sql: string): Database.Statement {
    const database = this.#open();
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = database.prepare<Value[]>(sql) as unknown as Database.Statement;
    this.#statements.set(sql, statement);
    if (this.#statements.size > STATEMENTS) {
      for (const oldest of this.#statements.keys()) {
        this.#statements.delete(oldest);
        break;
      }
    }
    return statement;
  }
}

/** Opens a database as the addon does. Its published types don't know `encryptionKey`. */
export function openDatabase(path: string, encryptionKey: string | undefined, timeout: number): Database.Database {
  return new Database(path, { timeout, ...encryptionKey !== undefined && { encryptionKey } } as Database.Options);
}
