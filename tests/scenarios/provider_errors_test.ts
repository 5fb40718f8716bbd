/**
 * What people are told when a model fails, and what is done about it.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { readFrames, textsOf } from "../support/events.ts";
import { startProvider, type Step } from "../support/provider.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { ask, askAdmin, framesOf } from "../support/story.ts";

const SECRET = "sk-scripted";

/** What the books say of all model calls. */
async function booked(server: TestServer) {
  const { data } = await askAdmin(server, "GET /system/usage");
  return data.map(({ group, calls }: { group: string; calls: number }) => `${group} ${calls}`);
}

const refusals: { name: string; step: Step; status: number; says: RegExp }[] = [
  {
    name: "a refused key",
    step: { status: 401, error: `Wrong key ${SECRET}` },
    status: 502,
    says: /refused the API key/,
  },
  { name: "a limit", step: { status: 429, error: "Slow down" }, status: 502, says: /limits requests: Slow down/ },
  {
    name: "a failing provider",
    step: { status: 500, error: `Oops ${SECRET}` },
    status: 502,
    says: /refused the request/,
  },
  {
    name: "a connection that breaks",
    step: { die_after: 0 },
    status: 502,
    says: /connection to provider "openai" broke/,
  },
  { name: "a provider that never begins", step: { hang: true }, status: 408, says: /did not begin its answer/ },
];

for (const { name, step, status, says } of refusals) {
  Deno.test(`before the first word, ${name} is an error that a person understands`, async () => {
    await using provider = await startProvider({ script: step });
    const settings = { model: { first_token_seconds: "hang" in step ? 1 : 60 } };
    await using server = await startServer({ provider: provider.url, settings });
    const error = await ask(server, "POST /chat", { body: { message: "Hello" }, status });
    assert.match(error.message, says);
    assert.equal(error.statusCode, status);
    const run = await ask(server, `GET /runs/${error.details.run_id}`);
    assert.deepEqual([run.status, run.error.error, run.error.message], ["failed", error.error, error.message]);
    const frames = await framesOf(server, `GET /runs/${run.id}/events`);
    assert.equal(frames.at(-1)!.type, "run.failed");
    assert.equal(frames.at(-1)!.data.error.message, error.message);
    const steps = await ask(server, `GET /runs/${run.id}/steps`);
    assert.deepEqual([steps.data[0].status, steps.data[0].error.message], ["failed", error.message]);
    for (const told of [error, run, frames, steps]) assert.ok(!JSON.stringify(told).includes(SECRET));
    const [row, ...more] = await booked(server);
    assert.match(row, /^openai\/\S+ 1$/, "the failed call is on the books, under the provider that failed");
    assert.deepEqual(more, []);
  });
}

Deno.test("after the first word, the answer says that it failed, and what was said stays in the log", async () => {
  await using provider = await startProvider({ script: { tokens: ["One ", "two ", "three"], die_after: 2, delay: 5 } });
  await using server = await startServer({ provider: provider.url });
  const answer = await ask(server, "POST /chat", { body: { message: "Count" }, status: 200 });
  assert.deepEqual([answer.status, answer.message, answer.error.error], ["failed", null, "UpstreamError"]);
  const frames = await framesOf(server, `GET /runs/${answer.run_id}/events`);
  assert.deepEqual([...textsOf(frames).values()], ["One two "]);
  assert.equal(frames.at(-1)!.type, "run.failed");
  assert.ok(answer.usage.output_tokens > 0, "what was used until then is counted");
  assert.deepEqual((await ask(server, `GET /runs/${answer.run_id}`)).usage, answer.usage);
});

Deno.test("a stream that fails begins with its headers and ends with the failure", async () => {
  await using provider = await startProvider({ script: { status: 500 } });
  await using server = await startServer({ provider: provider.url });
  const response = await server.request("POST", "/chat/stream", { body: { message: "Hello" } });
  assert.equal(response.status, 200);
  const frames = await readFrames(response);
  assert.deepEqual(frames.map(({ type }) => type), ["run.started", "step.started", "run.failed"]);
});

Deno.test("a limit is waited for, and asked again", async () => {
  const limited = { status: 429 };
  await using provider = await startProvider({ script: [limited, limited, { tokens: ["Here"] }] });
  await using server = await startServer({ provider: provider.url, settings: { model: { retries: 2 } } });
  const answer = await ask(server, "POST /chat", { body: { message: "Hello" } });
  assert.equal(answer.message.content, "Here");
  assert.equal(provider.count, 3);
});

Deno.test("another provider answers where the first one can't", async () => {
  await using broken = await startProvider({ script: { status: 500 } });
  await using second = await startProvider({ script: { tokens: ["Second"] } });
  await using server = await startServer({
    provider: broken.url,
    settings: { model: { fallback: ["spare/big", "offline"] }, providers: { spare: { base_url: second.url } } },
  });
  const answer = await ask(server, "POST /chat", { body: { message: "Hello" } });
  assert.equal(answer.message.content, "Second");
  assert.equal(second.requests[0]!.body.model, "big");
  assert.ok((await booked(server)).includes("spare/big 1"));
  second.script({ status: 503 });
  const offline = await ask(server, "POST /chat", { body: { message: "Hello" } });
  assert.equal(offline.status, "completed");
  assert.match(offline.message.content, /offline|no (language )?model/i);
});

Deno.test("no other provider is asked once the first one has spoken", async () => {
  await using broken = await startProvider({ script: { tokens: 4, die_after: 2, delay: 2 } });
  await using second = await startProvider();
  await using server = await startServer({
    provider: broken.url,
    settings: { model: { retries: 2, fallback: ["spare/big"] }, providers: { spare: { base_url: second.url } } },
  });
  const answer = await ask(server, "POST /chat", { body: { message: "Hello" } });
  assert.equal(answer.status, "failed");
  assert.deepEqual([broken.count, second.count], [1, 0]);
});
