import { strict as assert } from "node:assert";
import { DELTA_TYPES, type EventType, type NewEvent } from "../../src/domain/event.ts";
import type { Item } from "../../src/operations/operation.ts";
import { toFacts } from "../../src/transports/openai/response_facts.ts";
import { ResponseLog } from "../../src/transports/openai/response_log.ts";
import type { OutputItem } from "../../src/transports/openai/response_shape.ts";
import { pickSeed, Random } from "../support/random.ts";

const RUN = "run_01m7z0v118000yxrm1ybgx2yg5";
const facts = toFacts({ agent_id: "assistant", metadata: { own: "1" }, options: null, on_disconnect: "continue" });
const usage = { input_tokens: 3, output_tokens: 4, total_tokens: 7, cost: null };

/** A log as the journal keeps it. */
function toLog(events: NewEvent[]): Item[] {
  return events.map(({ type, data }, i) => {
    const isDelta = (DELTA_TYPES as readonly string[]).includes(type);
    const base = isDelta ? {} : { run_id: RUN, time: "2026-11-21T12:21:01.500Z" };
    return { seq: i + 1, type, data: JSON.stringify({ ...base, ...data }) };
  });
}

// deno-lint-ignore no-explicit-any -- the events have many shapes
type Told = any;

/** Everything that a new log tells of `items`. */
function tell(items: readonly Item[], log = new ResponseLog(facts)): Told[] {
  return items.flatMap((item) => log.next(item)).map(({ type, data }) => {
    const event = JSON.parse(data);
    assert.equal(event.type, type);
    return event;
  });
}

const started: NewEvent = {
  type: "run.started",
  data: { conversation_id: "conv_1", agent_id: "assistant", attempt: 1 },
};
const begin = (step_id: string): NewEvent => ({
  type: "step.started",
  data: { step_id, kind: "model", agent_id: "assistant" },
});
const delta = (step_id: string, text: string): NewEvent => ({ type: "model.delta", data: { step_id, text } });
const thought = (step_id: string, text: string): NewEvent => ({
  type: "model.reasoning.delta",
  data: { step_id, text },
});
const message = (content: string, more = {}) => ({ id: "msg_9", role: "assistant", content, ...more });
const completed = (step_id: string, content: string, more = {}, end = {}): NewEvent[] => [
  { type: "message.completed", data: { step_id, message: message(content, more) } },
  { type: "step.completed", data: { step_id, usage } },
  { type: "run.completed", data: { message: message(content, more), usage, ...end } },
];

const typesOf = (events: Told[]) => events.map(({ type }) => type.slice("response.".length));

/** Builds a response from its events, as a client would. */
function accumulate(events: Told[]): OutputItem[] {
  const output: Told[] = [];
  const open = new Set<number>();
  for (const event of events) {
    const { type, output_index: index } = event;
    const item = output[index];
    const name = type.slice("response.".length);
    if (name === "output_item.added") {
      assert.equal(index, output.length, "an item takes the next place");
      output.push(structuredClone(event.item));
      open.add(index);
    } else if (index !== undefined) {
      assert.ok(open.has(index), `${name} belongs to an open item`);
      assert.equal(event.item_id ?? event.item.id, item.id);
    }
    if (name === "content_part.added") item.content.push(structuredClone(event.part));
    if (name === "output_text.delta" || name === "reasoning_text.delta") item.content[0].text += event.delta;
    if (name === "output_text.annotation.added") item.content[0].annotations[event.annotation_index] = event.annotation;
    if (name === "output_text.done" || name === "reasoning_text.done") item.content[0].text = event.text;
    if (name === "content_part.done") assert.deepEqual(item.content[0], event.part);
    if (name === "function_call_arguments.delta") item.arguments += event.delta;
    if (name === "function_call_arguments.done") assert.equal(item.arguments, event.arguments);
    if (name === "output_item.done") {
      output[index] = event.item;
      open.delete(index);
    }
  }
  return output;
}

Deno.test("an answer is told in the order that the specification gives", () => {
  const log = toLog([
    started,
    begin("step_1"),
    delta("step_1", "He"),
    delta("step_1", "llo"),
    ...completed("step_1", "Hello"),
  ]);
  const events = tell(log);
  assert.deepEqual(typesOf(events), [
    "created",
    "in_progress",
    "output_item.added",
    "content_part.added",
    "output_text.delta",
    "output_text.delta",
    "output_text.done",
    "content_part.done",
    "output_item.done",
    "completed",
  ]);
  assert.deepEqual(events.map((event) => event.sequence_number), events.map((_, i) => i));
  const { response } = events.at(-1);
  assert.equal(response.id, "resp_01m7z0v118000yxrm1ybgx2yg5");
  assert.equal(response.created_at, 1795263661);
  assert.equal(response.status, "completed");
  assert.equal(response.completed_at, 1795263661);
  assert.deepEqual(response.metadata, { own: "1" });
  assert.deepEqual(response.conversation, { id: "conv_1" });
  assert.equal(response.output[0].content[0].text, "Hello");
  assert.deepEqual(response.usage, {
    input_tokens: 3,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    output_tokens: 4,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 7,
  });
});

Deno.test("a queued response says so, and begins later", () => {
  const queued: NewEvent = { type: "run.queued", data: { conversation_id: "conv_1", behind: "run_0" } };
  const events = tell(toLog([queued, started, begin("step_1"), ...completed("step_1", "Hi")]));
  assert.deepEqual(typesOf(events).slice(0, 3), ["created", "queued", "in_progress"]);
  assert.deepEqual(events.slice(0, 3).map(({ response }) => response.status), ["queued", "queued", "in_progress"]);
});

Deno.test("thoughts end where words begin, and may begin again", () => {
  const events = tell(toLog([
    started,
    thought("step_1", "a"),
    thought("step_1", "b"),
    delta("step_1", "x"),
    thought("step_1", "c"),
    delta("step_1", "y"),
    ...completed("step_1", "xy"),
  ]));
  const output = accumulate(events) as Told[];
  assert.deepEqual(output.map(({ type, content }) => [type, content[0].text]), [
    ["reasoning", "ab"],
    ["message", "xy"],
    ["reasoning", "c"],
  ]);
  assert.equal(new Set(output.map(({ id }) => id)).size, 3);
});

Deno.test("what a restarted step had said is taken back and stays in its place", () => {
  const events = tell(toLog([
    started,
    thought("step_1", "hm"),
    delta("step_1", "void"),
    { type: "step.restarted", data: { step_id: "step_1", attempt: 2 } },
    delta("step_1", "{}"),
    ...completed("step_1", "{}"),
  ]));
  const { output } = events.at(-1).response;
  assert.deepEqual(output.map(({ type, status, content }: Told) => [type, status, content.length]), [
    ["reasoning", "completed", 1],
    ["message", "incomplete", 0],
    ["message", "completed", 1],
  ]);
  assert.deepEqual(accumulate(events), output);
  assert.equal(output[2].content[0].text, "{}");
});

Deno.test("the caller's own tools are called last, tools of the agent are told nowhere", () => {
  const tool_calls = [
    { tool_call_id: "tool_7", tool: "look", arguments: { at: 1 } },
    { tool_call_id: "tool_8", tool: "look", arguments: { __invalid: "{oops" } },
  ];
  const events = tell(toLog([
    started,
    delta("step_1", "Let me see"),
    { type: "step.completed", data: { step_id: "step_1", usage } },
    {
      type: "tool.call.started",
      data: { tool_call_id: "tool_1", step_id: "step_2", tool: "own", arguments: { secret: 1 } },
    },
    { type: "tool.call.result", data: { tool_call_id: "tool_1", step_id: "step_2", result: 42, duration_ms: 1 } },
    { type: "step.completed", data: { step_id: "step_2", usage: null } },
    ...completed("step_3", "", { tool_calls }, { finish_reason: "tool_calls" }),
  ]));
  const { output, status } = events.at(-1).response;
  assert.equal(status, "completed");
  assert.deepEqual(output.map(({ type }: Told) => type), ["message", "function_call", "function_call"]);
  assert.deepEqual(output[1], {
    id: "fc_01m7z0v118000yxrm1ybgx2yg5_7",
    type: "function_call",
    status: "completed",
    call_id: "tool_7",
    name: "look",
    arguments: '{"at":1}',
  });
  assert.equal(output[2].arguments, "{oops");
  assert.ok(!JSON.stringify(events).includes("secret"));
  assert.deepEqual(accumulate(events), output);
});

Deno.test("an answer that was cut short is incomplete and says why", () => {
  for (
    const [finish_reason, reason] of [["length", "max_output_tokens"], ["content_filter", "content_filter"]] as const
  ) {
    const events = tell(toLog([started, delta("step_1", "Hel"), ...completed("step_1", "Hel", {}, { finish_reason })]));
    const { type, response } = events.at(-1);
    assert.equal(type, "response.incomplete");
    assert.equal(response.status, "incomplete");
    assert.equal(response.completed_at, null);
    assert.deepEqual(response.incomplete_details, { reason });
    assert.equal(response.output[0].status, "incomplete");
  }
});

Deno.test("a failed response says why, and keeps what was said", () => {
  const error = { error: "UpstreamError", message: "It broke: sk-abcdefghijklmnopqrstuvwxyz" } as const;
  const events = tell(toLog([started, delta("step_1", "Hel"), { type: "run.failed", data: { error, usage } }]));
  const { type, response } = events.at(-1);
  assert.equal(type, "response.failed");
  assert.equal(response.status, "failed");
  assert.equal(response.error.code, "server_error");
  assert.ok(!response.error.message.includes("abcdefghijkl"), response.error.message);
  assert.equal(response.output[0].status, "incomplete");
  assert.equal(response.output[0].content[0].text, "Hel");
});

Deno.test("a cancelled response ends as a failed one does, with its own status", () => {
  const events = tell(toLog([
    started,
    delta("step_1", "Hel"),
    { type: "message.completed", data: { step_id: "step_1", message: message("Hel") } },
    { type: "run.cancelled", data: { reason: "enough", usage } },
  ]));
  const { type, response } = events.at(-1);
  assert.equal(type, "response.failed");
  assert.equal(response.status, "cancelled");
  assert.equal(response.error, null);
  assert.equal(response.output[0].status, "incomplete");
});

Deno.test("the message has the last word, with its sources", () => {
  const citations = [
    { title: "A", url: "https://a.example/", start_index: 1, end_index: 3 },
    { title: "Whole", url: "https://b.example/" },
    { title: "No address" },
  ];
  const events = tell(toLog([started, delta("step_1", "Hello"), ...completed("step_1", "Hello!", { citations })]));
  assert.deepEqual(accumulate(events), events.at(-1).response.output);
  const [{ text, annotations }] = events.at(-1).response.output[0].content;
  assert.equal(text, "Hello!");
  assert.deepEqual(annotations, [
    { type: "url_citation", url: "https://a.example/", title: "A", start_index: 1, end_index: 3 },
    { type: "url_citation", url: "https://b.example/", title: "Whole", start_index: 0, end_index: 6 },
  ]);
  const shorter = tell(toLog([started, delta("step_1", "Hello"), ...completed("step_1", "Bye")]));
  assert.equal(shorter.at(-1).response.output[0].content[0].text, "Bye");
});

/** A log that could have happened: steps with thoughts, words, restarts and tools, and any ending. */
function anyLog(random: Random): Item[] {
  const events: NewEvent[] = [];
  if (random.chance(0.3)) events.push({ type: "run.queued", data: { conversation_id: "conv_1", behind: "run_0" } });
  const cancelled: NewEvent = { type: "run.cancelled", data: { reason: "enough", usage } };
  if (events.length > 0 && random.chance(0.2)) return toLog([...events, cancelled]);
  events.push(started);
  const last = random.whole(1, 4);
  for (let i = 1;; i++) {
    const step_id = `step_${i}`;
    events.push(begin(step_id));
    let text = "";
    for (let attempt = 1;; attempt++) {
      text = "";
      for (let n = random.whole(0, 8); n > 0; n--) {
        const piece = random.pick(["a", "bb ", "é\n", "😀", '"{']);
        const isWord = random.chance(0.7);
        if (isWord) text += piece;
        events.push(isWord ? delta(step_id, piece) : thought(step_id, piece));
      }
      if (attempt === 3 || random.chance(0.7)) break;
      events.push({ type: "step.restarted", data: { step_id, attempt: attempt + 1 } });
    }
    if (random.chance(0.1)) {
      const error = { error: "UpstreamError", message: "It broke" } as const;
      return toLog([...events, { type: "run.failed", data: { error, usage } }]);
    }
    if (random.chance(0.1)) {
      if (text !== "") events.push({ type: "message.completed", data: { step_id, message: message(text) } });
      return toLog([...events, cancelled]);
    }
    if (i === last) {
      const tool_calls = random.chance(0.3) ? [{ tool_call_id: "tool_9", tool: "look", arguments: {} }] : undefined;
      const more = tool_calls ? { tool_calls } : {};
      const finish_reason = random.pick(["stop", "length", "tool_calls", "other", undefined] as const);
      return toLog([...events, ...completed(step_id, text, more, finish_reason ? { finish_reason } : {})]);
    }
    events.push({ type: "step.completed", data: { step_id, usage } });
    const call = { tool_call_id: `tool_${i}`, step_id: `step_t${i}` };
    if (random.chance(0.3)) {
      events.push({ type: "run.waiting", data: { reason: "approval", tool_call_ids: [call.tool_call_id] } });
    }
    events.push({ type: "tool.call.started", data: { ...call, tool: "own", arguments: {} } });
    events.push({ type: "tool.call.result", data: { ...call, result: null, duration_ms: 1 } });
    events.push({ type: "step.completed", data: { step_id: call.step_id, usage: null } });
  }
}

Deno.test("of any log, the events add up to the response at every point", () => {
  const seed = pickSeed();
  const random = new Random(seed);
  for (let i = 0; i < 300; i++) {
    const items = anyLog(random);
    const log = new ResponseLog(facts);
    const events: Told[] = [];
    for (const item of items) {
      assert.equal(log.over, false, `seed ${seed}`);
      events.push(...tell([item], log));
      assert.deepEqual(
        accumulate(events),
        JSON.parse(JSON.stringify(log.response!.output)),
        `seed ${seed}`,
      );
    }
    assert.equal(log.over, true);
    assert.deepEqual(events.map((event) => event.sequence_number), events.map((_, i) => i));
    assert.equal(log.sequence, events.length - 1);
    const { response } = events.at(-1);
    assert.deepEqual(response, JSON.parse(JSON.stringify(log.response)));
    assert.ok(response.output.every(({ status }: Told) => status !== "in_progress"), `seed ${seed}`);
    // Again, from the beginning, by somebody else.
    assert.deepEqual(tell(items), events, `seed ${seed}`);
  }
});

Deno.test("of a log whose deltas are no longer kept, the answer is still told", () => {
  const seed = pickSeed();
  const random = new Random(seed);
  let compared = 0;
  for (let i = 0; i < 300; i++) {
    const items = anyLog(random);
    const isDelta = ({ type }: Item) => DELTA_TYPES.includes(type as EventType);
    const kept = items.slice(items.findLastIndex(isDelta) + 1);
    if (kept.length === items.length || items.at(-1)!.type !== "run.completed") continue;
    compared++;
    const whole = tell(items).at(-1).response;
    const rest = new ResponseLog(facts, "conv_1");
    tell(kept, rest);
    const answerOf = ({ output, ...response }: Told) => ({
      ...response,
      calls: output.filter(({ type }: Told) => type === "function_call"),
    });
    assert.deepEqual(answerOf(JSON.parse(JSON.stringify(rest.response))), answerOf(whole), `seed ${seed}`);
    const { data } = items.findLast(({ type }) => type === "message.completed")!;
    const { content } = JSON.parse(data).message;
    const texts = (rest.response!.output as Told[]).filter(({ type }) => type === "message")
      .map((item) => item.content[0].text);
    assert.deepEqual(texts, content === "" ? [] : [content], `seed ${seed}`);
  }
  assert.ok(compared > 50, `only ${compared} logs had something to compare`);
});
