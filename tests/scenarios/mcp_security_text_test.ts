/**
 * Words of strangers, and names they choose.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { createJsonSchema } from "../../src/adapters/json_schema/json_schema.ts";
import { rulingOf } from "../../src/core/policies/ruling.ts";
import { judge } from "../../src/core/tools/policy.ts";
import { cleanResult } from "../../src/core/tools/result.ts";
import { AgentConfig } from "../../src/domain/agent.ts";
import { Policy } from "../../src/domain/policy.ts";
import { type Tool, toolText, toToolName } from "../../src/domain/tool.ts";
import { maskSecrets } from "../../src/kit/log.ts";

const TOKEN = "eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl";

Deno.test("an answer that almost holds secrets, eight million letters long, is read in one go", () => {
  const units = ["eyJ-", "eyJ-.", "eyJa.eyJ-", "sk-", "Bearer ", "://a:", "://a:b", "://:@", "a@", " eyJ.", "-"];
  for (const unit of units) {
    const text = unit.repeat(8_000_000 / unit.length);
    const { content } = cleanResult(toolText(`${text} ${TOKEN}`), ["never-there"]);
    assert.ok(!JSON.stringify(content).includes(TOKEN), unit);
  }
});

Deno.test("signed tokens are masked wherever they stand, and what only looks like their beginning stays", () => {
  for (const before of ["", " ", "token=", "-", ".", "a.b.", "eyJ.", '"']) {
    assert.equal(maskSecrets(`${before}${TOKEN}`), `${before}[masked]`, before);
  }
  assert.equal(maskSecrets(`eyJx ${TOKEN}, ${TOKEN}`), "eyJx [masked], [masked]");
  for (const text of ["eyJhbGciOi", "eyJhbGciOi.eyJzdWIiOi", "keyJ.a.b", "eyJ-eyJ-eyJ"]) {
    assert.equal(maskSecrets(text), text);
  }
});

const tool = (own_name: string): Tool => ({
  name: toToolName("files", own_name),
  own_name,
  server: "files",
  description: "",
  parameters: {},
  read_only: false,
  destructive: false,
  idempotent: false,
  open_world: false,
});

/** Names by which a server could offer its `delete_all` after a policy was written for it. */
const DISGUISES = [
  "delete_all",
  "Delete_all",
  "DELETE_ALL",
  "delete_\u200ball",
  "ｄｅｌｅｔｅ_all",
  "delete_\u00adall",
];

Deno.test("a rule that forbids holds for other spellings of the name, too", () => {
  for (const pattern of ["delete_*", "delete_all", "Delete_All"]) {
    for (const decision of ["deny", "ask"] as const) {
      const policy = { id: "files", ...Policy.parse({ tools: { [pattern]: { decision } } }) };
      for (const name of DISGUISES) {
        assert.equal(rulingOf(policy, tool(name)).decision, decision, `${pattern}: ${name}`);
      }
      assert.equal(rulingOf(policy, tool("undelete")).decision, "allow");
    }
  }
});

Deno.test("an agent's own bans hold for other spellings, and what it may call is spelled exactly", () => {
  const agent = AgentConfig.parse({
    name: "a",
    allowed_tools: ["files__*", "mail__send"],
    policies: { deny: ["files__delete_*"], ask: ["files__write"] },
  });
  for (const name of ["delete_all", "Delete_all", "DELETE_ALL"]) {
    assert.equal(judge(agent, tool(name).name), "deny", name);
  }
  assert.equal(judge(agent, "files__Write"), "ask");
  assert.equal(judge(agent, "files__read"), "allow");
  assert.equal(judge(agent, "mail__Send"), "deny");
});

Deno.test("what multiplies between a schema and a value is counted, and given up before it takes long", () => {
  const schema = createJsonSchema();
  const many = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));
  const name = (i: number) => `a${i}`;
  const text = "x".repeat(8_000_000);
  const bombs: [Record<string, unknown>, unknown][] = [
    [{ items: { required: many(20_000, name) } }, many(20_000, () => ({}))],
    [{ items: { dependentRequired: { a: many(20_000, name) } } }, many(20_000, () => ({ a: 1 }))],
    [{ items: { enum: many(20_000, (a) => ({ a })) } }, many(20_000, () => ({ a: -1 }))],
    [{ items: { type: many(10_000, () => "string") } }, many(20_000, () => 1)],
    [{ items: { properties: Object.fromEntries(many(9_000, (i) => [name(i), true])) } }, many(50_000, () => ({}))],
    [{ patternProperties: Object.fromEntries(many(5_000, (i) => [`^${i}`, true])) }, { a: 1 }],
    [{ allOf: many(9_000, () => ({ maxLength: 9_000_000 })) }, text],
    [{ allOf: many(9_000, (i) => ({ pattern: `y${i}` })) }, text],
    [{ allOf: many(9_000, () => ({ $ref: "#/$defs/a" })), $defs: { a: { minLength: 1 } } }, text],
  ];
  for (const [bomb, value] of bombs) {
    assert.match(schema.check(bomb, value)[0]!, /^Cannot check the value: (it takes too|the schema has|a text is too)/);
  }
});

Deno.test("a pattern costs what it becomes, to read and to try", () => {
  const schema = createJsonSchema();
  const text = `${"xy".repeat(1_000_000)}z`;
  const patterns = [
    "(.{0,30}){0,30}y$",
    ".{0,1000}y$",
    "(x?){1000}y$",
    "x{0,1000}".repeat(200),
    `(${"x?".repeat(500)}){900}y$`,
  ];
  for (const pattern of patterns) {
    assert.match(schema.check({ pattern }, text)[0]!, /^Cannot check the value: /, pattern);
  }
  const many = Array.from({ length: 5_000 }, (_, i) => ({ pattern: `x{0,900}y${i}` }));
  assert.match(schema.check({ anyOf: many }, "x")[0]!, /too many patterns/);
});

Deno.test("large answers of the usual kind are still checked", () => {
  const names = Array.from({ length: 20 }, (_, i) => `column_${i}`);
  const properties = Object.fromEntries(names.map((name) => [name, { type: "string", maxLength: 100 }]));
  const items = { type: "object", properties, required: names, additionalProperties: false };
  const country = { enum: Array.from({ length: 250 }, (_, i) => `C${i}`) };
  const row = Object.fromEntries(names.map((name) => [name, "value"]));
  const schema = createJsonSchema();
  assert.deepEqual(schema.check({ type: "array", items }, Array.from({ length: 2_000 }, () => row)), []);
  assert.deepEqual(schema.check({ items: country }, Array.from({ length: 4_000 }, () => "C249")), []);
  assert.deepEqual(
    schema.check({ properties: { text: { type: "string", maxLength: 2e7 } } }, { text: "x".repeat(9e6) }),
    [],
  );
});
