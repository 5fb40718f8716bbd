import { strict as assert } from "node:assert";
import { UsageError } from "../../src/transports/cli/given.ts";
import { checkQuotes, splitWords } from "../../src/transports/cli/mcp/words.ts";

Deno.test("a call is read as a shell reads it", () => {
  const cases: [string, string[]][] = [
    ["", []],
    ["  a=1   b=2 ", ["a=1", "b=2"]],
    ['path=todo.txt content="Call Ada now"', ["path=todo.txt", "content=Call Ada now"]],
    [`content='say "hi"' "other=a b"`, ['content=say "hi"', "other=a b"]],
    ['a="x \\"y\\" \\\\ \\n"', ['a=x "y" \\ \\n']],
    ["a=two\\ words b=\\'", ["a=two words", "b='"]],
    ["a='' b", ["a=", "b"]],
    ['edits=[{"old": "a b", "new": "]"}] dry=true', ['edits=[{"old": "a b", "new": "]"}]', "dry=true"]],
    ['filter={"a": {"b": "c d"}}', ['filter={"a": {"b": "c d"}}']],
    ["note=[draft] x={", ["note=[draft]", "x={"]],
  ];
  for (const [text, words] of cases) assert.deepEqual(splitWords(text), words, text);
});

Deno.test("a quote that is never closed is refused, with the way that needs none", () => {
  for (const text of ['path="todo.txt', "content=Don't", 'a="b\\"']) {
    assert.throws(() => splitWords(text), (error: Error) => {
      assert.ok(error instanceof UsageError);
      assert.match(
        error.message,
        /the quote ["'] is never closed: want it closed, or all arguments as JSON: '\{"NAME"/,
      );
      return true;
    });
  }
  assert.throws(() => checkQuotes('path="todo.txt'), UsageError);
  for (const word of ['path="todo.txt"', "content=Don't", '{"a": "b"}', 'a=say "hi', 'a="x" and "y"']) {
    checkQuotes(word);
  }
});
