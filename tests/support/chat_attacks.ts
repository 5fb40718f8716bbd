/**
 * What a hostile model or tool may say to a terminal.
 *
 * @module
 */

/** Texts by what they try. */
export const ATTACKS: Readonly<Record<string, string>> = {
  "moves the cursor": "\x1b[5A\x1b[2K",
  "clears the screen": "\x1b[2J\x1b[H",
  "names the window": "\x1b]0;rm -rf\x07",
  "fills the clipboard": "\x1b]52;c;cm0gLXJmIC8=\x07",
  "hides where a link leads": "\x1b]8;;https://evil.example\x1b\\bank\x1b]8;;\x1b\\",
  "asks the terminal to type": "\x1b[c\x1b[6n\x1b]10;?\x07",
  "uses the one-byte forms": "\u009b2J\u009d0;x\u009c\u0090q\u009c",
  "loads keys": "\x1bP$q\x1b\\\x1b_x\x1b\\\x1b^y\x1b\\",
  "switches the character set": "\x0e\x0f\x1b(0",
  "goes back over what was written": "safe\rEVIL\b\b\b",
  "rings and deletes": "\x07\x7f\x00",
  "turns text around": "abc\u202etxt.exe\u202c \u2066x\u2069",
  "breaks lines unseen": "a\u2028b\u2029c",
  "says things unseen": "hi\u{e0041}\u{e0042}\ufeff",
  "is half a character": "\ud800 \udfff",
};

/** What a terminal obeys instead of showing it. */
// deno-lint-ignore no-control-regex -- these are what may not get through
export const OBEYED = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\u{e0000}-\u{e007f}\p{Cs}]/u;
