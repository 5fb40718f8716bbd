import { Validator } from "@seriousme/openapi-schema-validator";
import { strict as assert } from "node:assert";
import { z } from "zod";
import { ERROR_STATUS } from "../src/domain/error.ts";
import { EVENT_DATA } from "../src/domain/event.ts";
import { Answer } from "../src/domain/run.ts";
import { byHand, operations } from "../src/operations/mod.ts";
import { LIMIT_CLASSES } from "../src/operations/operation.ts";
import { Settings } from "../src/settings/schema.ts";
import { listSettings } from "../src/settings/tree.ts";
import { NAMED_VARIABLES } from "../src/settings/variables.ts";
import { nameOf } from "../src/transports/cli/command.ts";
import { COMMANDS } from "../src/transports/cli/commands.ts";
import { deriveCommands } from "../src/transports/cli/derived/derive.ts";
import { optionsOf, VERSION_OPTION } from "../src/transports/cli/options.ts";
import { toOpenApi } from "../src/transports/docs/openapi.ts";
import * as pinned from "./support/surface.ts";

const lines = (text: string) => text.trim().split("\n");
type Json = Record<string, unknown>;

Deno.test("operations, events, errors and answers are as pinned", () => {
  const ops = [...operations.values()].map((op) =>
    `${op.kind} ${op.id} ${op.access} ${op.http} ${op.kind === "duplex" ? 101 : op.status ?? 200}`
  );
  assert.deepEqual(ops, lines(pinned.OPERATIONS));
  const routes = byHand.map(({ id, http, uses, answer }) => `${id} ${http} ${answer.status} as ${uses.id}`);
  assert.deepEqual(routes, lines(pinned.BY_HAND));
  assert.deepEqual([...operations.values()].filter(({ once }) => once).map(({ id }) => id), lines(pinned.ONCE));
  const events = Object.entries(EVENT_DATA).map(([type, data]) => [type, ...Object.keys(data.shape)].join(" "));
  assert.deepEqual(events, lines(pinned.EVENTS));
  assert.deepEqual(Object.entries(ERROR_STATUS).map((pair) => pair.join(" ")), lines(pinned.ERRORS));
  assert.equal(Object.keys(Answer.shape).join(" "), pinned.ANSWER);
});

Deno.test("settings, variables and commands are as pinned", () => {
  assert.deepEqual(listSettings().map(({ path }) => path), lines(pinned.SETTINGS));
  const named = Object.entries(NAMED_VARIABLES).map(([path, names]) => [path, ...names].join(" "));
  assert.deepEqual(named, lines(pinned.VARIABLES));
  const commands = COMMANDS.map((command) => {
    const positionals = command.positionals.map(({ name }) => name);
    return [nameOf(command), ...positionals, ...optionsOf(command).map(({ name }) => `--${name}`)].join(" ");
  });
  assert.deepEqual(commands, lines(pinned.COMMANDS));
  const derived = deriveCommands(COMMANDS);
  const names = derived.map((command) => [nameOf(command), ...command.positionals.map(({ name }) => name)].join(" "));
  assert.deepEqual(names, lines(pinned.OPERATION_COMMANDS));
  const short = new Map(
    [...[...COMMANDS, ...derived].flatMap(optionsOf), VERSION_OPTION]
      .flatMap(({ name, short }) => short === undefined ? [] : [[short, name] as const]),
  );
  assert.equal([...short].map(([short, name]) => `-${short} --${name}`).sort().join(", "), pinned.SHORT);
});

Deno.test("every operation says all that is derived from it", () => {
  const routes = new Set<string>();
  for (const [id, op] of operations) {
    assert.equal(id, op.id);
    assert.match(id, /^[a-z]+(_[a-z]+)+$/);
    assert.match(op.summary, /^[A-Z][^\n]{5,120}[^.]$/, id);
    assert.ok(LIMIT_CLASSES.includes(op.limit), id);
    assert.ok(op.limit in Settings.parse({}).limits.classes, id);
    assert.equal(op.access === "public", op.limit === "public", `${id}: strangers share no budget with keys`);
    assert.equal(op.access === "admin", op.limit === "admin", id);
    assert.equal(new Set(op.errors).size, op.errors.length, id);
    for (const error of op.errors) assert.ok(error in ERROR_STATUS, `${id}: ${error}`);
    assert.ok(op.input instanceof z.ZodObject && op.input.def.catchall instanceof z.ZodNever, `${id}: not strict`);
    const fields = Object.keys(op.input.shape);
    for (const line of [op.http, ...op.aliases ?? []]) {
      assert.ok(!routes.has(line), `${line} stands for two operations`);
      routes.add(line);
      const names = [...line.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
      for (const name of names) assert.ok(fields.includes(name), `${id} takes no ${name}`);
      // Whoever names a thing can name one that isn't there.
      const nouns = names.filter((name) => name !== "user_id");
      if (nouns.length > 0) assert.ok(op.errors.some((error) => ERROR_STATUS[error] === 404), `${id} declares no 404`);
    }
    if (op.kind === "stream" && op.cursor) assert.ok(fields.includes(op.cursor), id);
    if (op.kind === "stream" && op.flag) assert.ok(fields.includes(op.flag), id);
    if (op.upload) assert.ok(fields.includes(op.upload), id);
  }
});

/** As it goes over the wire. */
const document: Json = JSON.parse(
  JSON.stringify(toOpenApi(operations.values(), { version: "1.2.3", base_path: "/muxi", byHand })),
);

function* nodes(value: unknown): Generator<Json> {
  if (typeof value !== "object" || value === null) return;
  yield value as Json;
  for (const inner of Object.values(value)) yield* nodes(inner);
}

Deno.test("the document is valid OpenAPI 3.1, and every reference leads somewhere", async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  assert.ok(valid, JSON.stringify(errors, null, 1)?.slice(0, 2000));
  const { schemas } = document.components as { schemas: Json };
  let references = 0;
  for (const { $ref } of nodes(document)) {
    if (typeof $ref !== "string") continue;
    references++;
    assert.match($ref, /^#\/components\/schemas\/\w+$/);
    assert.ok($ref.slice("#/components/schemas/".length) in schemas, $ref);
  }
  assert.ok(references > operations.size);
  // The validator sees what is wrong.
  const broken = structuredClone(document) as Json;
  (broken.info as Json).title = 7;
  assert.ok(!(await new Validator().validate(broken)).valid);
});

Deno.test("the document holds every operation with its errors, and no two schemas share a name", () => {
  const found = new Map<string, Json>();
  for (const [path, methods] of Object.entries(document.paths as Record<string, Record<string, Json>>)) {
    for (const [method, operation] of Object.entries(methods)) {
      found.set(operation.operationId as string, { ...operation, path, method });
    }
  }
  // OpenAPI has no words for two flows at once.
  const told = [...operations.values()].filter(({ kind }) => kind !== "duplex");
  assert.deepEqual([...found.keys()].sort(), [...told, ...byHand].map(({ id }) => id).sort());
  for (const { id, errors } of byHand) {
    const { responses } = found.get(id)! as { responses: Record<string, { description: string; content: Json }> };
    for (const error of errors) assert.ok(responses[ERROR_STATUS[error]]!.description.includes(error), id);
    assert.notDeepEqual(responses[401]!.content, (found.get("run_get")!.responses as typeof responses)[401]!.content);
  }
  const named = new Map<string, string>();
  for (const op of operations.values()) {
    const told = found.get(op.id) as { responses: Record<string, { description: string }> } | undefined;
    for (const error of op.errors) {
      assert.ok(told?.responses[ERROR_STATUS[error]]?.description.includes(error) ?? op.kind === "duplex", op.id);
    }
    const schemas: [z.ZodType, "input" | "output"][] = [[op.input, "input"]];
    if (op.kind !== "duplex") schemas.push([op.output, "output"]);
    if (op.kind === "stream") {
      schemas.push(...Object.values(op.items).map((item) => [item, "output"] as [z.ZodType, "output"]));
    }
    for (const [type, io] of schemas) {
      const { $defs = {} } = z.toJSONSchema(type, { io, unrepresentable: "any" });
      for (const [name, schema] of Object.entries($defs)) {
        const text = JSON.stringify(schema);
        const key = `${io} ${name}`;
        assert.equal(named.get(key) ?? text, text, `two schemas are called ${name}`);
        named.set(key, text);
      }
    }
  }
});
