/**
 * Programs of strangers, held to a policy.
 *
 * @module
 */
import type { CeilingKeeper, SandboxTier } from "../domain/mcp_server.ts";
import type { NamedPolicy, Permission, SandboxProfile } from "../domain/policy.ts";

/** A program to be started. */
export interface Program {
  /** Whose it is: the server's name. */
  name: string;
  command: string;
  args: readonly string[];
  /** All of its environment. */
  env: Readonly<Record<string, string>>;
  cwd?: string;
}

/** How often an access was allowed and denied. */
export interface Decision {
  permission: Permission;
  value: string;
  allowed: number;
  denied: number;
}

/** What became of a program's questions. */
export interface SandboxReport {
  tier: SandboxTier;
  /** The policy's id. */
  policy: string;
  /** What bounds its memory, processes and disk. */
  ceilings: CeilingKeeper[];
  /** What was asked so far, the denied first; the rarest are left out of long lists. */
  decisions(): Decision[];
  /** Whether it can be watched, to learn what it needs. */
  watchable: boolean;
}

/** A person is asked whether a program may do this. */
export interface AccessQuestion {
  permission: Permission;
  value: string;
  /** Such as: read the file "/home/me/notes.txt". */
  words: string;
}

/** Options for {@linkcode Sandbox.start}. */
export interface StartOptions {
  policy: NamedPolicy;
  signal: AbortSignal;
  /** Answers what the policy leaves to a person. Absent: denied. */
  ask?: (question: AccessQuestion, signal: AbortSignal) => Promise<boolean>;
  /** Told when a person allowed what holds from the program's next start on, which whoever started it brings about. */
  onGranted?: () => void;
  /** Told of every denial, in words that say what to allow, so that a failing call can quote them. */
  onDenied?: (words: string) => void;
}

/** A program that runs. */
export interface Process {
  pid: number;
  stdin: WritableStream<Uint8Array>;
  /** A stream of bytes: whoever reads may bring the buffer. */
  stdout: ReadableStream<Uint8Array>;
  /** The last lines of what it said on standard error, for messages. */
  errors(): string;
  report: SandboxReport;
  /** Resolves when it and all it started are gone, with its end in words: `exit code 1`, `killed: memory`. */
  exited: Promise<string>;
  /** Ends it and all it started; asks first, then doesn't. Resolves like `exited`. */
  kill(): Promise<string>;
}

/** What this machine can enforce, for people. */
export interface SandboxAbilities {
  /** For programs in JavaScript, and for all others. */
  javascript: SandboxTier;
  native: SandboxTier;
  /** What bounds what they use up. */
  ceilings: CeilingKeeper[];
  /** What is missing, and what to do about it. */
  notes: string[];
}

/** What comes of watching a program. */
export interface Watching {
  /** The least profile with which it can do the same again. */
  profile: SandboxProfile;
  /** The same, with all that its policy allows so far. */
  merged: SandboxProfile;
  /** What its policy allows and it did not use: `read: /srv`. */
  unused: string[];
  /** What even then it was refused: `net 10.0.0.7:5432`. */
  refused: string[];
  /** What it lacks that no policy can give, and what to do about that. */
  notes: string[];
}

/** Starts programs. */
export interface Sandbox {
  abilities(): Promise<SandboxAbilities>;
  /** Rejects with `McpFailure` of kind `sandbox` where the policy can't be enforced here. */
  start(program: Program, options: StartOptions): Promise<Process>;
  /**
   * Runs `drive` with a program that may read this machine's files but MUXI's data, write to copies of what it was named, and
   * reach the internet, all of it noted. Where there is no box around it, it writes to the files themselves.
   */
  learn(
    program: Program,
    options: { policy: NamedPolicy; signal: AbortSignal; drive: (process: Process) => Promise<void> },
  ): Promise<Watching>;
}
