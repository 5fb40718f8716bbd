/**
 * What a program in JavaScript may do: its policy, and what it can't do without.
 *
 * @module
 */
import type { Permission } from "../../domain/policy.ts";

/** Plain data, so that it reaches the Worker that decides. Paths are real. */
export interface Rules {
  /** The server's name, and the policy's id. */
  server: string;
  policy: string;
  /** Whether other servers are held to the policy, too. */
  shared: boolean;
  /** Whether a box is around it, which sees to what the broker can't. */
  boxed: boolean;
  read: readonly string[];
  write: readonly string[];
  /** What it needs in order to run: its code, and a place for temporary files. */
  own_read: readonly string[];
  own_write: readonly string[];
  /** Folders of its packages, which stay as they were fetched. */
  packages: readonly string[];
  /** Folders of its code, which Node looks at before it looks for what is in them. */
  own_folders: readonly string[];
  /** Folders that the operator named to it while it is watched: to be noted, wherever they lie. */
  named: readonly string[];
  /** Never, whatever the policy says. */
  hidden: readonly string[];
  net: readonly string[];
  /** Addresses of our own, through which it reaches the network: `127.0.0.1:3128`. */
  relays: readonly string[];
  sys: readonly string[];
  run: boolean;
  ffi: boolean;
  ask: readonly ("read" | "write" | "net")[];
  /** Whether everything but the hidden is allowed, to see what it needs. */
  learning: boolean;
  /** Where it started. */
  cwd: string;
  /** Whether the file system takes "A" and "a" for the same. */
  fold_case: boolean;
}

/** A question of Deno's, as it arrives. */
export interface Question {
  pid: number;
  id: number;
  permission: Permission;
  value: string | null;
}

/** What becomes of a question. */
export interface Ruling {
  permission: Permission;
  /** What it is about, resolved, for counting and for people. Empty: not worth counting. */
  value: string;
  verdict: "allow" | "ask" | "deny";
  /** Of a denial, and of a question to a person. */
  words: string;
}
