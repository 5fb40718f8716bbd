/**
 * What a form asks for, and what a typed line means.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { type Field, FieldError, toFields } from "../../src/transports/cli/chat/form_field.ts";

function fieldOf(property: unknown): Field {
  return toFields({ type: "object", properties: { it: property } })[0]!;
}

Deno.test("a form's fields keep their order, names, presets and whether they are needed", () => {
  const fields = toFields({
    properties: { b: { type: "string", title: "The b", description: "Why" }, a: { type: "integer", default: 7 } },
    required: ["b"],
  });
  assert.deepEqual(
    fields.map(({ name, title, description, required, preset }) => ({ name, title, description, required, preset })),
    [
      { name: "b", title: "The b", description: "Why", required: true, preset: undefined },
      { name: "a", title: "a", description: "", required: false, preset: 7 },
    ],
  );
  for (const schema of [{}, { properties: [] }, { properties: null }]) assert.deepEqual(toFields(schema), []);
});

const SEVERAL = { type: "array", items: { enum: ["Guitar", "Piano", "Bass"] }, minItems: 1, maxItems: 2 };
const HEROES = { type: "string", oneOf: [{ const: "h1", title: "Batman" }, { const: "h2", title: "Robin" }] };

/** What is typed, and what it means: a value, or the words that say what is wanted. */
const LINES: [property: Record<string, unknown>, text: string, meaning: unknown][] = [
  [{ type: "string" }, "any thing", "any thing"],
  [{ type: "string", minLength: 2, maxLength: 3 }, "ab", "ab"],
  [{ type: "string", minLength: 2, maxLength: 3 }, "😀", /These are 1 characters: want 2 to 3 characters/],
  [{ type: "string", maxLength: 3 }, "abcd", /want at most 3 characters/],
  [{ type: "string", format: "email" }, "ada@example.com", "ada@example.com"],
  [{ type: "string", format: "email" }, "ada", /want an e-mail address/],
  [{ type: "string", format: "uri" }, "no address", /want an address/],
  [{ type: "string", format: "date" }, "2026-02-30x", /want a date/],
  [{ type: "string", format: "date" }, "2026-02-03", "2026-02-03"],
  [{ type: "string", format: "date-time" }, "2026-02-03", /want a time/],
  [{ type: "string", format: "date-time" }, "2026-02-03T04:05:06Z", "2026-02-03T04:05:06Z"],
  [{ type: "string", format: "unheard-of" }, "x", "x"],
  [{ type: "integer" }, "7", 7],
  [{ type: "integer" }, "7.5", /want a whole number/],
  [{ type: "integer" }, "seven", /want a whole number/],
  [{ type: "number", minimum: 1, maximum: 5 }, "5.5", /want a number, 1 to 5/],
  [{ type: "number", minimum: 1 }, "0", /want a number, at least 1/],
  [{ type: "number", maximum: 0 }, "1", /want a number, at most 0/],
  [{ type: "boolean" }, "YES", true],
  [{ type: "boolean" }, "n", false],
  [{ type: "boolean" }, "maybe", /want yes or no/],
  [{ enum: ["red", "green"] }, "2", "green"],
  [{ enum: ["red", "green"] }, "Red", "red"],
  [{ enum: ["red", "green"] }, "3", /want a number from 1 to 2, or its name/],
  [{ enum: ["2", "1"] }, "1", "1"],
  [{ enum: ["r", "g"], enumNames: ["Red", "Green"] }, "green", "g"],
  [HEROES, "robin", "h2"],
  [HEROES, "h1", "h1"],
  [SEVERAL, "1, bass", ["Guitar", "Bass"]],
  [SEVERAL, "1, Guitar", ["Guitar"]],
  [SEVERAL, "1,2,3", /These are 3: want 1 to 2 of them/],
  [SEVERAL, ",", /These are 0/],
  [{ type: "array", items: { anyOf: [{ const: 1, title: "One" }, { const: 2, title: "Two" }] } }, "two", [2]],
  [{ type: "object" }, '{"a": 1}', { a: 1 }],
  [{ type: "object" }, "a: 1", /This is no JSON/],
  [{}, "[1]", [1]],
];

for (const [property, text, meaning] of LINES) {
  Deno.test(`"${text}" for ${JSON.stringify(property)}`, () => {
    const { read } = fieldOf(property);
    if (!(meaning instanceof RegExp)) return assert.deepEqual(read(text), meaning);
    assert.throws(() => read(text), (error) => error instanceof FieldError && meaning.test(error.message));
  });
}

Deno.test("what may be chosen is named as the server names it", () => {
  assert.deepEqual(fieldOf(HEROES).choices, [{ value: "h1", title: "Batman" }, { value: "h2", title: "Robin" }]);
  assert.deepEqual(fieldOf(SEVERAL).choices?.map(({ title }) => title), ["Guitar", "Piano", "Bass"]);
  assert.equal(fieldOf(SEVERAL).type, "1 to 2 of them, separated by commas");
  assert.equal(fieldOf({ type: "number", minimum: 0, maximum: 1000 }).type, "a number, 0 to 1000");
  assert.equal(fieldOf({ type: "string" }).choices, undefined);
});
