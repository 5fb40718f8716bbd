/**
 * Commands made from operations: their names, and how an input comes about.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { z } from "zod";
import { call, type Operation, stream } from "../../src/operations/operation.ts";
import { operations } from "../../src/operations/mod.ts";
import { type Command, nameOf } from "../../src/transports/cli/command.ts";
import { COMMANDS } from "../../src/transports/cli/commands.ts";
import { deriveCommands } from "../../src/transports/cli/derived/derive.ts";
import { fieldsOf, pathFieldsOf } from "../../src/transports/cli/derived/fields.ts";
import { toInput } from "../../src/transports/cli/derived/input.ts";
import { toOnce } from "../../src/transports/cli/derived/once.ts";
import { Sources } from "../../src/transports/cli/derived/sources.ts";
import { UsageError } from "../../src/transports/cli/given.ts";
import { parseCommand } from "../../src/transports/cli/parse_command.ts";
import { fakeTerminal } from "../support/terminal.ts";

const shared = { summary: "Do it", access: "user", output: z.null(), errors: [], limit: "read" } as const;
const ships = call({
  ...shared,
  id: "ship_find",
  http: "POST /ships/{ship_id}/search/{place}",
  input: z.strictObject({
    ship_id: z.string().describe("Which `ship`"),
    place: z.string(),
    kind: z.enum(["sail", "steam"]),
    masts: z.number().int().min(1).max(9).default(3),
    title: z.string().nullable().optional(),
    log: z.string().max(100_000).optional(),
    fast: z.boolean().optional(),
    names: z.array(z.string()).default([]),
    crew: z.array(z.strictObject({ name: z.string() })).optional(),
    cargo: z.record(z.string(), z.unknown()).optional(),
    engine: z.strictObject({
      power: z.number().optional(),
      fuel: z.string().optional(),
      api_key: z.string().optional(),
    })
      .optional(),
    plan: z.strictObject({ steps: z.array(z.strictObject({ to: z.string() })), name: z.string() }).optional(),
    choice: z.union([z.enum(["auto", "none"]), z.strictObject({ tool: z.string() })]).optional(),
  }),
});

const [command] = deriveCommands([], new Map([[ships.id, ships as Operation]]));

async function inputOf(args: string[], input = ""): Promise<Record<string, unknown>> {
  const terminal = fakeTerminal({ input });
  const given = parseCommand(["ships", "find", ...args], command!);
  return await toInput(given, {
    fields: fieldsOf(ships),
    names: pathFieldsOf(ships),
    sources: new Sources({ terminal }),
  });
}

async function refusal(args: string[], input = ""): Promise<string> {
  const error = await inputOf(args, input).then(() => undefined, (thrown) => thrown);
  assert.ok(error instanceof UsageError, String(error));
  return error.message;
}

const START = ["s1", "bay", "--kind", "sail"];
const BASE = { ship_id: "s1", place: "bay", kind: "sail" };

Deno.test("an id becomes a group and an action, by the words of the paths", () => {
  const op = (id: string, path: string) => [id, { ...ships, id, http: `GET ${path}` } as Operation] as const;
  const byHand = [{ words: ["talk"] }] as unknown as Command[];
  const made = deriveCommands(
    byHand,
    new Map([
      op("ship_list", "/ships/{ship_id}/{place}"),
      op("ship_log_get", "/ships/{ship_id}/log/{place}"),
      op("sail_plan_update", "/ships/{ship_id}/sail_plans/{place}"),
      op("crew_list", "/crew/{ship_id}/{place}"),
      op("wind_ask", "/weather/{ship_id}/{place}"),
      op("talk_send", "/talk/{ship_id}/{place}"),
    ]),
  );
  assert.deepEqual(made.map(nameOf), [
    "ships list",
    "ships log-get",
    "sail-plans update",
    "crew list",
    "wind ask",
    "talk-send",
  ]);
});

Deno.test("every operation but those of two flows is a command that says what it needs", () => {
  const commands = deriveCommands(COMMANDS);
  const made = [...operations.values()].filter(({ kind }) => kind !== "duplex");
  assert.equal(commands.length, made.length);
  for (const op of made) {
    const [method, path] = op.http.replace(" ^", " ").split(" ");
    const found = commands.find(({ http }) => [`${method} ${path}`, `${method} /api/v1${path}`].includes(http!));
    assert.ok(found, op.id);
    const { access, positionals, options, examples = [] } = found;
    assert.equal(access, op.access);
    assert.deepEqual(
      positionals.slice(0, pathFieldsOf(op).length).map(({ name }) => name.toLowerCase()),
      pathFieldsOf(op),
    );
    const ids = examples[0]!.split(" ").slice(1 + found.words.length);
    for (const [i, name] of pathFieldsOf(op).entries()) {
      assert.ok(op.input.shape[name].safeParse(ids[i]!.replace("…", "")).success, `${op.id}: ${examples[0]}`);
    }
    const fields = fieldsOf(op);
    for (const { option } of fields) assert.ok(options.some(({ name }) => name === option.name), option.name);
    const known = new Set([...fields.map(({ path: [name] }) => name), ...pathFieldsOf(op)]);
    for (const field of Object.keys(op.input.shape)) {
      assert.ok(known.has(field) || field === op.upload, `${op.id} ${field}`);
    }
  }
});

Deno.test("a field that is called like an option of every command says whose it is", () => {
  const one = call({ ...shared, id: "ship_find", http: "GET /ships", input: z.strictObject({ url: z.string() }) });
  assert.deepEqual(fieldsOf(one).map(({ path, option: { name } }) => [path, name]), [[["url"], "ship-url"]]);
});

Deno.test("path fields stand in order, the rest are options with what the schema says", () => {
  assert.deepEqual(command!.positionals, [{ name: "SHIP_ID", summary: "Which ship" }, { name: "PLACE" }]);
  const option = (name: string) => command!.options.find((one) => one.name === name);
  assert.deepEqual(option("kind"), {
    name: "kind",
    summary: "Kind",
    value: "KIND",
    required: true,
    wanted: ["sail", "steam"],
  });
  assert.deepEqual(option("masts"), { name: "masts", summary: "Masts: from 1 to 9", value: "N", fallback: "3" });
  assert.deepEqual(option("fast"), { name: "fast", summary: "Fast", negatable: true });
  assert.deepEqual(option("names"), { name: "names", summary: "Names", value: "NAMES", repeated: true });
  assert.equal(option("engine.power")?.value, "N");
  assert.equal(option("engine.api-key"), undefined, "a secret would show in the list of processes");
  assert.equal(option("plan.name"), undefined, "a plan can't be made of its name alone");
});

Deno.test("values become what the schema wants", async () => {
  assert.deepEqual(await inputOf(START), BASE);
  assert.deepEqual(await inputOf([...START, "--masts", "2", "--fast"]), { ...BASE, masts: 2, fast: true });
  assert.deepEqual(await inputOf([...START, "--no-fast", "--no-title"]), { ...BASE, fast: false, title: null });
  assert.deepEqual((await inputOf([...START, "--names", "a", "--names", "b,c"])).names, ["a", "b,c"]);
  assert.deepEqual((await inputOf([...START, "--cargo", '{"rum":1}'])).cargo, { rum: 1 });
  assert.deepEqual(
    (await inputOf([...START, "--crew", '{"name":"a"}', "--crew", '[{"name":"b"},{"name":"c"}]'])).crew,
    [
      { name: "a" },
      { name: "b" },
      { name: "c" },
    ],
  );
  assert.deepEqual((await inputOf([...START, "--engine.power", "1.5", "--engine.fuel", "coal"])).engine, {
    power: 1.5,
    fuel: "coal",
  });
  assert.deepEqual((await inputOf([...START, "--engine", '{"power":1}', "--engine.fuel", "oil"])).engine, {
    power: 1,
    fuel: "oil",
  });
  assert.equal((await inputOf([...START, "--choice", "auto"])).choice, "auto");
  assert.deepEqual((await inputOf([...START, "--choice", '{"tool":"x"}'])).choice, { tool: "x" });
});

Deno.test("long texts and JSON come from files and from the standard input", async () => {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, '{"rum": 2}');
    assert.deepEqual((await inputOf([...START, "--cargo", `@${file}`])).cargo, { rum: 2 });
    assert.equal((await inputOf([...START, "--log", `@${file}`])).log, '{"rum": 2}');
    assert.equal((await inputOf([...START, "--title", `@${file}`])).title, `@${file}`, "a short text is what it is");
  } finally {
    await Deno.remove(file);
  }
  assert.deepEqual((await inputOf([...START, "--cargo", "-"], '{"rum":3}')).cargo, { rum: 3 });
  assert.equal((await inputOf([...START, "--log", "-"], "dear log")).log, "dear log");
  assert.equal((await inputOf([...START, "--log", "@@ada said"])).log, "@ada said");
  assert.deepEqual(await inputOf(["s1", "bay", "--input", "-", "--masts", "4"], '{"kind":"steam","masts":1}'), {
    ...BASE,
    kind: "steam",
    masts: 4,
  });
});

Deno.test("what can't be the input is refused before anything is sent", async () => {
  assert.equal(await refusal(["s1", "bay"]), 'The option "--kind" is needed: want --kind KIND');
  assert.match(await refusal(["s1", "bay", "--kind", "stem"]), /can't be "stem": want one of sail, steam.*"steam"\?$/);
  assert.equal(await refusal([...START, "--masts", "two"]), 'The option "--masts" wants a number, not "two"');
  assert.match(await refusal([...START, "--cargo", "{rum}"]), /^Cannot read "--cargo" as JSON: /);
  assert.match(await refusal([...START, "--log", "-", "--cargo", "-"], "{}"), /"--log" is read from it$/);
  assert.equal(await refusal([...START, "--input", "[]"]), 'Cannot use "--input": want an object');
  await assert.rejects(
    inputOf([...START, "--log", "@/no/such/file"]),
    /Cannot read the file "\/no\/such\/file": there is none/,
  );
});

Deno.test("a stream can be asked for, or left", () => {
  const made = (more: object) => {
    const op = stream({
      ...shared,
      id: "ship_watch",
      http: "POST /ships/{ship_id}",
      items: {},
      input: ships.input,
      ...more,
    });
    return deriveCommands([], new Map([[op.id, op as Operation]]))[0]!.options.find(({ name }) => name === "stream");
  };
  assert.equal(made({})?.fallback, "the answer");
  assert.equal(made({ always: true })?.fallback, "events");
  assert.equal(made({ cursor: "masts" })?.fallback, "events");
});

Deno.test("what can be made sure to happen once takes a key, and nothing else does", () => {
  const commandOf = (op: Operation) => deriveCommands([], new Map([[op.id, op]]))[0]!;
  const single = commandOf(call({ ...ships, once: true }) as Operation);
  assert.equal(single.options.find(({ name }) => name === "idempotency-key")?.value, "KEY");
  const { options } = commandOf(ships as Operation);
  assert.ok(!options.some(({ name }) => name === "idempotency-key"));
  const keyOf = (key: string) => toOnce(parseCommand(["ships", "find", ...START, "--idempotency-key", key], single));
  assert.deepEqual(keyOf("order-66"), { idempotency_key: "order-66" });
  for (const key of ["two words", "ö", "k".repeat(256)]) {
    assert.throws(() => keyOf(key), { name: "UsageError", message: /"--idempotency-key" wants 1 to 255 visible/ });
  }
});
