/**
 * Closing the connection is the stop button.
 *
 * @module
 */
import { strict as assert } from "node:assert";
import { parseData, postChat, reading, textOf } from "../support/openai_chat.ts";
import { startProvider } from "../support/provider.ts";
import { startServer } from "../support/server.ts";
import { ask, until } from "../support/story.ts";

/** Longer than what the server reads before it answers, so that leaving must be noticed by the answer itself. */
const messages = [{ role: "user", content: "Tell me everything. ".repeat(200) }];
const endless = { tokens: 100_000, delay: 5 };

Deno.test("who leaves a stream stops the run and the provider", async () => {
  await using provider = await startProvider({ script: endless });
  await using server = await startServer({ provider: provider.url });
  const frames = reading(await postChat(server, { body: { messages, stream: true } }));
  const { id } = await frames.until(({ choices }) => choices[0].delta.content?.length > 0);
  await frames.cancel();
  const request = await provider.received();
  await request.settled;
  assert.ok(request.closed_at !== null && request.tokens_unsent > 0);
  const run_id = id.replace("chatcmpl-", "run_");
  await until("the run is cancelled", async () => (await ask(server, `GET /runs/${run_id}`)).status === "cancelled");
});

Deno.test("who leaves an answer that is not streamed stops the run and the provider, too", async () => {
  await using provider = await startProvider({ script: endless });
  await using server = await startServer({ provider: provider.url });
  const leaving = new AbortController();
  const response = await postChat(server, { body: { messages }, signal: leaving.signal });
  assert.equal(response.status, 200);
  leaving.abort();
  await response.text().catch(() => {});
  const request = await provider.received();
  await request.settled;
  assert.ok(request.closed_at !== null && request.tokens_unsent > 0);
  await until("the run is cancelled", async () => (await ask(server, "GET /runs")).data[0].status === "cancelled");
});

Deno.test("a task that is left stops the provider", async () => {
  for (const stream of [true, false]) {
    await using provider = await startProvider({ script: endless });
    await using server = await startServer({ provider: provider.url });
    const leaving = new AbortController();
    const headers = { "x-muxi-task": "title_generation" };
    const response = await postChat(server, { body: { messages, stream }, headers, signal: leaving.signal });
    leaving.abort();
    await response.text().catch(() => {});
    const request = await provider.received();
    await request.settled;
    assert.ok(request.closed_at !== null && request.tokens_unsent > 0);
  }
});

Deno.test("a run that somebody else stops ends its stream with an error", async () => {
  await using provider = await startProvider({ script: endless });
  await using server = await startServer({ provider: provider.url });
  const frames = reading(await postChat(server, { body: { stream: true } }));
  const { id } = await frames.until(({ choices }) => choices[0].delta.content?.length > 0);
  await ask(server, `POST /runs/${id.replace("chatcmpl-", "run_")}/cancel`, { body: {} });
  const { error } = await frames.until((data) => "error" in data);
  assert.deepEqual([error.type, error.code], ["cancelled_error", "cancelled"]);
});

Deno.test("a server that stops says so on its streams, which would look complete otherwise", async () => {
  await using provider = await startProvider({ script: endless });
  await using server = await startServer({ provider: provider.url });
  const response = await postChat(server, { body: { stream: true } });
  await provider.received();
  const text = response.text();
  await server.app.drain(0);
  const frames = parseData(await text);
  assert.equal(frames.at(-1).error.code, "service_unavailable");
  assert.ok(!frames.includes("[DONE]"));
});

Deno.test("a stream that has nothing to say stays awake by comments, which are no data", async () => {
  await using provider = await startProvider({ script: { hang: 1500, tokens: ["Late"] } });
  await using server = await startServer({ provider: provider.url, settings: { server: { keepalive_seconds: 1 } } });
  const text = await (await postChat(server, { body: { stream: true } })).text();
  assert.match(text, /^: keep-alive\n\n/m);
  assert.equal(textOf(parseData(text)), "Late");
});
