/**
 * Answers of a given form.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { textsOf } from "../support/events.ts";
import { startProvider } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { ask, askAdmin, framesOf, type Json, saidTo } from "../support/story.ts";

const response_format = {
  type: "json_schema",
  name: "person",
  schema: {
    type: "object",
    properties: { name: { type: "string" }, age: { type: "integer" } },
    required: ["name", "age"],
    additionalProperties: false,
  },
};
const GOOD = '{"name":"Ada","age":36}';
const body = { message: "Who?", response_format };

Deno.test("an answer that fits at once is the answer", async () => {
  await using provider = await startProvider({ script: { tokens: [GOOD] } });
  await using server = await startServer({ provider: provider.url });
  const answer = await ask(server, "POST /chat", { body });
  assert.deepEqual(JSON.parse(answer.message.content), { name: "Ada", age: 36 });
  assert.equal(provider.count, 1);
  const sent = provider.requests[0]!.body.response_format;
  assert.deepEqual([sent.type, sent.json_schema.name], ["json_schema", "person"]);
});

Deno.test("an answer that does not fit is asked for again, with what is wrong", async () => {
  await using provider = await startProvider({
    script: [{ tokens: ["Ada, ", "36"] }, { tokens: ['{"name":"Ada"}'] }, { tokens: [GOOD] }],
  });
  await using server = await startServer({ provider: provider.url });
  const frames = await framesOf(server, "POST /chat/stream", { body });
  const end = frames.at(-1)!;
  assert.deepEqual([end.type, end.data.message.content], ["run.completed", GOOD]);
  const restarts = frames.filter(({ type }) => type === "step.restarted");
  assert.deepEqual(restarts.map(({ data }) => data.attempt), [2, 3]);
  assert.deepEqual([...textsOf(frames).values()], [GOOD], "what was said before a restart no longer counts");
  assert.match(saidTo(provider.requests[1]!).at(-1)!, /not JSON/);
  assert.match(saidTo(provider.requests[2]!).at(-1)!, /age/);
  // The failed tries are paid for all the same, and are no part of the conversation.
  const { run_id } = end.data;
  const run = await ask(server, `GET /runs/${run_id}`);
  const { data: [used] } = await askAdmin(server, "GET /system/usage");
  assert.deepEqual([used.calls, used.input_tokens], [3, run.usage.input_tokens]);
  assert.equal(used.output_tokens, run.usage.output_tokens);
  const { data } = await ask(server, `GET /conversations/${run.conversation_id}/messages`);
  assert.deepEqual(data.map(({ content }: Json) => content), ["Who?", GOOD]);
});

Deno.test("after three tries the run fails, and says what was wrong", async () => {
  await using provider = await startProvider({ script: { tokens: ['{"name":7,"age":1}'] } });
  await using server = await startServer({ provider: provider.url });
  const answer = await ask(server, "POST /chat", { body, status: 200 });
  assert.deepEqual([answer.status, answer.message, answer.error.error], ["failed", null, "UpstreamError"]);
  assert.match(answer.error.message, /does not fit its format: .*name/);
  assert.equal(provider.count, 3);
  const { data: [step] } = await ask(server, `GET /runs/${answer.run_id}/steps`);
  assert.deepEqual([step.status, step.attempt], ["failed", 3]);
  const { data: [used] } = await askAdmin(server, "GET /system/usage");
  assert.deepEqual([used.calls, used.output_tokens], [3, answer.usage.output_tokens]);
});

Deno.test("the offline model keeps to the form, too", async () => {
  await using server = await startServer();
  const answer = await ask(server, "POST /chat", { body: { ...body, message: "Ada is 36" } });
  const { name, age } = JSON.parse(answer.message.content);
  assert.deepEqual([typeof name, Number.isInteger(age)], ["string", true]);
});
