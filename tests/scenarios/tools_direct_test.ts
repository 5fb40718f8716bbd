/**
 * Tools that somebody calls directly.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import type { ServerOptions } from "../support/server.ts";
import { ADMIN_KEY, startServer } from "../support/server.ts";
import { ask, askAdmin, createAgent, framesOf, type Json, until } from "../support/story.ts";
import { type ScriptedTool, scriptedToolbox } from "../support/toolbox.ts";

const SCOPED = { auth: { user_scopes: ["tools"] } };
const words = (text: string) => ({ content: [{ type: "text" as const, text }], is_error: false });
const echo: ScriptedTool = {
  parameters: { type: "object", properties: { text: { type: "string" } }, required: ["text"] },
  act: ({ text }) => words(String(text)),
};

/** A server with `tools`, whose user key may call them. */
async function bench(tools: Record<string, ScriptedTool>, options: ServerOptions = {}) {
  const toolbox = scriptedToolbox(tools);
  const server = await startServer({ settings: SCOPED, ...options, ports: { toolbox, ...options.ports } });
  const call = (name: string, args: Json = {}, options: Json = {}) =>
    ask(server, `POST /tools/${name}/call`, { body: { arguments: args }, ...options });
  const rows = (limit = 100): Promise<Json[]> => {
    const path = `${server.data_dir}/muxi.db`;
    return rowsOf(path, limit);
  };
  return { server, toolbox, call, rows, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** The rows of tool calls, read by another process: nothing else may open the file in this one. */
async function rowsOf(path: string, limit: number): Promise<Json[]> {
  const code = `import { DatabaseSync } from "node:sqlite";
    const rows = new DatabaseSync(Deno.args[0], { readOnly: true }).prepare("SELECT * FROM tool_calls ORDER BY id LIMIT ?");
    console.log(JSON.stringify(rows.all(Number(Deno.args[1]))));`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, code);
    const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-config", file, path, String(limit)],
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    return JSON.parse(new TextDecoder().decode(stdout));
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("a call is answered, and leaves a row of whoever made it", async () => {
  await using shop = await bench({ echo });
  const { tool_call_id, result, duration_ms } = await shop.call("echo", { text: "Hello" }, {
    body: { arguments: { text: "Hello" }, user_id: "ada" },
  });
  assert.deepEqual(result, words("Hello"));
  assert.ok(duration_ms >= 0);
  const [row, ...more] = await shop.rows();
  assert.equal(more.length, 0);
  assert.deepEqual([row.id, row.tool, row.status, row.user_id, row.key_id, row.run_id, row.step_id], [
    tool_call_id,
    "echo",
    "completed",
    "ada",
    "user",
    null,
    null,
  ]);
  assert.deepEqual(JSON.parse(row.arguments), { text: "Hello" });
  assert.equal(JSON.parse(row.result).content[0].text, "Hello");
});

Deno.test("without the scope a user key is told what it lacks, and an admin may test", async () => {
  await using shop = await bench({ echo }, { settings: {} });
  const refused = await shop.call("echo", { text: "Hello" }, { status: 403 });
  assert.match(refused.message, /lacks the scope "tools"/);
  assert.equal(shop.toolbox.calls.length, 0);
  const invoked = await askAdmin(shop.server, "POST /tools/echo/invoke", { body: { arguments: { text: "Test" } } });
  assert.deepEqual(invoked.result, words("Test"));
  await ask(shop.server, "POST /tools/echo/invoke", { body: { arguments: { text: "Test" } }, status: 403 });
});

Deno.test("refusals come before anything is called, in words", async () => {
  await using shop = await bench({ echo });
  assert.match((await shop.call("nothing", {}, { status: 404 })).message, /there is no such tool/);
  assert.match((await shop.call("echo", { text: 1 }, { status: 400 })).message, /text/);
  assert.equal(shop.toolbox.calls.length, 0);
  assert.deepEqual(await shop.rows(), []);
});

Deno.test("a tool that says it failed is an answer, one that breaks is an error, and both are rows", async () => {
  await using shop = await bench({
    sorry: { act: () => ({ ...words("no paper"), is_error: true }) },
    broken: { act: () => Promise.reject(new Error("lost sk-very-secret-key")) },
  });
  const { result } = await shop.call("sorry");
  assert.deepEqual([result.is_error, result.content[0].text], [true, "no paper"]);
  const error = await shop.call("broken", {}, { status: 502 });
  assert.match(error.message, /lost \[masked\]/);
  const rows = await shop.rows();
  assert.deepEqual(rows.map(({ tool, status }) => `${tool} ${status}`), ["sorry failed", "broken failed"]);
  assert.match(rows[1].error, /lost \[masked\]/);
});

Deno.test("what a server was trusted with is in no answer, no error and no row", async () => {
  const secret = "correct horse battery staple";
  await using shop = await bench({
    tell: {
      secrets: [secret],
      act: () => ({
        content: [{ type: "text", text: `it is ${secret}.` }, {
          type: "resource",
          uri: `x://${secret}`,
          text: `${secret}${secret}`,
        }],
        structured_content: { [secret]: [{ deep: `a ${secret}` }] },
        is_error: false,
      }),
    },
    sign: { secrets: [secret], description: `Signs with ${secret}`, act: () => words("signed") },
    fail: { secrets: [secret], act: () => Promise.reject(new Error(`can't sign in with ${secret}`)) },
  });
  const answer = JSON.stringify(await shop.call("tell"));
  const error = JSON.stringify(await shop.call("fail", {}, { status: 502 }));
  const rows = JSON.stringify(await shop.rows());
  const list = JSON.stringify(await ask(shop.server, "GET /tools"));
  const one = JSON.stringify(await ask(shop.server, "GET /tools/sign"));
  for (const seen of [answer, error, rows, list, one]) {
    assert.ok(!seen.includes(secret), seen);
    assert.match(seen, /\[masked\]/);
  }
});

Deno.test("an answer that breaks the tool's own schema is shown, and is a failure", async () => {
  const output_schema = { type: "object", properties: { n: { type: "number" } }, required: ["n"] };
  const answer = (structured_content: unknown) => ({ content: [], structured_content, is_error: false });
  await using shop = await bench({
    right: { output_schema, act: () => answer({ n: 1 }) },
    wrong: { output_schema, act: () => answer({ n: "one" }) },
    absent: { output_schema, act: () => words("one") },
  });
  assert.deepEqual((await shop.call("right")).result, answer({ n: 1 }));
  const wrong = (await shop.call("wrong")).result;
  assert.equal(wrong.is_error, true);
  assert.match(wrong.content[0].text, /is not what its schema promises: .*n/);
  assert.equal(wrong.content[1].text, '{"n":"one"}');
  const absent = (await shop.call("absent")).result;
  assert.match(absent.content[0].text, /no structured content/);
  assert.equal(absent.content[1].text, "one");
});

Deno.test("schemas that refer to themselves, lie, or are huge stop nobody", async () => {
  const node = {
    $defs: { node: { type: "object", properties: { next: { $ref: "#/$defs/node" }, n: { type: "number" } } } },
    $ref: "#/$defs/node",
  };
  const huge = {
    type: "object",
    properties: Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`p${i}`, {}])),
  };
  const schemas: Record<string, Record<string, unknown>> = {
    node,
    endless: { $ref: "#" },
    nowhere: { $ref: "#/$defs/nothing" },
    elsewhere: { $ref: "https://example.org/schema.json" },
    huge,
    slow: { type: "object", properties: { a: { type: "string", pattern: "^(a+)+$" } } },
  };
  await using shop = await bench(
    Object.fromEntries(
      Object.entries(schemas).map(([name, parameters]) => [name, { parameters, act: () => words("fine") }]),
    ),
  );
  assert.deepEqual((await shop.call("node", { next: { next: { n: 1 } } })).result, words("fine"));
  assert.match((await shop.call("node", { next: { next: { n: "1" } } }, { status: 400 })).message, /n/);
  for (const name of ["endless", "nowhere", "elsewhere", "huge"]) {
    const { message } = await shop.call(name, {}, { status: 400 });
    assert.match(message, /schema/, name);
  }
  await shop.call("slow", { a: `${"a".repeat(5000)}b` }, { status: 400 });
  const { data } = await ask(shop.server, "GET /tools?limit=100");
  assert.equal(data.length, 6);
});

Deno.test("streamed, a call tells how far it is, and its time begins anew with each word", async () => {
  const act: ScriptedTool["act"] = async (_, __, { onProgress }) => {
    for (let i = 1; i <= 4; i++) {
      await new Promise((resolve) => setTimeout(resolve, 700));
      onProgress?.({ progress: i, total: 4, message: `part ${i}` });
    }
    return words("done");
  };
  await using shop = await bench({ work: { act } }, { settings: { ...SCOPED, runs: { tool_timeout_seconds: 2 } } });
  const frames = await framesOf(shop.server, "POST /tools/work/call", { body: {} });
  const last = frames.pop()!;
  assert.equal(last.type, "tool.call.result");
  assert.deepEqual(last.data.result, words("done"));
  assert.ok(frames.length > 0);
  for (const { type, data } of frames) {
    assert.equal(type, "tool.call.progress");
    assert.deepEqual([data.tool_call_id, data.total], [last.data.tool_call_id, 4]);
  }
});

Deno.test("progress does not save a call from the limit in all", async () => {
  const act: ScriptedTool["act"] = (_, signal, { onProgress }) => {
    const timer = setInterval(() => onProgress?.({ progress: 1 }), 50);
    signal.addEventListener("abort", () => clearInterval(timer));
    return new Promise(() => {});
  };
  await using shop = await bench({ work: { act } });
  await askAdmin(shop.server, "PATCH /policies/default", {
    body: { tools: { "*": { timeout_seconds: 0.5, max_timeout_seconds: 1 } } },
  });
  const error = await shop.call("work", {}, { status: 408 });
  assert.match(error.message, /any longer: 1 s passed/);
  assert.equal(shop.toolbox.calls[0]!.cancelled, true);
});

Deno.test("who leaves a streamed call cancels it, and the row says so", async () => {
  await using shop = await bench({ work: { act: () => new Promise(() => {}) } });
  const leaving = new AbortController();
  const asked = shop.server.request("POST", "/tools/work/call", {
    body: {},
    headers: { accept: "text/event-stream" },
    signal: leaving.signal,
  });
  await until("the call is made", () => shop.toolbox.calls.length === 1);
  leaving.abort();
  await asked.then((response) => response.body?.cancel(), () => {}).catch(() => {});
  await until("the tool is told", () => shop.toolbox.calls[0]!.cancelled);
  const [row] = await until("there is a row", async () => {
    const rows = await shop.rows();
    return rows.length > 0 ? rows : null;
  });
  assert.equal(row.status, "cancelled");
});

Deno.test("a picture is an answer as it is; the row keeps its size", async () => {
  const data = new Uint8Array(3000).toBase64();
  const content = [{ type: "image" as const, data, media_type: "image/png" }];
  await using shop = await bench({ paint: { act: () => ({ content, is_error: false }) } });
  assert.deepEqual((await shop.call("paint")).result.content, content);
  const [row] = await shop.rows();
  assert.deepEqual(JSON.parse(row.result).content, [{ type: "image", media_type: "image/png", bytes: 3000 }]);
});

Deno.test("tools are listed in pages, by server and by agent, and changes are followed", async () => {
  const tools = Object.fromEntries(["a__one", "a__two", "b__one"].map((name) => [name, {
    server: name.slice(0, 1),
    act: () => words("fine"),
  }]));
  await using shop = await bench(tools);
  const names = async (query: string) =>
    (await ask(shop.server, `GET /tools?${query}`)).data.map(({ name }: Json) => name);
  assert.deepEqual(await names("limit=2"), ["a__one", "a__two"]);
  assert.deepEqual(await names("limit=2&cursor=a__two"), ["b__one"]);
  assert.deepEqual(await names("order=desc"), ["b__one", "a__two", "a__one"]);
  assert.deepEqual(await names("server=b"), ["b__one"]);
  await createAgent(shop.server, "worker", { allowed_tools: ["*__one"] });
  assert.deepEqual(await names("agent_id=worker"), [], "it is attached to neither server");
  assert.equal((await ask(shop.server, "GET /tools/a__one")).server, "a");
  await ask(shop.server, "GET /tools/nothing", { status: 404 });
  const reading = new AbortController();
  const response = await shop.server.request("GET", "/tools/events", {
    headers: { accept: "text/event-stream" },
    signal: reading.signal,
  });
  assert.equal(response.status, 200);
  shop.toolbox.tell({ kind: "tools", server: "a" });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n\n")) text += (await reader.read()).value ?? "";
  assert.match(text, /event: tools\.changed\ndata: \{"server":"a"\}/);
  reading.abort();
  await reader.cancel().catch(() => {});
  const next = ask(shop.server, "GET /tools/events", { key: ADMIN_KEY });
  const telling = setInterval(() => shop.toolbox.tell({ kind: "prompts", server: null }), 20);
  try {
    assert.deepEqual(await next, { data: [{ kind: "prompts", server: null }] });
  } finally {
    clearInterval(telling);
  }
});
