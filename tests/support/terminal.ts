/**
 * A terminal in memory.
 *
 * @module
 */
import { type Terminal } from "../../src/transports/cli/terminal.ts";

/** Options of {@linkcode fakeTerminal}. */
export interface FakeTerminalOptions {
  /** Whether all three are terminals. */
  isTerminal?: boolean;
  columns?: number;
  /** What the standard input holds. */
  input?: string;
}

/** A terminal that keeps what it was told. */
export interface FakeTerminal extends Terminal {
  /** Everything on the standard output, as text. */
  readonly shown: string;
  /** Everything on the standard error. */
  readonly complaints: string;
  /** Presses Ctrl-C. False when nobody heard it, and the process would have ended. */
  interrupt(): boolean;
}

/** Makes one; without options it stands for pipes. */
export function fakeTerminal({ isTerminal = false, columns = 80, input = "" }: FakeTerminalOptions = {}): FakeTerminal {
  const decoder = new TextDecoder();
  const handlers: (() => void)[] = [];
  let [shown, complaints] = ["", ""];
  return {
    isTerminal: { in: isTerminal, out: isTerminal, err: isTerminal },
    out: (content) => shown += typeof content === "string" ? content : decoder.decode(content),
    err: (text) => complaints += text,
    columns: () => columns,
    rows: () => 24,
    input: () => new Blob([input]).stream() as ReadableStream<Uint8Array>,
    setRaw: () => {},
    onInterrupt(handler) {
      const entry = () => handler();
      handlers.push(entry);
      return { [Symbol.dispose]: () => void (handlers.includes(entry) && handlers.splice(handlers.indexOf(entry), 1)) };
    },
    onResize: () => ({ [Symbol.dispose]: () => {} }),
    get shown() {
      return shown;
    },
    get complaints() {
      return complaints;
    },
    interrupt() {
      handlers.at(-1)?.();
      return handlers.length > 0;
    },
  };
}
