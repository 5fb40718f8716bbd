/**
 * Telling whoever reads a test's output what was measured.
 *
 * @module
 */

const encoder = new TextEncoder();

/** Writes `text` to the test's output. */
export function note(text: string): void {
  Deno.stdout.writeSync(encoder.encode(`${text}\n`));
}
