/**
 * Where the command line reads and writes, as commands see it.
 *
 * @module
 */

/** Somebody's terminal, or the pipes and files that stand in for one. */
export interface Terminal {
  /** Which of the three are terminals, for a person to read and write. */
  isTerminal: { in: boolean; out: boolean; err: boolean };
  /** Writes to the standard output, whole. Throws {@linkcode OutputClosed} when nobody reads it any more. */
  out(text: string | Uint8Array): void;
  /** Writes to the standard error. */
  err(text: string): void;
  /** How many cells a line has; 80 where nobody can tell. */
  columns(): number;
  /** How many lines it shows at once; 24 where nobody can tell. */
  rows(): number;
  /** The bytes of the standard input. There is one, so only one may read it. */
  input(): ReadableStream<Uint8Array>;
  /** Whether keys arrive one by one and unshown, instead of in lines. Only where the input is a terminal. */
  setRaw(raw: boolean): void;
  /**
   * Hears Ctrl-C instead of whoever heard it before, until disposed. When nobody
   * hears it, it ends the process, as everywhere.
   */
  onInterrupt(handler: () => void): Disposable;
  /** Hears that the width changed, until disposed. */
  onResize(handler: () => void): Disposable;
}

/** Nobody reads the output any more, such as behind `| head -1`. Ends the command without a word. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}

/** The whole of the standard input as text, or `undefined` where it is more than `max_bytes`. */
export async function readInput(terminal: Terminal, max_bytes: number): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let [text, size] = ["", 0];
  for await (const bytes of terminal.input()) {
    size += bytes.length;
    if (size > max_bytes) return undefined;
    text += decoder.decode(bytes, { stream: true });
  }
  return text + decoder.decode();
}
