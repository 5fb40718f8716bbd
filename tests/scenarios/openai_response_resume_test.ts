/**
 * Streams of responses go on exactly where their reader stopped, whatever happened in between.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { startProvider, type Step } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { ask, createAgent, type Json, movableClock, until, untilStatus } from "../support/story.ts";
import { scriptedToolbox } from "../support/toolbox.ts";
import {
  askResponse,
  checkEveryCut,
  postResponse,
  reading,
  replayed,
  respond,
  streamed,
  textOf,
} from "../support/openai_response_story.ts";

const runOf = (id: string) => id.replace("resp_", "run_");

/** A story whose stream must go on exactly from every point. */
interface Story {
  name: string;
  script: Step | Step[];
  body?: Record<string, unknown>;
  /** How the stream ends, and the kinds of items in the output. */
  end: string;
  items: string[];
}

const person = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };

const STORIES: Story[] = [
  {
    name: "thoughts and words",
    script: { reasoning: ["Let ", "me ", "see"], tokens: ["It ", "is ", "noon", "."], delay: 1 },
    end: "response.completed",
    items: ["reasoning", "message"],
  },
  {
    name: "tools of the agent between two messages",
    script: [
      { tokens: ["I ", "look. "], delay: 1, tool_calls: [{ name: "look", arguments: { at: 1 } }] },
      { tokens: ["It ", "is ", "there"], delay: 1 },
    ],
    end: "response.completed",
    items: ["message", "message"],
  },
  {
    name: "tools of the caller",
    script: {
      tokens: ["One ", "moment"],
      delay: 1,
      tool_calls: [{ name: "weather", arguments: { city: "Ulm" } }, { name: "weather", arguments: "{oops" }],
    },
    body: { tools: [{ type: "function", name: "weather", parameters: { type: "object" } }] },
    end: "response.completed",
    items: ["message", "function_call", "function_call"],
  },
  {
    name: "an answer that is begun anew because it does not fit its format",
    script: [{ tokens: ["Ada, ", "36"], delay: 1 }, { tokens: ['{"name":', '"Ada"}'], delay: 1 }],
    body: { text: { format: { type: "json_schema", name: "person", schema: person } } },
    end: "response.completed",
    items: ["message", "message"],
  },
  {
    name: "an answer that is too long",
    script: { tokens: ["On ", "and "], delay: 1, finish_reason: "length" },
    body: { max_output_tokens: 2 },
    end: "response.incomplete",
    items: ["message"],
  },
  {
    name: "a model that breaks off",
    script: { tokens: ["On ", "and ", "on"], delay: 1, die_after: 2 },
    end: "response.failed",
    items: ["message"],
  },
];

for (const { name, script, body = {}, end, items } of STORIES) {
  Deno.test(`a stream goes on exactly from every point: ${name}`, async () => {
    await using provider = await startProvider({ script });
    const toolbox = scriptedToolbox({ look: { act: () => ({ result: "seen", is_error: false }) } });
    await using server = await startServer({ provider: provider.url, ports: { toolbox } });
    await createAgent(server, "scout", { allowed_tools: ["*"] });
    const events = await streamed(server, { body: { model: "scout", ...body } });
    const last = events.at(-1);
    assert.equal(last.type, end);
    assert.deepEqual(last.response.output.map(({ type }: Json) => type), items);
    await checkEveryCut(server, events);
  });
}

Deno.test("a stream goes on exactly from every point: one that waited in the queue", async () => {
  await using provider = await startProvider({ script: { tokens: ["a ", "b ", "c"], delay: 20 } });
  await using server = await startServer({ provider: provider.url });
  const headers = { "x-muxi-conversation": "chat-1" };
  const [first, second] = await Promise.all([streamed(server, { headers }), streamed(server, { headers })]);
  const queued = [first, second].find((events) => events[1].type === "response.queued");
  assert.ok(queued);
  assert.deepEqual(queued.slice(0, 3).map(({ type, response }) => [type, response.status]), [
    ["response.created", "queued"],
    ["response.queued", "queued"],
    ["response.in_progress", "in_progress"],
  ]);
  await checkEveryCut(server, first);
  await checkEveryCut(server, second);
});

Deno.test("a stream goes on exactly from every point: one that waited for a person", async () => {
  await using provider = await startProvider({
    script: [{ tool_calls: [{ name: "send", arguments: {} }] }, { tokens: ["Sent"] }],
  });
  const toolbox = scriptedToolbox({ send: { act: () => ({ result: "ok", is_error: false }) } });
  await using server = await startServer({ provider: provider.url, ports: { toolbox } });
  await createAgent(server, "clerk", { allowed_tools: ["*"], policies: { ask: ["send"] } });
  const response = await postResponse(server, { body: { model: "clerk", stream: true } });
  const events: Json[] = [];
  const reader = (async () => {
    for await (const event of reading(response)) events.push(event);
  })();
  const { id } = (await until("the first event", () => events[0])).response;
  await untilStatus(server, runOf(id), "waiting");
  assert.equal((await askResponse(server, `GET /${id}`)).status, "in_progress");
  const { data } = await ask(server, `GET /runs/${runOf(id)}/steps`);
  const [{ id: call }] = data.flatMap(({ tool_calls }: Json) => tool_calls);
  await ask(server, `POST /runs/${runOf(id)}/tool_calls/${call}/decision`, { body: { decision: "approve" } });
  await reader;
  assert.equal(textOf(events.at(-1).response), "Sent");
  assert.ok(!JSON.stringify(events).includes("send"), "the agent's own tools are nobody's to call");
  await checkEveryCut(server, events);
});

Deno.test("a response that waits for a person is told as it is to who doesn't stream, and goes on", async () => {
  await using provider = await startProvider({
    script: [{ tool_calls: [{ name: "send", arguments: {} }] }, { tokens: ["Sent"] }],
  });
  const toolbox = scriptedToolbox({ send: { act: () => ({ result: "ok", is_error: false }) } });
  await using server = await startServer({ provider: provider.url, ports: { toolbox } });
  await createAgent(server, "clerk", { allowed_tools: ["*"], policies: { ask: ["send"] } });
  const response = await respond(server, { body: { model: "clerk" } });
  assert.equal(response.status, "in_progress");
  const run = await ask(server, `GET /runs/${runOf(response.id)}`);
  assert.equal(run.status, "waiting", "who was answered has not left");
  const { data } = await ask(server, `GET /runs/${run.id}/steps`);
  const [{ id: call }] = data.flatMap(({ tool_calls }: Json) => tool_calls);
  await ask(server, `POST /runs/${run.id}/tool_calls/${call}/decision`, { body: { decision: "approve" } });
  await untilStatus(server, run.id, "completed");
  assert.equal(textOf(await askResponse(server, `GET /${response.id}`)), "Sent");
});

Deno.test("in the middle of an answer, a second reader is told the rest as it comes", async () => {
  await using provider = await startProvider({ script: { tokens: 40, delay: 5 } });
  await using server = await startServer({ provider: provider.url });
  const response = await postResponse(server, { body: { stream: true } });
  const events: Json[] = [];
  const others: Promise<Json[]>[] = [];
  for await (const event of reading(response)) {
    events.push(event);
    const { length } = events;
    if (length % 5 === 0) others.push(replayed(server, events[0].response.id, event.sequence_number));
  }
  assert.ok(others.length > 2);
  for (const [i, rest] of (await Promise.all(others)).entries()) assert.deepEqual(rest, events.slice((i + 1) * 5));
});

Deno.test("numbers hold across a restart of the server in the middle of an answer", async () => {
  await using provider = await startProvider({ script: [{ tokens: 50, delay: 10 }, { tokens: ["Once ", "more"] }] });
  const data_dir = await Deno.makeTempDir({ prefix: "muxi-response-" });
  try {
    const seen: Json[] = [];
    {
      await using server = await startServer({ provider: provider.url, data_dir });
      const response = await postResponse(server, { body: { stream: true, background: true } });
      for await (const event of reading(response)) {
        seen.push(event);
        if (seen.length === 8) break;
      }
    }
    await using server = await startServer({ provider: provider.url, data_dir });
    const { id } = seen[0].response;
    const rest = await replayed(server, id, seen.at(-1).sequence_number);
    assert.equal(rest.at(-1).type, "response.completed");
    const { output } = rest.at(-1).response;
    assert.deepEqual(output.map(({ status }: Json) => status), ["incomplete", "completed"]);
    assert.equal(textOf({ output }), "Once more");
    await checkEveryCut(server, [...seen, ...rest]);
  } finally {
    await Deno.remove(data_dir, { recursive: true });
  }
});

Deno.test("a number beyond the last is refused, the last one itself ends at once", async () => {
  await using provider = await startProvider({ script: { tokens: ["Hi"] } });
  await using server = await startServer({ provider: provider.url });
  const events = await streamed(server);
  const { id } = events[0].response;
  assert.deepEqual(await replayed(server, id, events.length - 1), []);
  const { error } = await askResponse(server, `GET /${id}?stream=true&starting_after=${events.length}`, {
    status: 400,
  });
  assert.equal(error.param, "starting_after");
  assert.match(error.message, new RegExp(`after event ${events.length} .* last one is ${events.length - 1}`));
  for (const junk of ["-1", "x", "1.5"]) {
    const { error } = await askResponse(server, `GET /${id}?stream=true&starting_after=${junk}`, { status: 400 });
    assert.equal(error.param, "starting_after");
  }
});

Deno.test("a number beyond what has happened so far is refused, too", async () => {
  await using provider = await startProvider({ script: { tokens: ["a ", "b"], hang: true } });
  await using server = await startServer({ provider: provider.url });
  const { id } = await respond(server, { body: { background: true } });
  const { error } = await askResponse(server, `GET /${id}?stream=true&starting_after=2`, { status: 400 });
  assert.match(error.message, /last one is 1$/);
  await askResponse(server, `POST /${id}/cancel`);
});

Deno.test("once the pieces are no longer kept, the answer still is, and streaming says so", async () => {
  await using provider = await startProvider({
    script: {
      reasoning: ["hm"],
      tokens: ["Hel", "lo"],
      delay: 1,
      tool_calls: [{ name: "weather", arguments: { city: "Ulm" } }],
    },
  });
  const clock = movableClock();
  const lines: string[] = [];
  await using server = await startServer({
    provider: provider.url,
    ports: { clock },
    onLog: (line) => lines.push(line),
  });
  const tools = [{ type: "function", name: "weather" }];
  const before = await respond(server, { body: { tools, metadata: { own: "1" } } });
  clock.move(8 * 86_400_000);
  await until("a sweep", () => lines.some((line) => line.includes("Removed what is no longer kept")));
  const after = await askResponse(server, `GET /${before.id}`);
  const { output, ...rest } = before;
  assert.deepEqual(after, { ...rest, output: output.filter(({ type }: Json) => type !== "reasoning") });
  const { error } = await askResponse(server, `GET /${before.id}?stream=true`, { status: 410 });
  assert.match(error.message, /no longer kept/);
});
