/**
 * What commands have done that the command line can't do itself.
 *
 * @module
 */
import type { Check } from "./check.ts";
import type { Connection, ConnectOptions, OpenConnection } from "./connection.ts";
import type { GivenSettings } from "./given.ts";

/** Told while something long goes on. */
export type OnProgress = (progress: { name: string; done: number; total: number }) => void;

/** How a backup or a restore went. */
export interface CopyReport {
  /** Where it went. */
  path: string;
  files: number;
  bytes: number;
  /** Where what was there before is now. */
  moved_to?: string | undefined;
}

/** The settings in force. */
export interface ConfigReport {
  /** As YAML, with the origin of each. */
  text: string;
  /** Secrets masked. */
  settings: unknown;
  origins: Readonly<Record<string, string>>;
  file: string | null;
}

/** What the commands do. Each throws `AppError`. */
export interface Verbs {
  /** Resolves when the server has stopped. */
  serve(given: GivenSettings): Promise<void>;
  configPrint(given: GivenSettings): Promise<ConfigReport>;
  /** Resolves when nothing is wrong, with what a person should know. */
  configCheck(given: GivenSettings): Promise<{ file: string | null; notes: string[] }>;
  backup(given: GivenSettings, options: { dest: string; onProgress: OnProgress }): Promise<CopyReport>;
  restore(
    given: GivenSettings,
    options: { src: string; force: boolean; onProgress: OnProgress },
  ): Promise<CopyReport>;
  /** The OpenAPI document. */
  openapi(given: GivenSettings): Promise<unknown>;
  /** How everything is that this machine needs. */
  diagnose(given: GivenSettings): Promise<Check[]>;
  /** Opens the way to the operations. */
  connect(given: GivenSettings, options: ConnectOptions): Promise<OpenConnection>;
  /** Speaks MCP on standard input and output until the input ends. With `admin`, the host may do what an admin may. */
  mcpServe(connection: Connection, options: { admin: boolean; signal: AbortSignal }): Promise<void>;
}
