/**
 * This process's own terminal.
 *
 * @module
 */
import { OutputClosed, type Terminal } from "./terminal.ts";

const encoder = new TextEncoder();
const COLUMNS = 80;

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
    columns() {
      try {
        return Deno.consoleSize().columns || COLUMNS;
      } catch {
        return COLUMNS;
      }
    },
    input: () => Deno.stdin.readable,
    setRaw: (raw) => Deno.stdin.setRaw(raw),
    onInterrupt: createInterrupts(),
    onResize: (handler) => hear("SIGWINCH", handler),
  };
}
