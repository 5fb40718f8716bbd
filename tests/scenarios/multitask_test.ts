/**
 * Several messages in one conversation at the same time.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { startProvider } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { ask, eventsOf, saidTo, until, untilStatus } from "../support/story.ts";

Deno.test("twenty messages at once are answered one after the other, each knowing what came before it alone", async () => {
  let answered = 0;
  let most = 0;
  await using provider = await startProvider({
    script: (request) => {
      most = Math.max(most, ++answered - provider.requests.filter((one) => one.done_at !== null).length);
      return { tokens: [`Answer to ${request.body.messages.at(-1).content}`], hang: 2 };
    },
  });
  await using server = await startServer({ provider: provider.url });
  const { id: conversation_id } = await ask(server, "POST /conversations", { body: {} });
  const names = Array.from({ length: 20 }, (_, i) => `m${i}`);
  const answers = await Promise.all(
    names.map((message) => ask(server, "POST /chat", { body: { message, conversation_id } })),
  );
  answers.forEach((answer, i) => assert.equal(answer.message.content, `Answer to m${i}`));
  assert.equal(most, 1, "one model call at a time");
  const history: string[] = [];
  for (const request of provider.requests) {
    const [, ...said] = saidTo(request);
    const mine = said.at(-1)!;
    assert.deepEqual(said, [...history, mine]);
    history.push(mine, `assistant: Answer to ${mine.slice("user: ".length)}`);
  }
  assert.equal(history.length, 40);
  const { data: runs } = await ask(server, `GET /runs?conversation_id=${conversation_id}&order=asc&limit=100`);
  const times = runs.map(({ started_at, ended_at }: { started_at: string; ended_at: string }) => [started_at, ended_at])
    .sort();
  times.slice(1).forEach(([start]: string[], i: number) => assert.ok(times[i][1] <= start!, "runs overlap"));
});

Deno.test("a queued run says behind which it waits, and begins when that one ends", async () => {
  const held = Promise.withResolvers<void>();
  await using provider = await startProvider({
    script: async () => {
      await held.promise;
      return { tokens: 1 };
    },
  });
  await using server = await startServer({ provider: provider.url });
  const { id: conversation_id } = await ask(server, "POST /conversations", { body: {} });
  const route = `POST /conversations/${conversation_id}`;
  await ask(server, `${route}/messages`, { body: { content: "First" } });
  const first = await ask(server, `${route}/runs`, { body: {}, status: 202 });
  assert.equal(first.status, "running");
  // Nobody has taken this one yet, so the first run must not know it.
  await ask(server, `${route}/messages`, { body: { content: "Second" } });
  const second = await ask(server, `${route}/runs`, { body: {}, status: 202 });
  assert.deepEqual([second.status, second.started_at], ["queued", null]);
  held.resolve();
  await untilStatus(server, second.id, "completed");
  const events = await eventsOf(server, second.id);
  assert.deepEqual([events[0]!.type, events[0]!.data.behind], ["run.queued", first.id]);
  assert.equal(events[1]!.type, "run.started");
  assert.deepEqual(saidTo(provider.requests[0]!).slice(1), ["user: First"]);
  assert.deepEqual(saidTo(provider.requests[1]!).slice(-1), ["user: Second"]);
  assert.equal(provider.requests[1]!.body.messages.length, 4);
});

Deno.test("with reject, a busy conversation refuses and keeps nothing of the message", async () => {
  await using provider = await startProvider({ script: { tokens: 1, hang: true } });
  await using server = await startServer({ provider: provider.url });
  const { id: conversation_id } = await ask(server, "POST /conversations", { body: {} });
  await ask(server, `POST /conversations/${conversation_id}/messages`, { body: { content: "First" } });
  const { id } = await ask(server, `POST /conversations/${conversation_id}/runs`, { body: {} });
  const body = { message: "Second", conversation_id, multitask: "reject" };
  const error = await ask(server, "POST /chat", { body, status: 409 });
  assert.deepEqual([error.error, error.details.run_id], ["ConflictError", id]);
  const { data } = await ask(server, `GET /conversations/${conversation_id}/messages`);
  assert.equal(data.length, 1);
});

Deno.test("with interrupt, what runs and what waits is cancelled, and the newest message answered", async () => {
  await using provider = await startProvider({
    script: (request) => ({ tokens: request.body.messages.at(-1).content === "Third" ? ["Yes"] : 500, delay: 5 }),
  });
  await using server = await startServer({ provider: provider.url });
  const { id: conversation_id } = await ask(server, "POST /conversations", { body: {} });
  const say = (message: string, multitask = "enqueue") =>
    ask(server, "POST /chat", { body: { message, conversation_id, multitask } });
  const first = say("First");
  await until("the first answer has begun", () => (provider.requests[0]?.tokens_sent ?? 0) > 3);
  const second = say("Second");
  await until("the second run is queued", async () => {
    return (await ask(server, `GET /runs?conversation_id=${conversation_id}&status=queued`)).data.length === 1;
  });
  const third = await say("Third", "interrupt");
  assert.equal(third.message.content, "Yes");
  assert.deepEqual([(await first).status, (await second).status], ["cancelled", "cancelled"]);
  assert.equal(provider.count, 2, "the second message was never sent to the model");
  const [request] = provider.requests;
  await request!.settled;
  assert.ok(request!.closed_at !== null, "the provider's connection is closed");
  const run = await ask(server, `GET /runs/${(await first).run_id}`);
  assert.ok(run.usage.output_tokens > 0, "what was used is kept");
  const events = await eventsOf(server, run.id);
  assert.equal(events.at(-1)!.data.reason, `interrupted by run "${third.run_id}"`);
});

Deno.test("a queue holds so many, and an interruption is let in all the same", async () => {
  await using provider = await startProvider({ script: { tokens: 1, hang: true } });
  await using server = await startServer({
    provider: provider.url,
    settings: { runs: { max_queued_per_conversation: 2 } },
  });
  const { id: conversation_id } = await ask(server, "POST /conversations", { body: {} });
  const start = async (multitask: string, status: number) => {
    await ask(server, `POST /conversations/${conversation_id}/messages`, { body: { content: "More" } });
    return await ask(server, `POST /conversations/${conversation_id}/runs`, { body: { multitask }, status });
  };
  for (let i = 0; i < 3; i++) await start("enqueue", 202);
  const error = await start("enqueue", 429);
  assert.equal(error.error, "TooManyRequestsError");
  const { id } = await start("interrupt", 202);
  await untilStatus(server, id, "running");
});

Deno.test("a run needs something to answer", async () => {
  await using server = await startServer();
  const { id } = await ask(server, "POST /conversations", { body: {} });
  const error = await ask(server, `POST /conversations/${id}/runs`, { body: {}, status: 400 });
  assert.match(error.message, /no message waits for an answer/);
});
