/**
 * A program that was started: its streams, its ceilings, its end.
 *
 * @module
 */
import { McpFailure } from "../../domain/mcp_server.ts";
import type { SandboxProfile } from "../../domain/policy.ts";
import { type Clock, sleep } from "../../kit/clock.ts";
import type { Process, SandboxReport } from "../../ports/sandbox.ts";
import { watchCeilings } from "./ceilings.ts";
import { beginningOf, firstOf, hasOwnProcesses, processesOf } from "./ceilings_usage.ts";
import type { Confined } from "./confine.ts";
import { devicesOf, unlinkedBytes } from "./disk_unlinked.ts";
import { watchDisk } from "./disk_watch.ts";
import { ErrorTail } from "./native_errors.ts";

/** Options for {@linkcode runConfined}. */
export interface RunOptions {
  /** The server's name. */
  name: string;
  report: SandboxReport;
  profile: SandboxProfile;
  /** Whether `confined` is in a box of its own. */
  boxed: boolean;
  clock: Clock;
  /** Ends it. */
  signal: AbortSignal;
}

/** How long it may take to end when asked, and again when told. */
const GRACE_MS = 1_000;
const GONE_MS = 5;
const FIRST_MS = 2;
/** How many open files are looked at in one look at the disk: those of 16 processes that have all they may. */
const OPEN_FILES = 16_384;
/** From the kernel, for writing more to a file than may be in one. */
const FILE_FULL = "SIGXFSZ";
const SIGNALS: Record<number, string> = {
  1: "SIGHUP",
  2: "SIGINT",
  6: "SIGABRT",
  9: "SIGKILL",
  11: "SIGSEGV",
  15: "SIGTERM",
  25: FILE_FULL,
};

/** Starts what {@linkcode confine} made, and takes it down at its end. */
export async function runConfined(confined: Confined, options: RunOptions): Promise<Process> {
  options.signal.throwIfAborted();
  try {
    return new ConfinedProcess(spawn(confined), confined, options);
  } catch (cause) {
    await confined.dispose();
    const missing = cause instanceof Deno.errors.NotFound;
    const why = missing ? `"${confined.command}" or its folder is not there` : "the system refuses";
    throw new McpFailure("unreachable", `Cannot start "${options.name}": ${why}`, { sent: false, cause });
  }
}

function spawn({ command, args, env, cwd }: Confined) {
  return new Deno.Command(command, {
    args,
    env,
    cwd,
    clearEnv: true,
    // A group of its own, so that all of it can be ended at once.
    detached: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

class ConfinedProcess implements Process {
  readonly pid: number;
  readonly stdin: WritableStream<Uint8Array>;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly report: SandboxReport;
  readonly exited: Promise<string>;
  readonly #child: ReturnType<typeof spawn>;
  readonly #options: RunOptions;
  readonly #errors = new ErrorTail();
  readonly #over = new AbortController();
  #first: { pid: number; beginning: string } | undefined;
  #mounted = false;
  #killed: string | undefined;
  #ending: Promise<string> | undefined;

  constructor(child: ReturnType<typeof spawn>, confined: Confined, options: RunOptions) {
    this.#child = child;
    this.#options = options;
    this.pid = child.pid;
    this.stdin = child.stdin;
    this.stdout = child.stdout;
    this.report = options.report;
    this.exited = this.#watch(confined);
  }

  errors(): string {
    return this.#errors.text();
  }

  kill(): Promise<string> {
    return this.#ending ??= this.#end();
  }

  /** From the start to the end of everything. */
  async #watch(confined: Confined): Promise<string> {
    const { clock, profile, signal, boxed } = this.#options;
    const stop = () => void this.kill();
    signal.addEventListener("abort", stop, { once: true });
    const errors = this.#errors.drain(this.#child.stderr);
    using _ceilings = watchCeilings(
      { pid: this.pid, first: () => this.#first?.pid, profile, overhead: confined.overhead },
      clock,
      (ceiling) => {
        this.#killed ??= ceiling;
        this.#strike();
      },
    );
    const unlinked = (enough: number) => this.#unlinked(confined.scratch, enough);
    const disk = { most: profile.disk_mb * 2 ** 20, unlinked, clock };
    using _disk = watchDisk(confined.disk, disk, () => {
      this.#killed ??= "disk";
      this.#strike();
    });
    const found = boxed ? this.#findFirst() : undefined;
    const { code, signal: by } = await this.#child.status;
    this.#over.abort();
    signal.removeEventListener("abort", stop);
    await found;
    this.#strike();
    await this.#gone();
    await errors;
    await confined.dispose();
    if (this.#killed !== undefined) return `killed: ${this.#killed}`;
    // Bubblewrap tells of a signal as the shell does.
    const signalled = by ?? (boxed && code > 128 ? SIGNALS[code - 128] ?? `signal ${code - 128}` : undefined);
    if (signalled === FILE_FULL) return "killed: disk";
    return signalled ?? `exit code ${code}`;
  }

  async #unlinked(scratch: readonly string[], enough: number): Promise<number> {
    const first = this.#first?.pid;
    // Until its box has mounted it, the list of processes is the machine's own.
    this.#mounted ||= first !== undefined && hasOwnProcesses(first);
    if (this.#options.boxed && !this.#mounted) return 0;
    const apart = first === undefined ? new Set<number>() : await devicesOf(`/proc/${first}/root`, scratch);
    return await unlinkedBytes(processesOf(this.pid, first), { apart, enough, files: OPEN_FILES });
  }

  /** The box's first process, which is the last to go. */
  async #findFirst(): Promise<void> {
    while (this.#first === undefined && !this.#over.signal.aborted) {
      const pid = firstOf(this.pid);
      const beginning = pid === undefined ? undefined : beginningOf(pid);
      if (pid !== undefined && beginning !== undefined) this.#first = { pid, beginning };
      else await sleep(this.#options.clock, FIRST_MS, this.#over.signal).catch(() => {});
    }
  }

  async #gone(): Promise<void> {
    while (this.#first !== undefined && beginningOf(this.#first.pid) === this.#first.beginning) {
      // Our own process must not end before its guest is gone, so this timer, unlike the clock's, keeps it alive.
      await new Promise((resolve) => setTimeout(resolve, GONE_MS));
    }
  }

  /** Asks by the end of its input, then by a signal, then no more. */
  async #end(): Promise<string> {
    const { clock } = this.#options;
    const patience = async () => {
      await Promise.race([this.#child.status, sleep(clock, GRACE_MS, this.#over.signal).catch(() => {})]);
      return this.#over.signal.aborted;
    };
    this.stdin.close().catch(() => {});
    if (!await patience()) {
      this.#signal("SIGTERM");
      if (!await patience()) this.#strike();
    }
    const end = await this.exited;
    if (!this.stdout.locked) await this.stdout.cancel().catch(() => {});
    return end;
  }

  /** To the program itself: bubblewrap would leave at once, and take it down without a word. */
  #signal(signal: Deno.Signal): void {
    const program = this.#first === undefined ? undefined : firstOf(this.#first.pid);
    send(program ?? -this.pid, signal);
  }

  /** Ends all of it. The kernel ends a box with its first process, whatever left the group. */
  #strike(): void {
    if (this.#first !== undefined && beginningOf(this.#first.pid) === this.#first.beginning) {
      send(this.#first.pid, "SIGKILL");
    }
    send(-this.pid, "SIGKILL");
  }
}

function send(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch {
    // It has ended.
  }
}
