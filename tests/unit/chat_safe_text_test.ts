import { strict as assert } from "node:assert";
import { toSafe, toSafeJson, toSafeLine } from "../../src/transports/cli/chat/safe_text.ts";
import { ATTACKS, OBEYED } from "../support/chat_attacks.ts";
import { cutTo, widthOf } from "../../src/transports/cli/chat/text_width.ts";

Deno.test("nothing that a terminal obeys gets through", () => {
  for (const [what, text] of Object.entries(ATTACKS)) {
    assert.doesNotMatch(toSafe(text), OBEYED, what);
    assert.doesNotMatch(toSafeLine(text), OBEYED, what);
    const json = toSafeJson({ text });
    assert.doesNotMatch(json, OBEYED, what);
    assert.equal(JSON.parse(json).text, text, what);
  }
});

Deno.test("what was taken out can be seen", () => {
  assert.equal(toSafe("\x1b[2J\x7f\u009b"), "␛[2J␡�");
  assert.equal(toSafe("a\tb\nc"), "a    b\nc");
  assert.equal(toSafeLine("  a \n b\t c "), "a b c");
});

Deno.test("letters of every script stay as they are", () => {
  for (const text of ["naïve", "漢字かな한글", "עברית", "👩‍👩‍👧 👍🏽 🇩🇪", "e\u0301", "क्षि", "🏴"]) {
    assert.equal(toSafe(text), text);
  }
});

Deno.test("a pile of marks does not cover the lines around", () => {
  assert.equal(toSafe(`a${"\u0301".repeat(500)}b`), `a${"\u0301".repeat(8)}b`);
});

Deno.test("widths are those of a terminal", () => {
  const widths = {
    "": 0,
    abc: 3,
    "漢字": 4,
    "ｶﾅ": 2,
    "한글": 4,
    "e\u0301": 1,
    "👍🏽": 2,
    "👩‍👩‍👧": 2,
    "🇩🇪": 2,
    "❤️": 2,
    "─│": 2,
    "！": 2,
  };
  for (const [text, width] of Object.entries(widths)) assert.equal(widthOf(text), width, text);
});

Deno.test("a text is cut between characters, and says so", () => {
  assert.equal(cutTo("abcdef", 6), "abcdef");
  assert.equal(cutTo("abcdefg", 6), "abcde…");
  assert.equal(cutTo("漢字漢字", 6), "漢字…");
});
