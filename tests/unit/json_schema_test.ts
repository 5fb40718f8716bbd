/**
 * Schemas from outside, kind and hostile.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createJsonSchema } from "../../src/adapters/json_schema/json_schema.ts";
import { toSafeLength } from "../../src/adapters/json_schema/pattern.ts";

const { check, problemOf } = new (class {
  readonly #schema = createJsonSchema();
  check = (schema: Record<string, unknown>, value: unknown) => this.#schema.check(schema, value);
  problemOf = (schema: Record<string, unknown>) => this.#schema.problemOf(schema);
})();

Deno.test("a value that fits has no errors, and each error is one line with its place", () => {
  const schema = {
    type: "object",
    properties: { city: { type: "string" }, days: { type: "integer", minimum: 1 } },
    required: ["city"],
    additionalProperties: false,
  };
  assert.deepEqual(check(schema, { city: "Oslo", days: 2 }), []);
  const lines = check(schema, { days: 0, x: 1 });
  assert.equal(lines.length, 3);
  assert.match(lines.join("\n"), /"city"/);
  assert.match(lines.join("\n"), /"\/days": 0 is less than 1/);
  assert.match(lines.join("\n"), /"\/x" is not allowed/);
});

Deno.test("a schema that holds itself is followed as deep as the value", () => {
  const schema = {
    $ref: "#/$defs/node",
    $defs: {
      node: {
        type: "object",
        properties: { name: { type: "string" }, children: { type: "array", items: { $ref: "#/$defs/node" } } },
        required: ["name"],
      },
    },
  };
  assert.deepEqual(check(schema, { name: "a", children: [{ name: "b", children: [] }] }), []);
  const [line] = check(schema, { name: "a", children: [{ name: "b", children: [{ name: 3 }] }] });
  assert.match(line!, /"\/children\/0\/children\/0\/name"/);
});

Deno.test("newer and older revisions are understood", () => {
  const tuple = { type: "array", prefixItems: [{ type: "string" }], items: false };
  assert.deepEqual(check(tuple, ["a"]), []);
  assert.equal(check(tuple, ["a", 1]).length > 0, true);
  const old = {
    $schema: "http://json-schema.org/draft-07/schema#",
    definitions: { a: { type: "number" } },
    $ref: "#/definitions/a",
  };
  assert.deepEqual(check(old, 1), []);
  assert.equal(check(old, "1").length > 0, true);
  assert.deepEqual(check({ dependentRequired: { a: ["b"] } }, { a: 1, b: 2 }), []);
  assert.equal(check({ dependentRequired: { a: ["b"] } }, { a: 1 }).length, 1);
});

Deno.test("dynamic references are followed, and what they could mean in several ways is refused by name", () => {
  const tree = {
    type: "object",
    $dynamicAnchor: "node",
    properties: {
      name: { type: "string" },
      children: { type: "array", items: { $dynamicRef: "#node", required: ["name"] } },
    },
  };
  const wrong = { children: [{ name: "a" }, { name: "b", children: [{ name: 7 }] }] };
  assert.deepEqual(check(tree, { children: [{ name: "a", children: [] }] }), []);
  assert.match(check(tree, wrong)[0]!, /^"\/children\/1\/children\/0\/name": /);
  assert.match(check(tree, { children: [{}] })[0]!, /name/);
  const pointed = { $defs: { word: { type: "string" } }, properties: { a: { $dynamicRef: "#/$defs/word" } } };
  assert.equal(check(pointed, { a: 1 }).length, 1);
  const both = {
    properties: { a: { $ref: "#/$defs/x", $dynamicRef: "#y" } },
    $defs: { x: { type: "number" }, y: { $dynamicAnchor: "y", minimum: 5 } },
  };
  assert.equal(check(both, { a: 4 }).length, 1);
  assert.deepEqual(check(both, { a: 6 }), []);
  assert.deepEqual(check({ properties: { $dynamicRef: { type: "string" } } }, { $dynamicRef: "x" }), []);
  const extended = {
    $ref: "list",
    $defs: {
      item: { $dynamicAnchor: "item", type: "string" },
      list: { $id: "list", items: { $dynamicRef: "#item" }, $defs: { item: { $dynamicAnchor: "item" } } },
    },
  };
  assert.match(problemOf(extended)!, /\$dynamicRef "#item" among several \$id/);
  assert.match(check(extended, [1])[0]!, /^Cannot check the value: .*\$dynamicRef/);
  assert.match(problemOf({ $dynamicRef: "#nowhere" })!, /"#nowhere"/);
  // Older revisions don't know the word.
  const older = { $schema: "http://json-schema.org/draft-07/schema#", properties: { a: { $dynamicRef: "#nowhere" } } };
  assert.deepEqual(check(older, { a: 1 }), []);
});

Deno.test("patterns work, beside formats too, and look-ahead within bounds", () => {
  const slug = { type: "string", pattern: "^[a-z0-9]+(?:-[a-z0-9]+)*$" };
  assert.deepEqual(check(slug, "a-long-slug-of-many-words-that-goes-on-and-on"), []);
  assert.match(check(slug, "Not A Slug")[0]!, /does not match pattern "\^\[a-z0-9\]\+/);
  assert.deepEqual(check({ pattern: "^a", format: "email" }, "a@b.example"), []);
  assert.equal(check({ pattern: "^b", format: "email" }, "a@b.example").length, 1);
  const password = { pattern: "^(?=.*[A-Z])(?=.*\\d).{8,}$" };
  assert.deepEqual(check(password, "Secret123"), []);
  assert.equal(check(password, "secret").length, 1);
  assert.match(check(password, "x".repeat(5000))[0]!, /too long \(5000\)/);
  assert.match(check({ pattern: "(" }, "x")[0]!, /pattern that is none/);
});

Deno.test("properties and values named like keywords are left alone", () => {
  const schema = {
    properties: { pattern: { type: "string" }, default: { pattern: "^x" } },
    enum: [{ pattern: "a", default: "xy" }],
  };
  assert.deepEqual(check(schema, { pattern: "a", default: "xy" }), []);
  assert.deepEqual(Object.keys(schema.properties), ["pattern", "default"]);
});

Deno.test("hostile schemas and values cannot stop the event loop", () => {
  // Done naively, each of these would run for years, so that it ends at all is the test.
  assert.equal(check({ pattern: "^(a+)+$" }, "a".repeat(50_000) + "b").length, 1);
  assert.equal(check({ pattern: "^(a|aa)+$" }, "a".repeat(50_000) + "b").length, 1);
  assert.equal(check({ pattern: "(?=(a+)+b)x" }, "a".repeat(50_000)).length, 1);
  assert.equal(check({ pattern: "(a*)*\\1b" }, "a".repeat(50_000)).length, 1);
  assert.match(check({ $ref: "#" }, 1)[0]!, /without end|too many steps/);
  const doubling: Record<string, unknown> = { a40: { type: "string" } };
  for (let i = 0; i < 40; i++) {
    doubling[`a${i}`] = { allOf: [{ $ref: `#/$defs/a${i + 1}` }, { $ref: `#/$defs/a${i + 1}` }] };
  }
  assert.match(check({ $ref: "#/$defs/a0", $defs: doubling }, "x")[0]!, /too many steps/);
  let deep: unknown = 1;
  for (let i = 0; i < 10_000; i++) deep = [deep];
  assert.match(check({ type: "array" }, deep)[0]!, /too large/);
  assert.match(check({ uniqueItems: true }, Array.from({ length: 5000 }, (_, i) => ({ i })))[0]!, /too long/);
  assert.match(check({ patternProperties: { "^(a+)+$": {} } }, { ["a".repeat(40) + "b"]: 1 })[0]!, /name is too long/);
  assert.match(check({ $ref: "https://elsewhere.example/schema" }, 1)[0]!, /does not hold/);
});

Deno.test("the safe length falls with the number of repeats and their nesting", () => {
  assert.equal(toSafeLength("^abc[+*]{3}$"), Infinity);
  assert.equal(toSafeLength("a+") > toSafeLength("a+b+"), true);
  assert.equal(toSafeLength("a?b") < Infinity, true);
  assert.equal(toSafeLength("a?b?") < toSafeLength("a?b"), true);
  assert.equal(toSafeLength("^(jpg|png|gif|webp|svg|bmp)$") > 100_000, true);
  for (const nested of ["(a+)+", "(a|b)*", "(a|(b))*", "(a?){30}", "(.{0,30}){0,30}", "(a{2,3}){5}", "(a)\\1"]) {
    assert.equal(toSafeLength(nested) <= 18, true, nested);
  }
  assert.equal(toSafeLength("a?".repeat(100)), 0);
});
