/**
 * Words of the command line as arguments of a tool.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { Sources } from "../../src/transports/cli/derived/sources.ts";
import { UsageError } from "../../src/transports/cli/given.ts";
import { toArguments } from "../../src/transports/cli/mcp/arguments.ts";
import { readPairs } from "../../src/transports/cli/mcp/pairs.ts";
import { fakeTerminal } from "../support/terminal.ts";

const schema = {
  type: "object",
  properties: {
    path: { type: "string" },
    head: { type: "integer" },
    deep: { type: ["boolean", "null"] },
    names: { type: "array", items: { type: "string" } },
    sizes: { type: "array", items: { type: "number" } },
    filter: { type: "object" },
    any: {},
  },
};

const read = (words: string[], input = "") =>
  toArguments(words, { schema, sources: new Sources({ terminal: fakeTerminal({ input }) }) });

Deno.test("the tool's schema says what a word means", async () => {
  assert.deepEqual(await read(["path=12", "head=12", "deep=true"]), { path: "12", head: 12, deep: true });
  assert.deepEqual(await read(["path=a=b", 'filter={"x":1}']), { path: "a=b", filter: { x: 1 } });
  assert.deepEqual(await read(["names=a", "names=b", "sizes=1", "sizes=2.5"]), { names: ["a", "b"], sizes: [1, 2.5] });
  assert.deepEqual(await read(['names=["a","b"]']), { names: ["a", "b"] });
  assert.deepEqual(await read(["any=12", "other=text", 'third={"x":1}']), { any: 12, other: "text", third: { x: 1 } });
  assert.deepEqual(await read([]), {});
});

Deno.test("all arguments come as JSON, and any from a file or the standard input", async () => {
  assert.deepEqual(await read(['{"path": "a", "head": 3}']), { path: "a", head: 3 });
  assert.deepEqual(await read(["-"], '{"path": "b"}'), { path: "b" });
  assert.deepEqual(await read(["path=-"], "from afar\n"), { path: "from afar\n" });
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, '{"head": 1}');
    assert.deepEqual(await read([`@${file}`]), { head: 1 });
    assert.deepEqual(await read([`path=@${file}`]), { path: '{"head": 1}' });
  } finally {
    await Deno.remove(file);
  }
  assert.deepEqual(await read(["path=@@home"]), { path: "@home" });
});

Deno.test("a word that can't be meant is refused with what is wanted", async () => {
  const refusal = async (...words: string[]) => {
    const error = await read(words).then(() => assert.fail("It was taken"), (thrown) => thrown);
    assert.ok(error instanceof UsageError, String(error));
    return error.message;
  };
  assert.match(await refusal("path"), /Cannot read "path": want NAME=VALUE/);
  assert.match(await refusal("head=many"), /"head" wants a number, not "many"/);
  assert.match(await refusal("deep=yes"), /"deep" wants true or false/);
  assert.match(await refusal("filter=x"), /"filter" wants JSON/);
  assert.match(await refusal("[1]"), /want NAME=VALUE/);
  assert.match(await refusal("{oops"), /as JSON/);
});

Deno.test("a secret comes from a file or the standard input, without the end of its line", async () => {
  const sources = new Sources({ terminal: fakeTerminal({ input: "Bearer s3cret\n" }) });
  const pairs = await readPairs(["Authorization=-", "X-Plain=a=b"], { flag: "--header", sources });
  assert.deepEqual(pairs, { Authorization: "Bearer s3cret", "X-Plain": "a=b" });
  await assert.rejects(readPairs(["X"], { flag: "--env", sources }), /want --env NAME=VALUE/);
});
