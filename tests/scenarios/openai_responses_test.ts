/**
 * Responses: asked for, kept, gone on with, stopped and deleted.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { startProvider } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { ask, createAgent, eventsOf, type Json, saidTo, until, untilStatus } from "../support/story.ts";
import { askResponse, postResponse, reading, respond, streamed, textOf } from "../support/openai_response_story.ts";

const runOf = (id: string) => id.replace("resp_", "run_");
const USAGE = {
  prompt_tokens: 20,
  completion_tokens: 7,
  total_tokens: 27,
  prompt_tokens_details: { cached_tokens: 5 },
  completion_tokens_details: { reasoning_tokens: 2 },
};

Deno.test("a response has every field of the specification, at once and when it is asked for again", async () => {
  await using provider = await startProvider({
    script: { reasoning: ["Let me ", "see"], tokens: ["It ", "is ", "noon."], usage: USAGE },
  });
  await using server = await startServer({ provider: provider.url });
  const response = await respond(server, {
    body: { instructions: "Be brief", temperature: 0.5, max_output_tokens: 99, metadata: { own: "1" }, user: "ada" },
  });
  const { id, created_at, completed_at, conversation, output, ...rest } = response;
  assert.match(id, /^resp_[0-9a-z]{26}$/);
  assert.ok(Math.abs(created_at - Date.now() / 1000) < 3600 && Number.isInteger(created_at));
  assert.ok(completed_at >= created_at && Number.isInteger(completed_at));
  assert.match(conversation.id, /^conv_/);
  assert.deepEqual(output.map(({ type, status, content }: Json) => [type, status, content[0].text]), [
    ["reasoning", "completed", "Let me see"],
    ["message", "completed", "It is noon."],
  ]);
  assert.deepEqual(rest, {
    object: "response",
    status: "completed",
    background: false,
    error: null,
    incomplete_details: null,
    instructions: "Be brief",
    max_output_tokens: 99,
    max_tool_calls: null,
    metadata: { own: "1" },
    model: "assistant",
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    service_tier: "default",
    store: true,
    temperature: 0.5,
    text: { format: { type: "text" } },
    tool_choice: "auto",
    tools: [],
    top_logprobs: 0,
    top_p: null,
    truncation: "disabled",
    usage: {
      input_tokens: 20,
      input_tokens_details: { cached_tokens: 5, cache_write_tokens: 0 },
      output_tokens: 7,
      output_tokens_details: { reasoning_tokens: 2 },
      total_tokens: 27,
    },
  });
  assert.deepEqual(await askResponse(server, `GET /${id}`), response);
  const run = await ask(server, `GET /runs/${runOf(id)}`);
  assert.equal(run.user_id, "ada");
});

Deno.test("the same is told below both prefixes, streamed and not", async () => {
  await using provider = await startProvider({ script: { tokens: ["It ", "is ", "noon."], usage: USAGE } });
  await using server = await startServer({ provider: provider.url });
  const events = await streamed(server);
  const below = await server.request("GET", `/responses/${events[0].response.id}`);
  assert.deepEqual(await below.json(), events.at(-1).response);
  const native = await eventsOf(server, runOf(events[0].response.id));
  const deltas = (all: { type: string }[], type: string) => all.filter((event) => event.type === type) as Json[];
  assert.deepEqual(
    deltas(events, "response.output_text.delta").map(({ delta }) => delta),
    deltas(native, "model.delta").map(({ data }) => data.text),
  );
});

Deno.test("a response goes on behind another one, and two may go on behind the same", async () => {
  await using provider = await startProvider({ script: ({ body }) => ({ tokens: [`${body.messages.length}`] }) });
  await using server = await startServer({ provider: provider.url });
  const first = await respond(server, { body: { input: "One", instructions: "Only now" } });
  const behind = { previous_response_id: first.id };
  const second = await respond(server, { body: { input: "Two", ...behind } });
  const other = await respond(server, { body: { input: "Three", ...behind } });
  assert.deepEqual([second.previous_response_id, other.previous_response_id], [first.id, first.id]);
  const said = provider.requests.map((request) => saidTo(request).filter((text) => !text.startsWith("system")));
  const answer = `assistant: ${textOf(first)}`;
  assert.deepEqual(said, [["user: One"], ["user: One", answer, "user: Two"], ["user: One", answer, "user: Three"]]);
  assert.ok(saidTo(provider.requests[0]!).some((text) => text.includes("Only now")));
  assert.ok(
    !saidTo(provider.requests[1]!).some((text) => text.includes("Only now")),
    "instructions are not carried on",
  );
  assert.equal(second.conversation.id, first.conversation.id);
  assert.notEqual(other.conversation.id, first.conversation.id);
});

Deno.test("a conversation is pinned by the body or by a header, where only what is new counts", async () => {
  await using provider = await startProvider({ script: { tokens: ["ok"] } });
  await using server = await startServer({ provider: provider.url });
  const headers = { "x-muxi-conversation": "chat-7" };
  const first = await respond(server, { body: { input: "One" }, headers });
  const second = await respond(server, {
    body: {
      input: [{ role: "user", content: "One" }, { role: "assistant", content: "ok" }, { role: "user", content: "Two" }],
    },
    headers,
  });
  const third = await respond(server, { body: { input: "Three", conversation: { id: first.conversation.id } } });
  for (const { conversation } of [second, third]) assert.deepEqual(conversation, first.conversation);
  const said = saidTo(provider.requests[2]!).filter((text) => !text.startsWith("system"));
  assert.deepEqual(said, ["user: One", "assistant: ok", "user: Two", "assistant: ok", "user: Three"]);
  const { error } = await respond(server, {
    body: { conversation: "x", previous_response_id: first.id },
    status: 400,
  });
  assert.equal(error.param, "previous_response_id");
});

Deno.test("the caller's tools are called by the caller, and the answer goes on behind the call", async () => {
  await using provider = await startProvider({
    script: [{ tool_calls: [{ name: "weather", arguments: { city: "Ulm" } }] }, { tokens: ["It ", "rains"] }],
  });
  await using server = await startServer({ provider: provider.url });
  const tools = [{ type: "function", name: "weather", description: "Tells it", parameters: { type: "object" } }];
  const asked = await respond(server, { body: { input: "How is it?", tools, tool_choice: "required" } });
  assert.deepEqual(asked.tools, [{ ...tools[0], strict: null }]);
  assert.equal(asked.tool_choice, "required");
  const [call] = asked.output;
  assert.deepEqual([call.type, call.name, call.arguments], ["function_call", "weather", '{"city":"Ulm"}']);
  const output = { type: "function_call_output", call_id: call.call_id, output: "rain" };
  const body = { tools, input: [output], previous_response_id: asked.id };
  assert.equal(textOf(await respond(server, { body })), "It rains");
  // The same without anything kept: the caller brings all of it along.
  const { id: _, status: __, ...item } = call;
  const all = [{ role: "user", content: "How is it?" }, { type: "reasoning", summary: [] }, item, output];
  assert.equal(textOf(await respond(server, { body: { tools, input: all, store: false } })), "It rains");
  const [, behind, alone] = provider.requests.map(({ body }) =>
    body.messages.filter(({ role }: Json) => role !== "system")
  );
  assert.deepEqual(behind.map(({ role }: Json) => role), ["user", "assistant", "tool"]);
  assert.equal(behind[2].content, "rain");
  assert.deepEqual(alone.map(({ role }: Json) => role), ["user", "assistant", "tool"]);
  assert.equal(alone[1].tool_calls[0].function.name, "weather");
});

Deno.test("items may be named instead of sent, as long as their response is kept", async () => {
  await using provider = await startProvider({
    script: [
      { reasoning: ["hm"], tokens: ["Wait"], delay: 1, tool_calls: [{ name: "weather", arguments: { city: "Ulm" } }] },
      { tokens: ["It rains"] },
    ],
  });
  await using server = await startServer({ provider: provider.url });
  const tools = [{ type: "function", name: "weather" }];
  const { id, output } = await respond(server, { body: { tools } });
  assert.deepEqual(output.map(({ type }: Json) => type), ["reasoning", "message", "function_call"]);
  const input = [
    { role: "user", content: "Hello" },
    ...output.map(({ id }: Json) => ({ type: "item_reference", id })),
    { type: "function_call_output", call_id: output[2].call_id, output: "rain" },
  ];
  const answer = await respond(server, { body: { tools, input } });
  assert.equal(textOf(answer), "It rains");
  const said = provider.requests[1]!.body.messages.filter(({ role }: Json) => role !== "system");
  assert.deepEqual(said.map(({ role, content }: Json) => [role, content]), [
    ["user", "Hello"],
    ["assistant", "Wait"],
    ["tool", "rain"],
  ]);
  assert.equal(said[1].tool_calls[0].function.name, "weather");
  await askResponse(server, `DELETE /${id}`);
  const { error } = await respond(server, { body: { tools, input }, status: 400 });
  assert.equal(error.param, "input[2].id");
});

Deno.test("in the background a response is made without its caller, who may look at it meanwhile", async () => {
  await using provider = await startProvider({ script: { tokens: 60, delay: 5 } });
  await using server = await startServer({ provider: provider.url });
  const begun = await respond(server, { body: { background: true } });
  assert.deepEqual([begun.status, begun.background, begun.output], ["in_progress", true, []]);
  const seen = await until("some text", async () => {
    const now = await askResponse(server, `GET /${begun.id}`);
    return textOf(now).length > 0 && now;
  });
  assert.equal(seen.status, "in_progress");
  assert.equal(seen.output[0].status, "in_progress");
  await untilStatus(server, runOf(begun.id), "completed");
  const done = await askResponse(server, `GET /${begun.id}`);
  assert.equal(done.status, "completed");
  assert.ok(textOf(done).startsWith(textOf(seen)));
  assert.equal(provider.requests[0]!.tokens_sent, 60);
});

Deno.test("who leaves stops the response, except in the background", async () => {
  await using provider = await startProvider({ script: { tokens: 400, delay: 5 } });
  await using server = await startServer({ provider: provider.url });
  for (const background of [false, true]) {
    const response = await postResponse(server, { body: { stream: true, background } });
    let id = "";
    for await (const event of reading(response)) {
      id ||= event.response.id;
      if (event.type === "response.output_text.delta") break;
    }
    if (background) {
      assert.equal((await askResponse(server, `GET /${id}`)).status, "in_progress");
      await askResponse(server, `POST /${id}/cancel`);
    }
    const run = await untilStatus(server, runOf(id), "cancelled");
    assert.ok(run.cancel_requested_at);
    const request = provider.requests.at(-1)!;
    await request.settled;
    assert.ok(request.tokens_sent < 400 && request.closed_at !== null, "the provider's connection is closed");
    const kept = await askResponse(server, `GET /${id}`);
    assert.equal(kept.status, "cancelled");
    assert.notEqual(textOf(kept), "", "what was said is kept");
  }
});

Deno.test("who leaves an answer that is not streamed stops it, too", async () => {
  await using provider = await startProvider({ script: { reasoning: ["hm"], tokens: 400, delay: 5 } });
  await using server = await startServer({ provider: provider.url });
  const leaving = new AbortController();
  const response = await postResponse(server, { body: { input: "x".repeat(4000) }, signal: leaving.signal });
  leaving.abort();
  await response.text().catch(() => {});
  const request = await provider.received();
  await request.settled;
  assert.ok(request.closed_at !== null && request.tokens_sent < 400);
});

Deno.test("a response in the background is cancelled once, and what has ended can't be", async () => {
  await using provider = await startProvider({ script: { tokens: ["a ", "b"], hang: true } });
  await using server = await startServer({ provider: provider.url });
  const { id } = await respond(server, { body: { background: true } });
  const { error: early } = await askResponse(server, `DELETE /${id}`, { status: 400 });
  assert.match(early.message, /in-flight/);
  const cancelled = await askResponse(server, `POST /${id}/cancel`);
  assert.equal(cancelled.status, "cancelled");
  assert.deepEqual(await askResponse(server, `POST /${id}/cancel`), cancelled, "twice is as good as once");
  provider.script({ tokens: ["Hi"] });
  const done = await respond(server, { body: { background: true } });
  await untilStatus(server, runOf(done.id), "completed");
  const { error } = await askResponse(server, `POST /${done.id}/cancel`, { status: 400 });
  assert.match(error.message, /completed already/);
  const synchronous = await respond(server);
  const { error: refused } = await askResponse(server, `POST /${synchronous.id}/cancel`, { status: 400 });
  assert.match(refused.message, /^Cannot cancel a synchronous response/);
});

Deno.test("a response that was deleted, or was to be kept by nobody, can't be found", async () => {
  await using provider = await startProvider({ script: { tokens: ["Hi"] } });
  await using server = await startServer({ provider: provider.url });
  const { id } = await respond(server);
  assert.deepEqual(await askResponse(server, `DELETE /${id}`), { id, object: "response", deleted: true });
  const passing = await respond(server, { body: { store: false } });
  assert.deepEqual([passing.store, passing.conversation], [false, null]);
  for (const unknown of [id, passing.id, "resp_1", "run_1", "a%20b"]) {
    for (const route of [`GET /${unknown}`, `GET /${unknown}?stream=true`, `POST /${unknown}/cancel`]) {
      const { error } = await askResponse(server, route, { status: 404 });
      assert.equal(error.type, "invalid_request_error", route);
    }
    await askResponse(server, `DELETE /${unknown}`, { status: 404 });
    await askResponse(server, `GET /${unknown}/input_items`, { status: 404 });
  }
});

Deno.test("a user's response is nobody else's", async () => {
  await using provider = await startProvider({ script: { tokens: ["Hi"] } });
  await using server = await startServer({ provider: provider.url });
  const { id, output } = await respond(server, { headers: { "x-muxi-user": "ada" } });
  await askResponse(server, `GET /${id}`, { headers: { "x-muxi-user": "ada" } });
  const eve = { headers: { "x-muxi-user": "eve" }, status: 404 };
  await askResponse(server, `GET /${id}`, eve);
  await askResponse(server, `GET /${id}?stream=true`, eve);
  await askResponse(server, `GET /${id}/input_items`, eve);
  await askResponse(server, `DELETE /${id}`, eve);
  const { error } = await respond(server, {
    body: { previous_response_id: id },
    headers: { "x-muxi-user": "eve" },
    status: 400,
  });
  assert.deepEqual([error.param, error.code], ["previous_response_id", "previous_response_not_found"]);
  const named = { type: "item_reference", id: output[0].id };
  const { error: other } = await respond(server, { body: { input: [named] }, ...eve, status: 400 });
  assert.equal(other.param, "input[0].id");
});

Deno.test("the input of a response is listed in pages, without what came before it", async () => {
  await using provider = await startProvider({ script: { tokens: ["ok"] } });
  await using server = await startServer({ provider: provider.url });
  const first = await respond(server, { body: { input: "Before" } });
  const png = "data:image/png;base64,iVBORw0KGgo=";
  const { id } = await respond(server, {
    body: {
      previous_response_id: first.id,
      input: [
        { role: "user", content: [{ type: "input_text", text: "See" }, { type: "input_image", image_url: png }] },
        { type: "function_call", call_id: "call_1", name: "look", arguments: "{}" },
        { type: "function_call_output", call_id: "call_1", output: "seen" },
        { role: "user", content: "And?" },
      ],
    },
  });
  const all = await askResponse(server, `GET /${id}/input_items?order=asc`);
  assert.deepEqual([all.object, all.has_more], ["list", false]);
  assert.deepEqual(all.data.map(({ type }: Json) => type), [
    "message",
    "function_call",
    "function_call_output",
    "message",
  ]);
  const [see, call, output] = all.data;
  assert.deepEqual(see.content[0], { type: "input_text", text: "See" });
  assert.equal(see.content[1].type, "input_file");
  assert.deepEqual([call.call_id, call.name, call.arguments], ["call_1", "look", "{}"]);
  assert.deepEqual([output.call_id, output.output], ["call_1", "seen"]);
  const walked: Json[] = [];
  for (let after = "";;) {
    const page = await askResponse(server, `GET /${id}/input_items?limit=3${after}`);
    walked.push(...page.data);
    assert.deepEqual([page.first_id, page.last_id], [page.data[0].id, page.data.at(-1).id]);
    if (!page.has_more) break;
    after = `&after=${page.last_id}`;
  }
  assert.deepEqual(walked, all.data.toReversed(), "the newest come first unless told otherwise");
  await askResponse(server, `GET /${id}/input_items?after=msg_1`, { status: 400 });
  await askResponse(server, `GET /${id}/input_items?limit=101`, { status: 400 });
});

Deno.test("what can't be meant or can't be done is refused, and named", async () => {
  await using server = await startServer();
  const refusals: [Record<string, unknown>, string | null, string | null, number?][] = [
    [{ model: "nobody" }, "model", "model_not_found", 404],
    [{ model: undefined }, "model", "missing_required_parameter"],
    [{ input: undefined }, "input", "missing_required_parameter"],
    [{ input: [] }, "input", null],
    [{ input: 7 }, "input", null],
    [{ input: [{ role: "bishop", content: "x" }] }, "input[0].role", null],
    [{ input: [{ role: "user", content: "x" }, { type: "item_reference", id: "msg_1" }] }, "input[1].id", null],
    [{ input: [{ type: "item_reference", id: "msg_1_2" }] }, "input[0].id", null],
    [{ input: [{ type: "item_reference" }] }, "input[0].id", null],
    [{ input: [{ type: "computer_call" }] }, "input[0].type", "unsupported_value"],
    [{ input: [{ role: "user", content: [{ type: "input_audio" }] }] }, "input[0].content[0]", "unsupported_value"],
    [{ previous_response_id: "resp_1" }, "previous_response_id", "previous_response_not_found"],
    [{ previous_response_id: "nonsense" }, "previous_response_id", "previous_response_not_found"],
    [{ background: true, store: false }, "background", "unsupported_parameter"],
    [{ tools: [{ type: "web_search" }] }, "tools[0].type", "unsupported_value"],
    [{ tool_choice: { type: "function", name: "ghost" } }, "tool_choice", null],
    [{ include: ["message.output_text.logprobs"] }, "include[0]", "unsupported_value"],
    [{ prompt: { id: "pmpt_1" } }, "prompt", "unsupported_parameter"],
    [{ max_tool_calls: 3 }, "max_tool_calls", "unsupported_parameter"],
    [{ top_logprobs: 3 }, "top_logprobs", "unsupported_parameter"],
    [{ temperature: 9 }, "temperature", null],
    [{ truncation: "never" }, "truncation", null],
    [{ text: { format: { type: "grammar" } } }, "text.format", "unsupported_parameter"],
    [{ metadata: { openai_response: "x" } }, "metadata.openai_response", null],
  ];
  for (const [body, param, code, status = 400] of refusals) {
    const { error } = await respond(server, { body, status });
    assert.deepEqual([error.param, error.code], [param, code], `${JSON.stringify(body)}: ${error.message}`);
    assert.equal(error.type, "invalid_request_error");
  }
  for (const method of ["GET", "POST", "DELETE"]) {
    const path = method === "POST" ? "^/v1/responses" : "^/v1/responses/resp_1";
    const response = await server.request(method, path, { key: null, ...method === "POST" && { body: {} } });
    assert.equal(response.status, 401, method);
    assert.equal((await response.json()).error.code, "invalid_api_key");
  }
});

Deno.test("what changes nothing is accepted, and the headers say what was left out", async () => {
  await using server = await startServer();
  const response = await postResponse(server, {
    body: {
      include: ["reasoning.encrypted_content", "web_search_call.results"],
      service_tier: "auto",
      prompt_cache_key: "k",
      truncation: "auto",
      text: { format: { type: "text" }, verbosity: "low" },
      context_management: [],
      max_tool_calls: null,
    },
  });
  assert.equal(response.status, 200);
  const ignored = ["context_management", "text.verbosity", "truncation"];
  assert.deepEqual(response.headers.get("x-muxi-ignored")?.split(", ").sort(), ignored);
  assert.match(response.headers.get("x-request-id")!, /./);
  await response.body?.cancel();
});

Deno.test("a model that fails before its first word is an error, after it a response that says so", async () => {
  await using provider = await startProvider({
    script: [{ status: 500, error: "down" }, { tokens: ["On ", "and"], delay: 20, die_after: 1 }],
  });
  await using server = await startServer({ provider: provider.url });
  const { error } = await respond(server, { status: 502 });
  assert.deepEqual([error.type, error.code], ["server_error", "upstream_error"]);
  const failed = await respond(server);
  assert.deepEqual([failed.status, failed.error.code, textOf(failed)], ["failed", "server_error", "On "]);
});

Deno.test("who waits too long is told so, and nothing goes on for nobody", async () => {
  await using provider = await startProvider({
    script: [{ tokens: ["On"], hang: true }, { tokens: 4000, delay: 20 }],
  });
  await using server = await startServer({
    provider: provider.url,
    settings: { runs: { collect_timeout_seconds: 3 } },
  });
  const { error } = await respond(server, { status: 408 });
  assert.match(error.message, /3 s passed/);
  // The status has gone out with the first word, so that the response itself has to say it.
  const failed = await respond(server);
  assert.equal(failed.status, "failed");
  assert.match(failed.error.message, /3 s passed/);
  for (const request of provider.requests) {
    await request.settled;
    assert.ok(request.closed_at !== null);
  }
  const { data: runs } = await ask(server, "GET /runs");
  assert.equal(runs.length, 2);
  for (const { id } of runs) await untilStatus(server, id, "cancelled");
});

Deno.test("the same key for doing it once gives the same response", async () => {
  await using provider = await startProvider({ script: { tokens: ["Hi"] } });
  await using server = await startServer({ provider: provider.url });
  const headers = { "idempotency-key": "once" };
  const first = await respond(server, { headers });
  assert.deepEqual(await respond(server, { headers }), first);
  assert.deepEqual((await streamed(server, { headers, body: { stream: true } })).at(-1).response, first);
  assert.equal(provider.count, 1);
});

Deno.test("a run that came through another door is a response, too", async () => {
  await using provider = await startProvider({ script: { tokens: ["Hi"] } });
  await using server = await startServer({ provider: provider.url });
  await createAgent(server, "poet");
  const { run_id } = await ask(server, "POST /agents/poet/chat", { body: { message: "Hello", metadata: { own: 1 } } });
  const response = await askResponse(server, `GET /${run_id.replace("run_", "resp_")}`);
  assert.deepEqual([response.model, response.status, textOf(response)], ["poet", "completed", "Hi"]);
  assert.deepEqual([response.background, response.metadata], [true, { own: 1 }]);
});
