/**
 * A speech program: started with a vector of arguments, fed, read, and gone at the end.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import { abortable } from "../../kit/abortable.ts";
import type { Clock } from "../../kit/clock.ts";
import { maskSecrets } from "../../kit/log.ts";
import { Patience } from "../../kit/patience.ts";
import { toCancelled } from "./failure.ts";

/** What a program is run with. */
export interface ProgramOptions {
  /** All of its environment. */
  env: Readonly<Record<string, string>>;
  /** How long it may keep us waiting, for what it reads and for what it says once its input has ended. */
  timeout_ms: number;
  clock: Clock;
}

/** Options for {@linkcode runProgram}. */
export interface RunOptions extends ProgramOptions {
  /** The program and its arguments. */
  command: readonly string[];
  input: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** The most it may say, in bytes. */
  max_output: number;
  signal: AbortSignal;
}

const MAX_ERRORS = 400;

/**
 * What `command` says, as it says it. Leaving the loop ends the program and all it started. Throws
 * `ConfigurationError` when it can't be started, `TimeoutError`, and `UpstreamError` when it fails or says too much.
 */
export async function* runProgram(options: RunOptions): AsyncGenerator<Uint8Array, void> {
  const { command, input, max_output, timeout_ms, clock, signal } = options;
  if (signal.aborted) throw toCancelled(signal.reason);
  const name = command[0]!;
  const child = start(options);
  const late = () => new AppError("TimeoutError", `Program "${name}" did not go on within ${timeout_ms} ms`);
  const over = new AbortController();
  const patience = new Patience({ clock, ms: timeout_ms, signal, late });
  const errors = new Tail(child.stderr, over.signal);
  const fed = feed(child.stdin, input, { clock, ms: timeout_ms, signal: over.signal, late });
  fed.catch(() => {});
  const reader = child.stdout.getReader();
  let said = 0;
  try {
    for (;;) {
      const reading = reader.read();
      // Before its input has ended, it need not say anything.
      const { done, value } = await patienceAfter(fed, reading, patience, signal);
      if (done) break;
      said += value.length;
      if (said > max_output) {
        throw new AppError("UpstreamError", `Program "${name}" said more than ${max_output} bytes`);
      }
      yield value;
    }
    const { code, signal: by } = await patience.wait(child.status);
    if (code !== 0) {
      await patience.wait(errors.read).catch(() => {});
      const words = maskSecrets(errors.text.trim());
      throw new AppError(
        "UpstreamError",
        `Program "${name}" failed: ${by ?? `exit code ${code}`}${words === "" ? "" : `: ${words}`}`,
      );
    }
  } catch (error) {
    throw signal.aborted ? toCancelled(signal.reason) : error;
  } finally {
    over.abort(new Error("The program is over"));
    strike(child.pid);
    await reader.cancel().catch(() => {});
    await child.status;
  }
}

function start({ command: [program = "", ...args], env }: RunOptions) {
  try {
    return new Deno.Command(program, {
      args,
      env: { ...env },
      clearEnv: true,
      // A group of its own, so that all of it can be ended at once.
      detached: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (cause) {
    const why = cause instanceof Deno.errors.NotFound ? "it is not installed" : "the system refuses";
    throw new AppError("ConfigurationError", `Cannot start program "${program}": ${why}`, { cause });
  }
}

/** Writes `input`. A program that reads no more has heard enough. */
async function feed(
  stdin: WritableStream<Uint8Array>,
  input: RunOptions["input"],
  { clock, ms, signal, late }: { clock: Clock; ms: number; signal: AbortSignal; late: () => Error },
): Promise<void> {
  const writer = stdin.getWriter();
  writer.closed.catch(() => {});
  const pieces = Symbol.asyncIterator in input ? input[Symbol.asyncIterator]() : input[Symbol.iterator]();
  try {
    for (;;) {
      const { done, value } = await abortable(Promise.resolve(pieces.next()), signal);
      if (done) break;
      const patience = new Patience({ clock, ms, signal, late });
      if (!await patience.wait(writer.write(value).then(() => true, () => false))) return;
    }
    await writer.close().catch(() => {});
  } finally {
    // Nobody waits for it: who gives the input may be waiting for more of it himself.
    Promise.resolve(pieces.return?.()).catch(() => {});
    writer.abort().catch(() => {});
  }
}

/** Waits for `reading`: without end until `fed`, then as long as there is patience. */
async function patienceAfter<T>(
  fed: Promise<void>,
  reading: Promise<T>,
  patience: Patience,
  signal: AbortSignal,
): Promise<T> {
  reading.catch(() => {});
  const stopped = Promise.withResolvers<never>();
  const stop = () => stopped.reject(signal.reason);
  stopped.promise.catch(() => {});
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const first = await Promise.race([reading.then((value) => ({ value })), fed, stopped.promise]);
    if (first !== undefined) return first.value;
  } finally {
    signal.removeEventListener("abort", stop);
  }
  return await patience.wait(reading);
}

/** The end of what a program complains about. */
class Tail {
  /** Resolves when all was read. */
  readonly read: Promise<void>;
  text = "";

  constructor(stream: ReadableStream<Uint8Array>, signal: AbortSignal) {
    const reader = stream.getReader();
    signal.addEventListener("abort", () => reader.cancel().catch(() => {}), { once: true });
    this.read = this.#drain(reader);
    this.read.catch(() => {});
  }

  async #drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      this.text = (this.text + decoder.decode(value, { stream: true })).slice(-MAX_ERRORS);
    }
  }
}

function strike(pid: number): void {
  try {
    Deno.kill(-pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}
