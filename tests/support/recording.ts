/**
 * What a terminal showed, kept as an asciicast (version 2), which `asciinema play` shows again.
 *
 * @module
 */
import { Screen } from "./screen.ts";

/** A recording. */
export interface Recording {
  columns: number;
  rows: number;
  /** Seconds since the start, and what was written then. */
  pieces: readonly (readonly [number, string])[];
}

/** The file's text. */
export function toAsciicast({ columns, rows, pieces }: Recording, title: string): string {
  const head = { version: 2, width: columns, height: rows, title };
  const lines = pieces.map(([time, text]) => [Number(time.toFixed(3)), "o", text]);
  return [head, ...lines].map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** Reads a file's text. */
export function fromAsciicast(text: string): Recording {
  const [head, ...lines] = text.trimEnd().split("\n").map((line) => JSON.parse(line));
  return { columns: head.width, rows: head.height, pieces: lines.map(([time, , data]) => [time, data]) };
}

/** What it ends with on the screen and above, without what differs each time. */
export function lastScreen({ columns, rows, pieces }: Recording): string[] {
  const screen = new Screen({ columns, rows });
  screen.write(pieces.map(([, text]) => text).join(""));
  return screen.lines().map(toStable);
}

/** `line` without ids, ports and durations. */
export function toStable(line: string): string {
  return line.replaceAll(/\b(run|conv|tool|msg)_[0-9a-z]+/g, "$1_…")
    .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:…")
    .replaceAll(/· \d+(?:\.\d+)? m?s\b/g, "· … s");
}
