/**
 * This process's own terminal.
 *
 * @module
 */
import { OutputClosed, type Terminal } from "./terminal.ts";

const encoder = new TextEncoder();
const SIZE = { columns: 80, rows: 24 };
/** Signals that end the process, and the numbers that shells add to 128 for them. */
const ENDINGS = [["SIGTERM", 15], ["SIGHUP", 1]] as const;

/** Writes all of `content`, however little goes at a time. */
function writeAll(to: { writeSync(bytes: Uint8Array): number }, content: string | Uint8Array): void {
  let left = typeof content === "string" ? encoder.encode(content) : content;
  while (left.length > 0) {
    try {
      left = left.subarray(to.writeSync(left));
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe) throw new OutputClosed();
      // The other end is a pipe that takes no more at the moment, and was opened not to wait.
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

function hear(signal: Deno.Signal, handler: () => void): Disposable {
  Deno.addSignalListener(signal, handler);
  return { [Symbol.dispose]: () => Deno.removeSignalListener(signal, handler) };
}

/** Calls only the newest of the handlers, and hears nothing while there is none. */
function createInterrupts(): (handler: () => void) => Disposable {
  const handlers: { call: () => void }[] = [];
  let heard: Disposable | undefined;
  return (handler) => {
    const entry = { call: handler };
    handlers.push(entry);
    heard ??= hear("SIGINT", () => handlers.at(-1)?.call());
    return {
      [Symbol.dispose]() {
        const at = handlers.indexOf(entry);
        if (at >= 0) handlers.splice(at, 1);
        if (handlers.length > 0) return;
        heard?.[Symbol.dispose]();
        heard = undefined;
      },
    };
  };
}

/** How large the terminal is. */
function sizeOf(): { columns: number; rows: number } {
  try {
    const { columns, rows } = Deno.consoleSize();
    return { columns: columns || SIZE.columns, rows: rows || SIZE.rows };
  } catch {
    return SIZE;
  }
}

/** Switches raw mode, and leaves nobody a terminal in it: not even a process that is told to end. */
function createRawSwitch(): (raw: boolean) => void {
  let heard: Disposable[] = [];
  return (raw) => {
    Deno.stdin.setRaw(raw);
    for (const one of heard) one[Symbol.dispose]();
    heard = raw
      ? ENDINGS.map(([signal, number]) =>
        hear(signal, () => {
          Deno.stdin.setRaw(false);
          Deno.exit(128 + number);
        })
      )
      : [];
  };
}

/** The terminal, pipes or files that this process was started with. */
export function createTerminal(): Terminal {
  return {
    isTerminal: {
      in: Deno.stdin.isTerminal(),
      out: Deno.stdout.isTerminal(),
      err: Deno.stderr.isTerminal(),
    },
    out: (content) => writeAll(Deno.stdout, content),
    err(text) {
      try {
        writeAll(Deno.stderr, text);
      } catch (error) {
        // Who closed the place for complaints wants none.
        if (!(error instanceof OutputClosed)) throw error;
      }
    },
    columns: () => sizeOf().columns,
    rows: () => sizeOf().rows,
    input: () => Deno.stdin.readable,
    setRaw: createRawSwitch(),
    onInterrupt: createInterrupts(),
    onResize: (handler) => hear("SIGWINCH", handler),
  };
}
