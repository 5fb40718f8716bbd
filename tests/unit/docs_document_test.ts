import { strict as assert } from "node:assert";
import { z } from "zod";
import { documentOf } from "../../src/app/documents.ts";
import { RUN_STATUS } from "../../src/domain/run.ts";
import { ERROR_STATUS } from "../../src/domain/error.ts";
import { EVENT_DATA } from "../../src/domain/event.ts";
import { byHand, operations } from "../../src/operations/mod.ts";
import { call, type Operation } from "../../src/operations/operation.ts";
import { byTag, type Found } from "../../src/transports/docs/document.ts";
import { errorsPage } from "../../src/transports/docs/pages/errors.ts";
import { eventsPage } from "../../src/transports/docs/pages/events.ts";
import { referencePage } from "../../src/transports/docs/pages/reference.ts";
import { Schemas } from "../../src/transports/docs/schemas.ts";
import { TAG_TEXT, tagOf } from "../../src/transports/docs/tags.ts";
import { toMap, withMap } from "../../tools/docs.ts";

const document = documentOf(operations.values(), { base_path: "/muxi" });
const found = byTag(document).flatMap((group) => group.operations);
const all = found.filter(({ op }) => !op["x-by-hand"]);
const facts = { keepalive_seconds: 15, write_timeout_seconds: 60, delta_days: 7, run_days: 90 };

/** OpenAPI has no words for two flows at once. */
const told = [...operations.values()].filter(({ kind }) => kind !== "duplex");

/** What the document's examples make of an operation's input. */
function exampleOf({ op }: Found): Record<string, unknown> {
  const fields = (op.parameters ?? []).filter(({ required }) => required).map(({ name, example }) => [name, example]);
  return { ...Object.fromEntries(fields), ...op.requestBody?.content["application/json"]?.example as object };
}

Deno.test("what the document gives as an example is what the operation takes", () => {
  for (const found of all) {
    const { input } = operations.get(found.op.operationId)!;
    const { success, error } = input.safeParse(exampleOf(found));
    assert.ok(success, `${found.op.operationId}: ${error?.message}`);
  }
});

Deno.test("every operation is in one group, with its access, command and code in three languages", () => {
  assert.deepEqual(all.map(({ op }) => op.operationId).sort(), told.map(({ id }) => id).sort());
  for (const { op, path } of all) {
    const declared = operations.get(op.operationId)!;
    assert.equal(op["x-access"], declared.access);
    assert.equal(op["x-tool"] ?? false, declared.mcp !== undefined);
    assert.equal(op["x-stream"] !== undefined, declared.kind === "stream");
    assert.match(op["x-command"]!, /^muxi [a-z-]+( [a-z-]+)?$/);
    assert.deepEqual(op["x-codeSamples"].map(({ label }) => label), ["curl", "TypeScript", "Python"]);
    for (const { source } of op["x-codeSamples"]) {
      assert.ok(!/\{\w+_id\}|undefined|\[object/.test(source), source);
      assert.equal(source.includes("MUXI_KEY"), declared.access !== "public", `${path}: ${source}`);
    }
  }
  assert.equal(new Set(all.map(({ op }) => op["x-command"])).size, all.length);
  const groups = byTag(document).map(({ name }) => name);
  for (const name of Object.keys(TAG_TEXT)) assert.ok(groups.includes(name), `there is no group ${name} any more`);
});

Deno.test("what a protocol shapes is in the group of its door, with its access and examples that fit", () => {
  const others = new Map(found.filter(({ op }) => op["x-by-hand"]).map((one) => [one.op.operationId, one]));
  assert.deepEqual([...others.keys()], byHand.map(({ id }) => id));
  for (const { id, uses, query, body, answer } of byHand) {
    const { op } = others.get(id)!;
    assert.deepEqual([op.tags, op["x-access"]], [["mcp"], uses.access], id);
    assert.equal(op["x-stream"] !== undefined, answer.items !== undefined, id);
    const needed = (op.parameters ?? []).filter(({ required }) => required).map(({ name, example }) => [name, example]);
    assert.ok(query.safeParse(Object.fromEntries(needed)).success, id);
    const sent = op.requestBody?.content["application/json"]?.example;
    assert.equal(body?.safeParse(sent).success ?? sent === undefined, true, id);
    assert.match(op["x-codeSamples"][0]!.source, /^curl [^]*MUXI_KEY/);
  }
});

Deno.test("a group is named after the path where the path names the thing", () => {
  const of = (id: string, http: Operation["http"]) => tagOf({ id, http });
  assert.equal(of("agent_list", "GET /agents"), "agents");
  assert.equal(of("chat_send", "POST /chat"), "chat");
  assert.equal(of("tool_call_decide", "POST /runs/{run_id}/tool_calls/{tool_call_id}/decision"), "tool_calls");
  assert.equal(of("model_complete", "POST /agents/{agent_id}/complete"), "model");
});

Deno.test("what happens once for a key says so, by its declaration", () => {
  for (const op of told) {
    for (const once of [true, undefined] as const) {
      const { once: _, ...rest } = op;
      const declared = { ...rest, ...once && { once } } as Operation;
      const [found] = byTag(documentOf([declared], { base_path: "" })).flatMap((group) => group.operations);
      const header = found!.op.parameters?.find(({ name }) => name === "Idempotency-Key");
      assert.equal(header?.in, once && "header", op.id);
      if (header) assert.match("order-66", new RegExp(header.schema.pattern!));
    }
  }
});

Deno.test("pages hold every operation, event, state and error, and every link inside them leads somewhere", async () => {
  const pages: Record<string, string> = {
    "/muxi/docs": String(await referencePage(document, "/muxi")),
    "/muxi/docs/events": String(await eventsPage(document, "/muxi", facts)),
    "/muxi/docs/errors": String(await errorsPage(document, "/muxi")),
  };
  const ids = (path: string) => new Set([...pages[path]!.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!));
  for (const { op } of found) assert.ok(ids("/muxi/docs").has(op.operationId), op.operationId);
  for (const type of Object.keys(EVENT_DATA)) assert.ok(ids("/muxi/docs/events").has(type), type);
  for (const name of Object.keys(ERROR_STATUS)) assert.ok(ids("/muxi/docs/errors").has(name), name);
  for (const status of RUN_STATUS) {
    assert.match(pages["/muxi/docs/events"]!, new RegExp(`<text [^>]*>${status}</text>`));
  }
  let links = 0;
  for (const [path, text] of Object.entries(pages)) {
    const found = [...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    assert.deepEqual(found.filter((id, i) => found.indexOf(id) !== i), [], `${path} has ids twice`);
    for (const [, to = "", hash] of text.matchAll(/ href="([^"#]*)#([^"]+)"/g)) {
      links++;
      assert.ok(ids(to || path).has(hash!), `${path} links to ${to}#${hash}`);
    }
  }
  assert.ok(links > 500);
});

Deno.test("what schemas and summaries say goes into a page as text", async () => {
  const evil = structuredClone(document);
  evil.paths["/api/v1/chat"]!.post!.summary = "<script>alert(1)</script> \"'&`<b>`";
  const text = String(await referencePage(evil, ""));
  assert.ok(!text.includes("<script>alert"));
  assert.ok(text.includes("&lt;script&gt;alert(1)&lt;/script&gt;"));
});

Deno.test("the operation map of the README is the one that belongs there", async () => {
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  const plain = documentOf(operations.values(), { base_path: "" });
  assert.equal(withMap(readme, plain), readme, "README.md has an old operation map: run deno task docs");
  for (const { op } of found) assert.ok(toMap(plain).includes(`\`${op.operationId}\``), op.operationId);
  const stale = readme.replace("`chat_send`", "`chat_sent`");
  assert.notEqual(stale, readme);
  assert.equal(withMap(stale, plain), readme);
  assert.throws(() => withMap("# No marks", plain), /expected <!-- operations -->/);
});

Deno.test("what is sent and what is answered under one name have a name each where they differ", () => {
  const Inner = z.object({ size: z.number().default(1) }).meta({ id: "Inner" });
  const Outer = z.object({ inner: Inner }).meta({ id: "Outer" });
  const Same = z.strictObject({ text: z.string() }).meta({ id: "Same" });
  const input = z.strictObject({ outer: Outer, same: Same });
  const schemas = new Schemas([
    call({
      id: "thing_make",
      summary: "Make a thing",
      access: "user",
      input,
      output: Outer.extend({ same: Same, outer: Outer }),
      errors: [],
      http: "POST /things",
      limit: "write",
    }),
  ]);
  const asked = schemas.of(input, "input");
  const answered = schemas.of(z.object({ outer: Outer, same: Same }), "output");
  assert.deepEqual(Object.keys(schemas.named).sort(), ["Inner", "InnerOutput", "Outer", "OuterOutput", "Same"]);
  assert.equal(asked.properties!.outer!.$ref, "#/components/schemas/Outer");
  assert.equal(answered.properties!.outer!.$ref, "#/components/schemas/OuterOutput");
  assert.equal(answered.properties!.same!.$ref, "#/components/schemas/Same");
  assert.equal(schemas.named.OuterOutput!.properties!.inner!.$ref, "#/components/schemas/InnerOutput");
  assert.deepEqual([schemas.named.Inner!.required, schemas.named.InnerOutput!.required], [undefined, ["size"]]);
});
