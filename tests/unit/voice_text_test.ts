/**
 * From what a model writes to what is said, and back to what was heard.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { isBackchannel } from "../../src/core/voice/backchannel.ts";
import { countWords, cutText, wordEnd, wordStart } from "../../src/core/voice/heard_words.ts";
import { toSayable } from "../../src/core/voice/sayable.ts";
import { Sentences } from "../../src/core/voice/sentences.ts";

/** The sentences of a text, whichever pieces it comes in. */
function sentencesOf(text: string): string[] {
  const cut = (size: number) => {
    const sentences = new Sentences();
    const found = [];
    for (let at = 0; at < text.length; at += size) found.push(...sentences.push(text.slice(at, at + size)));
    found.push(...sentences.flush());
    assert.equal(found.map(({ raw }) => raw).join(""), text, "nothing is lost");
    assert.ok(found.every(({ raw, from, to }) => text.slice(from, to) === raw));
    return found.map(({ text }) => text).filter((text) => text !== "");
  };
  const whole = cut(text.length);
  for (const size of [1, 2, 3, 7]) assert.deepEqual(cut(size), whole, `in pieces of ${size}`);
  return whole;
}

const CUTS: Record<string, string[]> = {
  "Hello. How are you? Fine!": ["Hello.", "How are you?", "Fine!"],
  "Mr. Smith paid 3.50 dollars, e.g. at 5 p.m. in U.S. stores. Then J. Smith came.": [
    "Mr. Smith paid 3.50 dollars, e.g. at 5 p.m. in U.S. stores.",
    "Then J. Smith came.",
  ],
  "So do I. She left at 5 p.m. Then it rained.": ["So do I.", "She left at 5 p.m.", "Then it rained."],
  "It costs 20. Then more. No. 5 is alive.": ["It costs 20.", "Then more.", "No. 5 is alive."],
  "Version 2.4.1 is at example.com now. Wait... what?": ["Version 2.4.1 is at example.com now.", "Wait... what?"],
  'He said "Stop!" and left. "Really?" She nodded.': ['He said "Stop!" and left.', '"Really?"', "She nodded."],
  "1. First\n2. Second\n\n- third": ["1. First", "2. Second", "third"],
  "Das ist z. B. gut. Am 3. Mai kommt Dr. Müller usw. Danach nicht.": [
    "Das ist z. B. gut.",
    "Am 3. Mai kommt Dr. Müller usw.",
    "Danach nicht.",
  ],
  "Bonjour M. Dupont. Ça va ?": ["Bonjour M. Dupont.", "Ça va?"],
  "¿Qué tal? Vive en la Av. Central.": ["¿Qué tal?", "Vive en la Av. Central."],
  "今日は晴れです。「そうですか？」はい。": ["今日は晴れです。", "「そうですか？」", "はい。"],
  "你好！再见。": ["你好！", "再见。"],
  "सब ठीक है। धन्यवाद।": ["सब ठीक है।", "धन्यवाद।"],
  "كيف حالك؟ بخير.": ["كيف حالك؟", "بخير."],
  "Это т. е. просто. Да.": ["Это т. е. просто.", "Да."],
  "Τι κάνεις; Καλά.": ["Τι κάνεις;", "Καλά."],
  "First; second.": ["First; second."],
  "So: ```sh\nrm -r. x\n``` Not said.": ["So:", "Not said."],
  "See:\n```ts\nconst a = 1. b;\n```\nThat is it.": ["See:", "That is it."],
};

for (const [text, sentences] of Object.entries(CUTS)) {
  Deno.test(`"${text.replaceAll("\n", "⏎")}" is cut into sentences`, () => {
    assert.deepEqual(sentencesOf(text), sentences);
  });
}

Deno.test("a sentence that goes on and on is parted, at a comma where there is one", () => {
  const long = `${"word ".repeat(30)}, ${"more ".repeat(30)}`;
  const parts = sentencesOf(long);
  assert.ok(parts.length > 1);
  assert.ok(parts[0]!.endsWith(","));
  assert.ok(sentencesOf("x ".repeat(2000)).every((part) => part.length <= 400));
  assert.ok(sentencesOf("x".repeat(2000)).every((part) => part.length <= 400));
});

const SAID: Record<string, string> = {
  "**Bold**, *it*, __under__, ~~gone~~ and `code`": "Bold, it, under, gone and code",
  "# Title": "Title",
  "> - [x] a quote": "a quote",
  "See [our site](https://example.com/a?b=c) or https://www.example.org/x/y. Bye": "See our site or example.org. Bye",
  "![A cat](cat.png) sits": "A cat sits",
  "snake_case stays, 2 * 3 * 4 too": "snake_case stays, 2 * 3 * 4 too",
  "Great 🎉👍🏽 🇩🇪!": "Great!",
  "| a | b |": "a, b",
  "|---|:-:|": "",
  "---": "",
  "a &amp; b<br>c": "a & b c",
  "🎉": "",
  "...": "",
};

for (const [written, said] of Object.entries(SAID)) {
  Deno.test(`"${written}" is said as "${said}"`, () => assert.equal(toSayable(written), said));
}

Deno.test("what nobody foresaw takes no longer to clean than what is long", () => {
  for (const part of ["[", "*", "`", "<a", "| ", "_a", "![](", "https://x.", "> ", "- "]) {
    assert.equal(typeof toSayable(part.repeat(5000)), "string");
  }
});

Deno.test("what was heard ends with a word", () => {
  const text = "Once upon a time.";
  assert.equal(text.slice(0, wordEnd(text, 0.5)), "Once");
  assert.equal(text.slice(0, wordEnd(text, 0.55)), "Once upon");
  assert.equal(wordEnd(text, 0), 0);
  assert.equal(wordEnd(text, 1), text.length);
  assert.ok(wordEnd("今日は晴れです。", 0.5) > 0, "also where no space parts words");
  assert.equal(text.slice(wordStart(text, 0.6) * text.length).trimStart(), "a time.");
  assert.equal(wordStart("", 0.5), 0);
  assert.equal(cutText(text, 9), "Once upon …");
  assert.equal(cutText(text, 0), "");
  assert.equal(cutText("Done. ", 5), "Done. ", "what is left is nothing");
  assert.equal(countWords("wait, please"), 2);
});

Deno.test("who only listens asks for nothing", () => {
  for (const text of ["Uh-huh.", "mhm", "Okay okay", "hmm", ""]) assert.equal(isBackchannel(text), true, text);
  for (const text of ["stop", "no", "okay but wait", "yeah yeah yeah yeah"]) {
    assert.equal(isBackchannel(text), false, text);
  }
});
