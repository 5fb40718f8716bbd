/**
 * The code that the documentation shows, run against a real server.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { documentOf } from "../../src/app/documents.ts";
import { operations } from "../../src/operations/mod.ts";
import { byTag, type Found } from "../../src/transports/docs/document.ts";
import { SERVER } from "../../src/transports/docs/samples/sample.ts";
import { LANGUAGES, runSample, type Said } from "../support/code_sample.ts";
import { Cutter } from "../support/cutter.ts";
import { parseFrames } from "../support/events.ts";
import { hasProgram } from "../support/parts.ts";
import { startProvider } from "../support/provider.ts";
import { ADMIN_KEY, startServer, type TestServer, USER_KEY } from "../support/server.ts";

const document = documentOf(operations.values(), { base_path: "" });
const all = byTag(document).flatMap((group) => group.operations);
const assets = new URL("../../src/transports/docs/assets/", import.meta.url);

/**
 * What can't succeed on its own: nothing waits for a decision, a run of the offline model is soon over, and where the
 * example has its tool server nobody listens. The policy of the example stands in a file. Nobody records its calls.
 */
const REFUSED: Record<string, RegExp> = {
  mcp_message: /"error":"NotFoundError"/,
  mcp_server_learn: /"error":"ConflictError"/,
  mcp_server_sign_in_begin: /"error":"NotFoundError"/,
  mcp_server_sign_in: /"error":"ForbiddenError"/,
  mcp_client_get: /"error":"NotFoundError"/,
  tool_get: /"error":"UpstreamError"/,
  tool_invoke: /"error":"UpstreamError"/,
  tool_call: /"error":"UpstreamError"/,
  tool_call_answer: /"error":"NotFoundError"/,
  resource_read: /"error":"NotFoundError"/,
  resource_complete: /"error":"NotFoundError"/,
  resource_watch: /"error":"NotFoundError"/,
  prompt_get: /"error":"NotFoundError"/,
  prompt_complete: /"error":"NotFoundError"/,
  policy_delete: /"error":"ConflictError"/,
  tool_call_decide: /"error":"ToolCallNotFoundError"/,
  rtc_offer: /"error":"ValidationError"/,
  rtc_viewer_create: /"error":"ValidationError"/,
  rtc_room_viewer_create: /"error":"ValidationError"/,
  rtc_fragment: /"error":"ConflictError"/,
  rtc_recording_stop: /"error":"NotFoundError"/,
  rtc_recording_get: /"error":"NotFoundError"/,
  // What is answered goes into a file.
  rtc_recording_download: /^$/,
  rtc_recording_transcript: /^$/,
  rtc_recording_delete: /"error":"NotFoundError"/,
  rtc_room_signal: /"error":"NotFoundError"/,
  rtc_answer: /"error":"SessionNotFoundError"/,
  rtc_ice_candidate: /"error":"SessionNotFoundError"/,
  run_cancel: /"status":"completed"|"error":"ConflictError"/,
};

/** What goes on for as long as somebody listens. */
const ENDLESS = new Set(["catalog_watch", "mcp_stream", "rtc_session_events"]);

const make = async (server: TestServer, path: string, body: unknown, key = ADMIN_KEY) => {
  const response = await server.request("POST", path, { key, body });
  assert.ok(response.ok, `${path}: ${response.status}`);
  return await response.json();
};

/** Puts things that exist in the place of the examples' ids, as a reader does. */
async function withRealIds(server: TestServer, { op }: Found, source: string): Promise<string> {
  const { run_id, conversation_id } = await make(server, "/chat", { message: "Hello" });
  const file = await make(server, "/files?name=notes.txt", "What I noted");
  // A run answers what waits for an answer.
  if (op.operationId === "run_create") {
    await make(server, `/conversations/${conversation_id}/messages`, { content: "Hi" });
  }
  if (/^mcp_server_(?!add|sign)/.test(op.operationId)) {
    await make(server, "/agents/assistant/mcp_servers", { name: "clock", url: "http://127.0.0.1:9000/mcp" });
  }
  const ids: Record<string, string> = { run_id, conversation_id, file_id: file.id };
  if (op.tags[0] === "rtc") ids.session_id = (await make(server, "/rtc/sessions", {})).id;
  if (op.operationId.startsWith("rtc_room")) {
    ids.room_id = (await make(server, "/rtc/rooms", { name: "Morning" })).id;
    ids.member_id = (await make(server, `/rtc/rooms/${ids.room_id}/members`, { name: "Ana" })).member.id;
    if (op.operationId === "rtc_room_recording_stop") await make(server, `/rtc/rooms/${ids.room_id}/recording`, {});
  }
  if (op["x-access"] === "admin" && op.tags[0] === "agents") {
    ids.agent_id = `agent-${crypto.randomUUID().slice(0, 8)}`;
    await make(server, "/agents", { id: ids.agent_id, name: "Somebody" });
  }
  let text = source;
  for (const { name, example } of op.parameters ?? []) {
    if (ids[name] !== undefined) text = text.replaceAll(String(example), ids[name]);
  }
  return text.replaceAll(SERVER, server.url);
}

async function run(
  server: TestServer,
  found: Found,
  label: string,
  change = (source: string) => source,
): Promise<Said & { notes: string }> {
  const { source } = found.op["x-codeSamples"].find((one) => one.label === label)!;
  return await runSample(label, await withRealIds(server, found, change(source)), { MUXI_KEY: ADMIN_KEY });
}

Deno.test("the curl command of every operation does what it says", async () => {
  // Every operation of calls has one of its own.
  await using server = await startServer({ settings: { rtc: { max_calls: 200, max_calls_per_key: 200 } } });
  await make(server, "/users/alice/context", { context: { language: "French" } });
  for (const found of all) {
    const { operationId: id, responses } = found.op;
    // Until the end of the commands before it: deleting alice's context is one of them.
    if (id.startsWith("user_context")) await make(server, "/users/alice/context", { context: {} });
    if (ENDLESS.has(id)) {
      const heard = await run(server, found, "curl", (source) => source.replace("curl ", "curl --max-time 1 "));
      assert.equal(heard.code, 28, `${id}: ${heard.err}`);
      continue;
    }
    const { code, out, err, notes } = await run(server, found, "curl");
    assert.equal(code, 0, `${id}: ${err}`);
    if (REFUSED[id]) {
      assert.match(out, REFUSED[id], id);
      continue;
    }
    assert.ok(!out.includes('"statusCode"'), `${id}: ${out}`);
    if (/-N/.test(found.op["x-codeSamples"][0]!.source)) {
      const last = parseFrames(out).at(-1)!.type;
      assert.ok(["run.completed", "model.completed"].includes(last), `${id} ended with ${last}`);
    } else if ("204" in responses && !REFUSED[id]) assert.equal(out, "", id);
    else if (id === "file_download") assert.equal(notes, "What I noted");
    else JSON.parse(out);
  }
});

for (const label of LANGUAGES.filter((label) => label !== "curl")) {
  Deno.test(`code in ${label} sends, reads, streams, uploads and downloads`, {
    ignore: label === "Python" && !hasProgram("python3"),
  }, async () => {
    await using server = await startServer();
    const of = async (id: string) => {
      const said = await run(server, all.find(({ op }) => op.operationId === id)!, label);
      assert.equal(said.code, 0, `${id}: ${said.err}`);
      return said;
    };
    assert.match((await of("chat_send")).out, /offline model/);
    assert.match((await of("chat_stream")).out, /1 run\.started[\s\S]*model\.delta[\s\S]*run\.completed/);
    assert.match((await of("run_events")).out, /1 run\.started[\s\S]*run\.completed/);
    assert.match((await of("health_live")).out, /ok/);
    assert.match((await of("file_create")).out, /notes\.txt/);
    assert.equal((await of("file_download")).notes, "What I noted");
    assert.match((await of("conversation_update")).out, /Second steps/);
    assert.equal((await of("conversation_delete")).out.trim(), "204");
    assert.match((await of("agent_import")).out, /scout/);
    assert.match((await of("agent_respond")).out, /offline model/);
    const { code, err } = await runSample(
      label,
      all[0]!.op["x-codeSamples"].find((one) => one.label === label)!.source.replaceAll(SERVER, server.url),
      { MUXI_KEY: "sk_muxi_wrong" },
    );
    assert.ok(code !== 0 && /401|Unauthorized/.test(err), err);
  });
}

const TOKENS = Array.from({ length: 12 }, (_, i) => `word${i} `);

for (const [label, file] of [["curl", "follow.sh"], ["TypeScript", "follow.mts"], ["Python", "follow.py"]] as const) {
  Deno.test(`the code in ${label} that follows a run misses nothing and hears nothing twice over broken connections`, {
    ignore: label === "Python" && !hasProgram("python3"),
  }, async () => {
    // Slower than deltas are joined, so that there are several.
    await using provider = await startProvider({ script: { tokens: TOKENS, delay: 40 } });
    await using server = await startServer({ provider: provider.url });
    const cuts = [
      { at: "request" },
      { at: "between", frames: 2 },
      { at: "inside", frames: 1, part: 0.6 },
      { at: "inside", frames: 2, part: 0.2 },
    ] as const;
    let made = 0;
    await using cutter = new Cutter({ url: server.url, plan: () => cuts[made], onCut: () => void made++ });
    const source = await Deno.readTextFile(new URL(file, assets));
    const { code, out, err } = await runSample(label, source, { MUXI_KEY: USER_KEY, MUXI_URL: cutter.url });
    assert.equal(code, 0, err);
    assert.equal(made, cuts.length);
    const deltas = parseFrames(out).filter(({ type }) => type === "model.delta");
    const text = label === "curl" ? deltas.map(({ data }) => data.text).join("") : out;
    assert.equal(text.trim(), TOKENS.join("").trim());
    assert.equal(provider.count, 1, "the message was said once");
    if (label === "curl") {
      const ids = parseFrames(out).map(({ id }) => id);
      assert.deepEqual(ids, ids.map((_, i) => i + 1));
    }
  });
}

Deno.test("OpenAI clients attach as the documentation shows, at every path it names", async () => {
  await using server = await startServer();
  const page = await (await server.request("GET", "^/docs/openai", { key: null })).text();
  const named = [...page.matchAll(/<code>([A-Z]+ \/v1\/\S+)<\/code>/g)].map(([, line]) => line!);
  const ours = [...operations.values()].map(({ http }) => http.replace(" ", " /v1").replace("^", ""));
  const door = server.app.routes.filter((line) => / \/v1\/(?!mcp\/|rtc\/)/.test(line)).map((line) =>
    line.replaceAll(/:(\w+)/g, "{$1}")
  )
    .filter((line) => !ours.includes(line));
  assert.deepEqual(named.sort(), door.sort());
  const env = { MUXI_KEY: USER_KEY };
  const shell = (await Deno.readTextFile(new URL("openai.sh", assets))).replaceAll(SERVER, server.url);
  assert.match((await runSample("curl", shell, env)).out, /offline model[\s\S]*data: \[DONE\]/);
  // The package comes from the project's own list of imports.
  const program = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "-"],
    cwd: new URL("../../", import.meta.url),
    env,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = program.stdin.getWriter();
  const source = await Deno.readTextFile(new URL("openai.mts", assets));
  await writer.write(new TextEncoder().encode(source.replaceAll(SERVER, server.url)));
  await writer.close();
  const { code, stdout } = await program.output();
  assert.equal(code, 0);
  assert.match(new TextDecoder().decode(stdout), /offline model/);
});
