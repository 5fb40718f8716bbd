/**
 * Keeping texts so that whoever finds them can't read them.
 *
 * @module
 */

/** Seals texts with a key that is kept somewhere else. */
export interface Sealer {
  seal(text: string): Promise<string>;
  /** The text; undefined when it was sealed with another key. */
  open(sealed: string): Promise<string | undefined>;
}
