import { strict as assert } from "node:assert";
import { createPaint } from "../../src/transports/cli/chat/ink.ts";
import { Markdown } from "../../src/transports/cli/chat/markdown.ts";
import { widthOf } from "../../src/transports/cli/chat/text_width.ts";
import { ATTACKS, OBEYED } from "../support/chat_attacks.ts";
import { pickSeed, Random } from "../support/random.ts";

function drawn(text: string, { width = 40, color = false } = {}): string[] {
  const markdown = new Markdown({ width: () => width, paint: createPaint(color) });
  markdown.push(text);
  markdown.end();
  return markdown.take();
}

Deno.test("headings, emphasis, code and links are shown by how they look", () => {
  const text =
    "# One\nSome **bold**, *italic*, ~~gone~~ and `a  b`, a [link](https://x.org/a_(b)) and <https://y.org>.";
  assert.deepEqual(drawn(text, { width: 200, color: true }), [
    "\x1b[1;4;36mOne\x1b[0m",
    "",
    "Some \x1b[1mbold\x1b[0m, \x1b[3mitalic\x1b[0m, \x1b[9mgone\x1b[0m and \x1b[36ma  b\x1b[0m, a " +
    "\x1b[4mlink\x1b[0m\x1b[2m (https://x.org/a_(b))\x1b[0m and \x1b[4mhttps://y.org\x1b[0m.",
  ]);
});

Deno.test("what only looks like a mark stays text", () => {
  for (
    const text of [
      "5 * 3 * 2",
      "snake_case_name",
      "a ** b",
      "2 < 3",
      "[1] and [2]",
      "not closed **here",
      "`never",
      "a!b",
      "~one~",
    ]
  ) assert.deepEqual(drawn(text), [text]);
  assert.deepEqual(drawn("\\*no\\* \\# 1\\. \\`x\\`"), ["*no* # 1. `x`"]);
});

Deno.test("where a link leads is always seen", () => {
  assert.deepEqual(drawn("[https://bank.example](https://evil.example)"), [
    "https://bank.example",
    "(https://evil.example)",
  ]);
  assert.deepEqual(drawn("[https://a.example](https://a.example)"), ["https://a.example"]);
  assert.deepEqual(drawn("![a picture](https://p.example/1.png)"), ["a picture (https://p.example/1.png)"]);
});

Deno.test("lists, quotes and rules keep their shape when they are broken", () => {
  const text =
    "- one that is longer than the line has room\n  - [x] two\n    more\n1. three\n> quoted text, longer than the line has room\n\n---\nend";
  assert.deepEqual(drawn(text, { width: 24 }), [
    "• one that is longer",
    "  than the line has room",
    "  ☑ two",
    "    more",
    "1. three",
    "▌ quoted text, longer",
    "▌ than the line has room",
    "",
    "────────────────────────",
    "",
    "end",
  ]);
});

Deno.test("fenced code has a frame and keeps its spaces", () => {
  assert.deepEqual(drawn("before\n```ts\nif (x) {\n    y(`**`);\n\n}\n```\nafter"), [
    "before",
    "",
    "╭─ ts",
    "│ if (x) {",
    "│     y(`**`);",
    "│ ",
    "│ }",
    "╰─",
    "",
    "after",
  ]);
  assert.deepEqual(drawn("1. do\n   ```\n   x\n   ```"), ["1. do", "   ╭─", "   │ x", "   ╰─"]);
  assert.deepEqual(drawn("```\nnever closed"), ["╭─", "│ never closed", "╰─"]);
});

Deno.test("tables fit the width there is", () => {
  const text =
    "| Name | Count | Meaning |\n|:--|--:|:-:|\n| 漢字 | 3 | a `x|y` |\n| pears | 12 | fruit that grows on trees |";
  assert.deepEqual(drawn(text, { width: 36 }), [
    "Name  │ Count │       Meaning",
    "──────┼───────┼─────────────────────",
    "漢字  │     3 │        a x|y",
    "pears │    12 │ fruit that grows on",
    "      │       │        trees",
  ]);
  assert.deepEqual(drawn(text, { width: 14 }), [
    "Name: 漢字",
    "Count: 3",
    "Meaning: a x|y",
    "",
    "Name: pears",
    "Count: 12",
    "Meaning: fruit",
    "that grows on",
    "trees",
  ]);
});

Deno.test("a long table is shown before its end", () => {
  const markdown = new Markdown({ width: () => 40, paint: createPaint(false) });
  markdown.push("| n |\n|---|\n" + "| 1 |\n".repeat(100));
  assert.ok(markdown.take().length > 90);
});

/** Pieces that mean something next to each other. */
const PIECES = [
  ..."**|*|_|`|```\n|\n|\n\n|- |1. |> |# |[x](http://y.z) |[|](|~~|---\n|\\|  |***|<http://a.b>|!".split("|"),
  "| a | b |\n",
  "|--|--|\n",
  "word ",
  "longer words in a row ",
  "漢字",
  "👍🏽",
  "e\u0301",
  "snake_case ",
  ...Object.values(ATTACKS),
];

Deno.test("however the text is cut into pieces, the same lines come of it, and none is too wide", () => {
  const seed = pickSeed();
  const random = new Random(seed);
  for (let round = 0; round < 400; round++) {
    const text = Array.from({ length: 5 + random.whole(0, 39) }, () => random.pick(PIECES)).join("");
    const width = 16 + random.whole(0, 49);
    const whole = drawn(text, { width, color: true });
    const markdown = new Markdown({ width: () => width, paint: createPaint(true) });
    const lines: string[] = [];
    for (let at = 0; at < text.length;) {
      const size = 1 + random.whole(0, 5);
      markdown.push(text.slice(at, at + size));
      markdown.preview();
      lines.push(...markdown.take());
      at += size;
    }
    markdown.end();
    lines.push(...markdown.take());
    assert.deepEqual(lines, whole, JSON.stringify({ seed, text, width }));
    for (const line of whole) {
      // deno-lint-ignore no-control-regex -- our own colours
      assert.ok(widthOf(line.replaceAll(/\x1b\[[\d;]*m/g, "")) <= width, `${width}: ${JSON.stringify(line)}`);
    }
  }
});

Deno.test("no attack gets through Markdown, wherever it hides", () => {
  const places = [
    "X",
    "# X",
    "**X**",
    "`X`",
    "```X\nX\n```",
    "- X",
    "> X",
    "[X](X)",
    "<http://X>",
    "| X |\n|---|\n| X |",
  ];
  for (const [what, attack] of Object.entries(ATTACKS)) {
    for (const place of places) {
      const lines = drawn(place.replaceAll("X", attack), { width: 200, color: true }).join("\n");
      // deno-lint-ignore no-control-regex -- only our own colours may be there
      const rest = lines.replaceAll(/\x1b\[[\d;]+m/g, "");
      assert.doesNotMatch(rest, OBEYED, `${what} in ${place}`);
    }
  }
});

Deno.test("what is growing is shown as it will be", () => {
  const markdown = new Markdown({ width: () => 40, paint: createPaint(true) });
  markdown.push("Some **bold te");
  assert.deepEqual(markdown.preview(), ["Some \x1b[1mbold te\x1b[0m"]);
  assert.deepEqual(markdown.take(), []);
  markdown.push("xt** and\n- it");
  assert.deepEqual(markdown.take(), ["Some \x1b[1mbold text\x1b[0m and"]);
  assert.deepEqual(markdown.preview(), ["\x1b[36m•\x1b[0m it"]);
});

Deno.test("a line without an end costs no more than its length", () => {
  const markdown = new Markdown({ width: () => 80, paint: createPaint(false) });
  let held = 0;
  for (let i = 0; i < 1000; i++) {
    markdown.push("**never closed `word ");
    markdown.take();
    held = Math.max(held, markdown.preview().length);
  }
  // What is drawn anew each time is bounded, however long the line.
  assert.ok(held <= 40, String(held));
});
