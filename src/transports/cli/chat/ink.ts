/**
 * How text looks: marks, and the terminal's codes for them.
 *
 * @module
 */

/** What a piece of text may be, to be added up. */
export const MARK = { bold: 1, dim: 2, italic: 4, underline: 8, strike: 16, cyan: 32, green: 64, red: 128 } as const;

const CODES: readonly (readonly [number, number])[] = [
  [MARK.bold, 1],
  [MARK.dim, 2],
  [MARK.italic, 3],
  [MARK.underline, 4],
  [MARK.strike, 9],
  [MARK.cyan, 36],
  [MARK.green, 32],
  [MARK.red, 31],
];

/** Gives text its marks, or leaves it as it is. */
export type Paint = (text: string, marks: number) => string;

/** A {@linkcode Paint} with or without colours. */
export function createPaint(color: boolean): Paint {
  return (text, marks) => {
    if (!color || marks === 0 || text === "") return text;
    const codes = CODES.filter(([mark]) => marks & mark).map(([, code]) => code);
    return `\x1b[${codes.join(";")}m${text}\x1b[0m`;
  };
}
