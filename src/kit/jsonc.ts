/**
 * JSON as people keep it: with comments, and commas behind the last.
 *
 * @module
 */

const COMMENTS = /"(?:\\.|[^"\\])*"|\/\/[^\n\r]*|\/\*[^]*?\*\//g;
const COMMAS = /"(?:\\.|[^"\\])*"|,(?=\s*[}\]])/g;

/** Reads `text`. Throws `SyntaxError`, with the place as it is in `text`. */
export function parseJsonc(text: string): unknown {
  // What is left out leaves as much space, so that places stay.
  const blank = (part: string) => part.startsWith('"') ? part : part.replaceAll(/[^\n\r]/g, " ");
  return JSON.parse(text.replace(/^\uFEFF/, " ").replace(COMMENTS, blank).replace(COMMAS, blank));
}
