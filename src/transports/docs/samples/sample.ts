/**
 * What code for an operation is made from.
 *
 * @module
 */
import type { Parameter } from "../document.ts";

/** The server's address in all code. The page puts its own in its place. */
export const SERVER = "http://127.0.0.1:8000";

/** An operation, as far as calling it needs. */
export interface Task {
  method: string;
  path: string;
  parameters: readonly Parameter[];
  /** What to send as JSON; absent: nothing. */
  body?: unknown;
  /** Whether a file is sent. */
  upload: boolean;
  /** The name of the file that is answered, if one is. */
  download?: string;
  /** Whether to read events. */
  streams: boolean;
  access: string;
  /** Whether the answer says anything. */
  answers: boolean;
}

/** A {@linkcode Task} as a request. */
export interface Sample extends Omit<Task, "parameters" | "path" | "access"> {
  url: string;
  /** Whether a key is shown. */
  guarded: boolean;
  /** Headers other than the key's. */
  headers: Readonly<Record<string, string>>;
}
